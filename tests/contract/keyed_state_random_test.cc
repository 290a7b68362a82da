// Random steps on keyed state of several subtasks, compared with plain maps: all kinds of state, a
// TTL, snapshots that are written late, and restores at another parallelism.
#include <gmock/gmock.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

#include "common/base/seeded_random.h"
#include "tests/contract/keyed_state_test.h"

namespace weir {
namespace {

constexpr int64_t kKeys = 40;
constexpr int kSteps = 4000;
constexpr int64_t kTtlSeconds = 20;

struct Stamped {
  std::string value;
  int64_t written = 0;  // seconds
  bool operator==(const Stamped&) const = default;
};

/// What the states should hold.
struct Oracle {
  std::map<int64_t, std::string> values;
  std::map<int64_t, Stamped> expiring;
  std::map<int64_t, std::vector<int64_t>> lists;
  std::map<int64_t, std::map<int32_t, std::string>> maps;
  std::map<int64_t, int64_t> sums;
};

struct Subtask {
  KeyGroupRange range;
  std::unique_ptr<KeyedStateBackend> backend;
  ValueState<std::string> value;
  ValueState<std::string> expiring;
  ListState<int64_t> list;
  MapState<int32_t, std::string> map;
  ReducingState<int64_t> sum;

  void GetStates() {
    value = backend->GetState(ValueStateDescriptor<std::string>("value"));
    expiring = backend->GetState(
        ValueStateDescriptor<std::string>("expiring", {std::chrono::seconds(kTtlSeconds)}));
    list = backend->GetListState(ListStateDescriptor<int64_t>("list"));
    map = backend->GetMapState(MapStateDescriptor<int32_t, std::string>("map"));
    sum = backend->GetReducingState(ReducingStateDescriptor<int64_t>(
        "sum", [](const int64_t& a, const int64_t& b) { return a + b; }));
  }
};

class KeyedStateRandomTest : public KeyedStateTest {
 protected:
  void Start(uint64_t seed) {
    random_ = std::make_unique<SeededRandom>(seed);
    oracle_ = Oracle();
    frozen_.clear();
    now_ = 0;
    Open(1, {});
  }

  void Open(uint32_t parallelism, const std::vector<std::string>& snapshots,
            const std::vector<KeyedStateIncrement>& increments = {}) {
    subtasks_.clear();
    for (uint32_t i = 0; i < parallelism; ++i) {
      Subtask& subtask = subtasks_.emplace_back();
      subtask.range = DefaultKeyGroupRange(i, {parallelism, kMaxParallelism});
      subtask.backend = Make(subtask.range);
      const bool register_first = random_->Below(2) == 0;
      if (register_first) subtask.GetStates();
      ASSERT_EQ(increments.empty() ? Restore(*subtask.backend, snapshots)
                                   : subtask.backend->RestoreIncrements(increments),
                absl::OkStatus());
      if (!register_first) subtask.GetStates();
      ASSERT_EQ(subtask.backend->status(), absl::OkStatus());
    }
  }

  Subtask& SubtaskOf(int64_t key) {
    for (Subtask& subtask : subtasks_) {
      if (!subtask.range.Contains(GroupOf(key))) continue;
      SetKey(*subtask.backend, key);
      return subtask;
    }
    ADD_FAILURE() << "no subtask has key " << key;
    return subtasks_.front();
  }

  void PassSeconds(int64_t seconds) {
    clock_.Advance(absl::Seconds(seconds));
    now_ += seconds;
    for (Subtask& subtask : subtasks_) {
      subtask.backend->BeginBatch();
      subtask.backend->CleanUpExpired(static_cast<size_t>(random_->Below(50)));
    }
    for (auto at = oracle_.expiring.begin(); at != oracle_.expiring.end();) {
      at = at->second.written + kTtlSeconds <= now_ ? oracle_.expiring.erase(at) : std::next(at);
    }
  }

  void Check(int64_t key) {
    Subtask& at = SubtaskOf(key);
    const auto want = [key](const auto& map) {
      const auto found = map.find(key);
      return found == map.end() ? std::nullopt : std::optional(found->second);
    };
    ASSERT_EQ(at.value.Value(), want(oracle_.values));
    const std::optional<Stamped> expiring = want(oracle_.expiring);
    ASSERT_EQ(at.expiring.Value(),
              expiring ? std::optional<std::string>(expiring->value) : std::nullopt);
    ASSERT_EQ(at.list.Get(), want(oracle_.lists).value_or(std::vector<int64_t>()));
    ASSERT_EQ(at.sum.Get(), want(oracle_.sums));
    const auto map = want(oracle_.maps).value_or(std::map<int32_t, std::string>());
    ASSERT_EQ(at.map.IsEmpty(), map.empty());
    const auto entries = at.map.Entries();
    ASSERT_TRUE(std::equal(
        entries.begin(), entries.end(), map.begin(), map.end(),
        [](const auto& a, const auto& b) { return a.first == b.first && a.second == b.second; }));
  }

  void Change(int64_t key) {
    Subtask& at = SubtaskOf(key);
    const auto number = static_cast<int32_t>(random_->Below(8));
    const std::string text =
        absl::StrCat("text ", random_->Below(1000), std::string(number * 4, 'x'));
    switch (random_->Below(12)) {
      case 0:
        at.value.Clear();
        oracle_.values.erase(key);
        break;
      case 1:
        at.value.Update(text);
        oracle_.values[key] = text;
        break;
      case 2:
        at.expiring.Update(text);
        oracle_.expiring[key] = {text, now_};
        break;
      case 3:
        at.expiring.Clear();
        oracle_.expiring.erase(key);
        break;
      case 4:
      case 5:
        at.list.Add(number);
        oracle_.lists[key].push_back(number);
        break;
      case 6:
        at.list.Update(std::vector<int64_t>(static_cast<size_t>(number), 5));
        oracle_.lists[key].assign(static_cast<size_t>(number), 5);
        break;
      case 7:
        at.map.Remove(number);
        oracle_.maps[key].erase(number);
        break;
      case 8:
      case 9:
        at.map.Put(number - 4, text);
        oracle_.maps[key][number - 4] = text;
        break;
      case 10:
        at.sum.Add(number);
        oracle_.sums[key] += number;
        break;
      default:
        if (random_->Below(4) != 0) break;
        at.sum.Clear();
        at.map.Clear();
        at.list.Clear();
        oracle_.sums.erase(key);
        oracle_.maps.erase(key);
        oracle_.lists.erase(key);
    }
  }

  void FreezeAll() {
    frozen_.clear();
    for (Subtask& subtask : subtasks_) frozen_.push_back(Freeze(*subtask.backend));
    frozen_oracle_ = oracle_;
  }

  // Back to the frozen state, at another parallelism.
  void RestoreFrozen() {
    if (frozen_.empty()) return;
    std::vector<std::string> snapshots;
    std::vector<KeyedStateIncrement> increments;
    const bool canonical = random_->Below(2) == 0;
    for (const auto& frozen : frozen_) {
      if (!canonical) {
        const absl::StatusOr<KeyedStateIncrement> increment = frozen->WriteIncrement();
        ASSERT_TRUE(increment.ok()) << increment.status();
        increments.push_back(*increment);
        continue;
      }
      const absl::StatusOr<std::string> snapshot = frozen->Write();
      ASSERT_TRUE(snapshot.ok());
      snapshots.push_back(*snapshot);
    }
    oracle_ = frozen_oracle_;
    Open(static_cast<uint32_t>(1 + random_->Below(5)), snapshots, increments);
    PassSeconds(0);
    for (int64_t key = 0; key < kKeys; ++key) Check(key);
  }

  std::unique_ptr<SeededRandom> random_;
  Oracle oracle_;
  Oracle frozen_oracle_;
  std::vector<Subtask> subtasks_;
  std::vector<std::unique_ptr<FrozenState>> frozen_;
  int64_t now_ = 0;
};
WEIR_FOR_ALL_BACKENDS(KeyedStateRandomTest);

TEST_P(KeyedStateRandomTest, AsPlainMaps) {
  for (uint64_t seed = 1; seed <= GetParam().random_runs; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    Start(seed);
    for (int step = 0; step < kSteps && !HasFatalFailure(); ++step) {
      const auto key = static_cast<int64_t>(random_->Below(kKeys));
      const uint64_t dice = random_->Below(200);
      if (dice == 0) {
        FreezeAll();
      } else if (dice == 1) {
        RestoreFrozen();
      } else if (dice < 8) {
        PassSeconds(static_cast<int64_t>(random_->Below(5)));
      } else if (dice < 60) {
        Check(key);
      } else {
        Change(key);
      }
    }
    for (int64_t key = 0; key < kKeys; ++key) Check(key);
    if (HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace weir
