#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

#include "tests/e2e/event_job.h"

namespace weir {

/// event_profiles: much keyed state in RocksDB, that checks itself.
class ProfileJobTest : public EventJobTest {
 protected:
  /// One event of every `step`-th key of these.
  void FeedKeys(int64_t from, int64_t to, int64_t step) {
    std::vector<TestEvent> events;
    for (int64_t key = from; key < to; key += step) {
      TestEvent& event = events.emplace_back();
      event.id = event.at_ms = ++events_;
      event.key = absl::StrCat("p", key);
      ++visits_[event.key];
    }
    Feed(events);
  }
  /// One row for each event, and nothing of what was kept is lost or changed.
  void ExpectAllVisits() {
    std::map<std::string, int64_t> visits;
    std::set<std::pair<std::string, int64_t>> seen;
    int64_t wrong = 0;
    for (const nlohmann::json& row : Rows("output")) {
      const std::string key = row["key"];
      const int64_t visit = row["visits"];
      const bool right = row["intact"].get<bool>() && visit >= 1 && visit <= visits_[key] &&
                         seen.emplace(key, visit).second;
      wrong += right ? 0 : 1;
      ++visits[key];
    }
    EXPECT_EQ(wrong, 0);
    EXPECT_TRUE(visits == visits_) << seen.size() << " of " << events_ << " visits";
  }

 private:
  int64_t events_ = 0;
  std::map<std::string, int64_t> visits_;
};

}  // namespace weir
