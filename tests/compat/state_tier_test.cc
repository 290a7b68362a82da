// A checkpoint of the state tier of each format version, as it was written: its manifest and dirty
// log must be readable for ever (docs/formats/state-tier.md).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "common/types/key_codec.h"
#include "state/tiered/tiered_keyed_state_backend.h"
#include "tests/support/manual_executor.h"
#include "tests/support/settable_clock.h"
#include "tests/support/temporary_directory.h"

namespace weir {
namespace {

using testing::ElementsAre;
using testing::Pair;

constexpr uint32_t kMaxParallelism = 16;

struct Visit {
  int32_t id = 0;
  std::string page;
  WEIR_RECORD(Visit, id, page)
};
/// What the job may have become.
struct LaterVisit {
  std::string page;
  int64_t id = 0;
  std::string referrer = "none";
  WEIR_RECORD(LaterVisit, page, id, referrer)
};

const ListStateDescriptor<std::string> kPages("pages", {std::chrono::hours(1)});
const MapStateDescriptor<std::pair<std::string, int32_t>, double> kScores("scores");

std::string DataPath(const std::string& name) {
  return std::string(std::getenv("WEIR_SOURCE_DIR")) + "/tests/compat/data/" + name;
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.good()) << path;
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

class StateTierCompatTest : public testing::Test {
 protected:
  std::unique_ptr<TieredKeyedStateBackend> Open() {
    TieredStateOptions options;
    options.instance = "golden";
    options.directory = directory_.File(std::to_string(++opened_));
    return *TieredKeyedStateBackend::Open(
        {"visits", StateCodec<std::string>::Schema(), kMaxParallelism, {0, kMaxParallelism}},
        options, clock_, pool_);
  }
  static void SetKey(KeyedStateBackend& backend, const std::string& key) {
    backend.SetCurrentKey(KeyRefOf(key, kMaxParallelism));
  }
  KeyedStateIncrement WriteNow() {
    const auto backend = Open();
    auto visit = backend->GetState(ValueStateDescriptor<Visit>("visit"));
    auto pages = backend->GetListState(kPages);
    auto scores = backend->GetMapState(kScores);
    for (const std::string key : {"ada", "bob", "cleo"}) {
      SetKey(*backend, key);
      visit.Update({static_cast<int32_t>(key.size()), "/" + key});
      pages.Add("/a");
      pages.Add("/" + key);
      scores.Put({key, -1}, 1.5);
      scores.Put({key, 2}, -2.5);
      backend->timers().Register(TimeDomain::kEventTime, 1000, "window");
      backend->timers().Register(TimeDomain::kProcessingTime, 2000);
    }
    scores.Remove({"cleo", 2});
    backend->timers().Delete(TimeDomain::kProcessingTime, 2000);
    backend->timers().AdvanceWatermark(EventTime::FromMicros(999));
    return *(*backend->Freeze())->WriteIncrement();
  }
  static KeyedStateIncrement Version1() {
    KeyedStateIncrement increment{ReadFile(DataPath("state_tier_1.manifest")), {}};
    const std::string log = DataPath("state_tier_1.log");
    increment.files.push_back({"golden/1.log", std::filesystem::file_size(log), log, nullptr});
    return increment;
  }

  TemporaryDirectory directory_;
  SettableClock clock_;
  ManualPool pool_;
  int opened_ = 0;
};

TEST_F(StateTierCompatTest, Version1IsRead) {
  const auto backend = Open();
  const KeyedStateIncrement increment = Version1();
  ASSERT_EQ(backend->RestoreIncrements({&increment, 1}), absl::OkStatus());
  auto visit = backend->GetState(ValueStateDescriptor<Visit>("visit"));
  auto pages = backend->GetListState(kPages);
  auto scores = backend->GetMapState(kScores);
  ASSERT_EQ(backend->status(), absl::OkStatus());
  SetKey(*backend, "bob");
  ASSERT_NE(visit.Peek(), nullptr);
  EXPECT_EQ(visit.Peek()->id, 3);
  EXPECT_EQ(visit.Peek()->page, "/bob");
  EXPECT_THAT(pages.Get(), ElementsAre("/a", "/bob"));
  EXPECT_THAT(scores.Entries(),
              ElementsAre(Pair(Pair("bob", -1), 1.5), Pair(Pair("bob", 2), -2.5)));
  SetKey(*backend, "cleo");
  EXPECT_THAT(scores.Entries(), ElementsAre(Pair(Pair("cleo", -1), 1.5)));
  EXPECT_EQ(backend->timers().GroupWatermark(0), EventTime::FromMicros(999));
  int windows = 0;
  while (const auto timer = backend->timers().PopDue(TimeDomain::kEventTime, 1000)) {
    EXPECT_EQ(timer->name_space, "window");
    ++windows;
  }
  EXPECT_EQ(windows, 3);
  EXPECT_EQ(backend->timers().PopDue(TimeDomain::kProcessingTime, 2000)->key, "ada");
  EXPECT_EQ(backend->timers().PopDue(TimeDomain::kProcessingTime, 2000)->key, "bob");
  EXPECT_EQ(backend->timers().NextDue(TimeDomain::kProcessingTime), std::nullopt);
}

TEST_F(StateTierCompatTest, Version1IsMigrated) {
  const auto backend = Open();
  const KeyedStateIncrement increment = Version1();
  ASSERT_EQ(backend->RestoreIncrements({&increment, 1}), absl::OkStatus());
  auto visit = backend->GetState(ValueStateDescriptor<LaterVisit>("visit"));
  SetKey(*backend, "cleo");
  ASSERT_NE(visit.Peek(), nullptr);
  EXPECT_EQ(visit.Peek()->page, "/cleo");
  EXPECT_EQ(visit.Peek()->id, 4);
  EXPECT_EQ(visit.Peek()->referrer, "none");
}

/// As long as version 1 is what is written, the same changes have the same bytes.
TEST_F(StateTierCompatTest, Version1IsWritten) {
  const KeyedStateIncrement now = WriteNow();
  ASSERT_EQ(now.files.size(), 1u);
  const std::string log = ReadFile(now.files[0].path);
  if (now.manifest == ReadFile(DataPath("state_tier_1.manifest")) &&
      log == ReadFile(DataPath("state_tier_1.log"))) {
    return;
  }
  const std::string path = testing::TempDir() + "state_tier_now";
  std::ofstream(path + ".manifest", std::ios::binary) << now.manifest;
  std::ofstream(path + ".log", std::ios::binary) << log;
  ADD_FAILURE() << "the format has changed; what is written now is in " << path << ".*";
}

}  // namespace
}  // namespace weir
