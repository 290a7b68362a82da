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
#include "tests/support/sanitizers.h"

namespace weir {
namespace {

constexpr int64_t kKeys = 40;
constexpr int kSteps = kSanitized ? 1000 : 4000;
constexpr int64_t kTtlSeconds = 20;
constexpr int64_t kCounts = 300;  // numbers from -kCounts to kCounts are counted

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
  std::map<int64_t, std::vector<Stamped>> expiring_lists;
  std::map<int64_t, std::map<int32_t, std::string>> maps;
  std::map<int64_t, std::map<int32_t, std::vector<int64_t>>> map_lists;
  std::map<int64_t, std::map<int64_t, int64_t>> counts;
  std::map<int64_t, int64_t> sums;
  std::map<int64_t, int64_t> additions;  // to sums
};

using Tally = std::pair<int64_t, int64_t>;  // how many, and their sum

class DescribeTally final : public AggregateFunction<int64_t, Tally, std::string> {
 public:
  void Add(const int64_t& value, Tally& tally) const override {
    ++tally.first;
    tally.second += value;
  }
  std::string GetResult(const Tally& tally) const override {
    return absl::StrCat(tally.first, " of ", tally.second);
  }
};

struct Subtask {
  KeyGroupRange range;
  std::unique_ptr<KeyedStateBackend> backend;
  ValueState<std::string> value;
  ValueState<std::string> expiring;
  ListState<int64_t> list;
  ListState<std::string> expiring_list;
  MapState<int32_t, std::string> map;
  MapState<int32_t, std::vector<int64_t>> map_lists;
  MapState<int64_t, int64_t> counts;
  ReducingState<int64_t> sum;
  AggregatingState<int64_t, Tally, std::string> tally;  // of what is added to `sum`

  void GetStates() {
    value = backend->GetState(ValueStateDescriptor<std::string>("value"));
    expiring = backend->GetState(
        ValueStateDescriptor<std::string>("expiring", {std::chrono::seconds(kTtlSeconds)}));
    list = backend->GetListState(ListStateDescriptor<int64_t>("list"));
    expiring_list = backend->GetListState(
        ListStateDescriptor<std::string>("expiring list", {std::chrono::seconds(kTtlSeconds)}));
    map = backend->GetMapState(MapStateDescriptor<int32_t, std::string>("map"));
    map_lists =
        backend->GetMapState(MapStateDescriptor<int32_t, std::vector<int64_t>>("map lists"));
    counts = backend->GetMapState(MapStateDescriptor<int64_t, int64_t>("counts"));
    sum = backend->GetReducingState(ReducingStateDescriptor<int64_t>(
        "sum", [](const int64_t& a, const int64_t& b) { return a + b; }));
    tally = backend->GetAggregatingState(
        AggregatingStateDescriptor<int64_t, Tally, std::string>("tally", DescribeTally()));
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
    const auto expired = [this](const Stamped& of) { return of.written + kTtlSeconds <= now_; };
    std::erase_if(oracle_.expiring, [&](const auto& entry) { return expired(entry.second); });
    for (auto& [key, list] : oracle_.expiring_lists) std::erase_if(list, expired);
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
    std::vector<std::string> expiring_list;
    for (const Stamped& element : want(oracle_.expiring_lists).value_or(std::vector<Stamped>())) {
      expiring_list.push_back(element.value);
    }
    ASSERT_EQ(at.expiring_list.Get(), expiring_list);
    ASSERT_EQ(at.sum.Get(), want(oracle_.sums));
    const auto additions = want(oracle_.additions);
    ASSERT_EQ(at.tally.Get(), additions ? std::optional<std::string>(
                                              absl::StrCat(*additions, " of ", oracle_.sums[key]))
                                        : std::nullopt);
    const auto map = want(oracle_.maps).value_or(std::map<int32_t, std::string>());
    ASSERT_EQ(at.map.IsEmpty(), map.empty());
    const auto entries = at.map.Entries();
    ASSERT_TRUE(std::equal(
        entries.begin(), entries.end(), map.begin(), map.end(),
        [](const auto& a, const auto& b) { return a.first == b.first && a.second == b.second; }));
    CheckMapLists(key);
    CheckCounts(at, want(oracle_.counts).value_or(std::map<int64_t, int64_t>()));
  }

  // One entry, or all.
  void CheckMapLists(int64_t key) {
    Subtask& at = SubtaskOf(key);
    const auto& lists = oracle_.map_lists[key];
    const auto map_key = static_cast<int32_t>(random_->Below(4));
    if (random_->Below(2) == 0) {
      const auto found = lists.find(map_key);
      ASSERT_EQ(at.map_lists.Get(map_key),
                found == lists.end() ? std::nullopt : std::optional(found->second));
      return;
    }
    const auto entries = at.map_lists.Entries();
    ASSERT_EQ((std::map<int32_t, std::vector<int64_t>>(entries.begin(), entries.end())), lists);
  }

  void ChangeMapLists(int64_t key) {
    Subtask& at = SubtaskOf(key);
    const auto map_key = static_cast<int32_t>(random_->Below(4));
    const auto count = random_->Below(40);
    const auto element = static_cast<int64_t>(random_->Below(1000));
    auto& lists = oracle_.map_lists[key];
    bool fresh = false;
    switch (random_->Below(10)) {
      case 0:
        at.map_lists.Put(map_key, std::vector<int64_t>(count, element));
        lists[map_key].assign(count, element);
        break;
      case 1:
        at.map_lists.Remove(map_key);
        lists.erase(map_key);
        break;
      case 2:
        if (random_->Below(4) != 0) break;
        at.map_lists.Clear();
        lists.clear();
        break;
      case 3:
        at.map_lists.GetOrCreate(map_key, &fresh).push_back(element);
        ASSERT_EQ(fresh, !lists.contains(map_key));
        lists[map_key].push_back(element);
        break;
      default:
        for (uint64_t i = 0; i < count; ++i) {
          const bool there = lists.contains(map_key);
          fresh = at.map_lists.Append(map_key, element + static_cast<int64_t>(i));
          // It may be true where there is one; but not false where there is none.
          ASSERT_TRUE(fresh || there);
          lists[map_key].push_back(element + static_cast<int64_t>(i));
        }
    }
  }

  void CheckCounts(Subtask& at, const std::map<int64_t, int64_t>& counts) {
    ASSERT_EQ(at.counts.IsEmpty(), counts.empty());
    const int64_t from = static_cast<int64_t>(random_->Below(2 * kCounts)) - kCounts;
    std::map<int64_t, int64_t> found;
    at.counts.ForEachFrom(from, [&found](int64_t number, int64_t count) {
      EXPECT_TRUE(found.empty() || found.rbegin()->first < number);
      found[number] = count;
      return true;
    });
    ASSERT_EQ(found, (std::map<int64_t, int64_t>(counts.lower_bound(from), counts.end())));
    const auto one = counts.find(from);
    ASSERT_EQ(at.counts.Get(from),
              one == counts.end() ? std::nullopt : std::optional<int64_t>(one->second));
  }

  // In the order of numbers mostly, as slices of windows come and go.
  void ChangeCounts(int64_t key, int step) {
    Subtask& at = SubtaskOf(key);
    std::map<int64_t, int64_t>& counts = oracle_.counts[key];
    const int64_t newest = step * 2 * kCounts / kSteps - kCounts;
    const int64_t other = static_cast<int64_t>(random_->Below(2 * kCounts)) - kCounts;
    if (random_->Below(3) == 0 && !counts.empty()) {
      const int64_t oldest = random_->Below(4) == 0 ? other : counts.begin()->first;
      at.counts.Remove(oldest);
      counts.erase(oldest);
      return;
    }
    const int64_t number = random_->Below(4) == 0 ? other : newest;
    bool fresh = false;
    int64_t& count = at.counts.GetOrCreate(number, &fresh);
    ASSERT_EQ(fresh, !counts.contains(number));
    count += step;
    counts[number] += step;
  }

  void ChangeList(int64_t key) {
    Subtask& at = SubtaskOf(key);
    const auto count = random_->Below(40);
    const auto element = static_cast<int64_t>(random_->Below(1000));
    std::vector<int64_t>& list = oracle_.lists[key];
    std::vector<Stamped>& expiring = oracle_.expiring_lists[key];
    switch (random_->Below(12)) {
      case 0:
        at.list.Update(std::vector<int64_t>(count, element));
        list.assign(count, element);
        break;
      case 1:
        at.expiring_list.Update(std::vector<std::string>(count, absl::StrCat(element)));
        expiring.assign(count, {absl::StrCat(element), now_});
        break;
      case 2:
        at.list.Clear();
        list.clear();
        break;
      case 3:
        at.expiring_list.Clear();
        expiring.clear();
        break;
      case 4:
      case 5:
      case 6:
      case 7:
        for (uint64_t i = 0; i < count; ++i) at.list.Add(element + static_cast<int64_t>(i));
        for (uint64_t i = 0; i < count; ++i) list.push_back(element + static_cast<int64_t>(i));
        break;
      default:
        for (uint64_t i = 0; i < count; ++i) at.expiring_list.Add(absl::StrCat(element, ":", i));
        for (uint64_t i = 0; i < count; ++i) {
          expiring.push_back({absl::StrCat(element, ":", i), now_});
        }
    }
  }

  void Change(int64_t key) {
    Subtask& at = SubtaskOf(key);
    const auto number = static_cast<int32_t>(random_->Below(8));
    const std::string text =
        absl::StrCat("text ", random_->Below(1000), std::string(number * 4, 'x'));
    switch (random_->Below(9)) {
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
        at.map.Remove(number);
        oracle_.maps[key].erase(number);
        break;
      case 5:
      case 6:
        at.map.Put(number - 4, text);
        oracle_.maps[key][number - 4] = text;
        break;
      case 7:
        at.sum.Add(number);
        at.tally.Add(number);
        oracle_.sums[key] += number;
        ++oracle_.additions[key];
        break;
      default:
        if (random_->Below(4) != 0) break;
        at.sum.Clear();
        at.tally.Clear();
        at.map.Clear();
        at.counts.Clear();
        oracle_.sums.erase(key);
        oracle_.additions.erase(key);
        oracle_.maps.erase(key);
        oracle_.counts.erase(key);
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
      } else if (dice < 100) {
        ChangeList(key);
      } else if (dice < 120) {
        ChangeMapLists(key);
      } else if (dice < 140) {
        ChangeCounts(key, step);
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
