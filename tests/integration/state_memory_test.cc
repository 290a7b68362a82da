// Keyed state ten times as large as its memory, in a process of its own: what the kernel counts.
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

#include "common/base/seeded_random.h"
#include "common/exec/thread_blocking_pool.h"
#include "common/time/system_clock.h"
#include "common/types/key_codec.h"
#include "state/tiered/tiered_keyed_state_backend.h"
#include "tests/support/sanitizers.h"
#include "tests/support/temporary_directory.h"

namespace weir {
namespace {

constexpr size_t kMemoryBytes = 16u << 20;
constexpr size_t kCacheBytes = 2u << 20;  // the same beside any budget, and soon full
constexpr int64_t kValueBytes = 400;
constexpr uint32_t kGroups = 16;

/// Of /proc/self/status, in bytes.
size_t StatusBytes(const std::string& field) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    absl::string_view rest = line;
    uint64_t kilobytes = 0;
    if (!absl::ConsumePrefix(&rest, absl::StrCat(field, ":"))) continue;
    absl::ConsumeSuffix(&rest, "kB");
    if (absl::SimpleAtoi(rest, &kilobytes)) return kilobytes << 10;
  }
  return 0;
}

/// VmHWM begins anew (proc(5)).
void ForgetMost() { std::ofstream("/proc/self/clear_refs") << "5"; }

std::string ValueOf(int64_t key, int64_t version) {
  std::string value = absl::StrCat(key, " as of ", version, " ");
  value.resize(kValueBytes, 'x');
  return value;
}

/// A backend, its batches, and a checkpoint of it ten times as its state grows.
class StateRun {
 public:
  StateRun(size_t memory_bytes, int64_t steps) : steps_(steps) {
    TieredStateOptions options;
    options.directory = directory_.File("state");
    options.instance = "a";
    options.memory_bytes = memory_bytes;
    options.block_cache_bytes = kCacheBytes;
    backend_ =
        TieredKeyedStateBackend::Open(
            {"count", StateCodec<int64_t>::Schema(), kGroups, {0, kGroups}}, options, clock_, pool_)
            .value();
  }
  void Step(int64_t key) {
    if (step_ % 100 == 0) backend_->BeginBatch();
    if (step_++ % (steps_ / 10) == 0) {
      frozen_ = *backend_->Freeze();
      ASSERT_TRUE(frozen_->WriteIncrement().ok());
    }
    SetKey(key);
  }
  void SetKey(int64_t key) {
    key_ = EncodeKey(key);
    backend_->SetCurrentKey(KeyRefOf(key_, kGroups));
  }
  int64_t Below(int64_t limit) {
    return static_cast<int64_t>(random_.Below(static_cast<uint64_t>(limit)));
  }
  TieredKeyedStateBackend& backend() { return *backend_; }

 private:
  TemporaryDirectory directory_;
  SystemClock clock_;
  ThreadBlockingPool pool_{{.name = "weir-test", .threads = 2}};
  SeededRandom random_{7};
  const int64_t steps_;
  int64_t step_ = 0;
  std::string key_;
  std::unique_ptr<TieredKeyedStateBackend> backend_;
  std::shared_ptr<const FrozenState> frozen_;
};

/// Fills a state of so many entries, and changes and reads some of them.
using Work = std::function<void(size_t memory_bytes, int64_t entries)>;

/// What a budget may take for each of its bytes: hash tables double, and the allocator has slack.
constexpr size_t kMostPerByte = 2;

/// `entry_bytes`: what an entry takes. What does not depend on the budget - RocksDB's block cache,
/// write buffers and threads - is the same where budget and state are a quarter.
void ExpectWithinBudget(int64_t entry_bytes, const Work& work) {
  if (kSanitized) GTEST_SKIP() << "the sanitizer's own memory comes on top";
  const size_t before = StatusBytes("VmRSS");
  ASSERT_GT(before, 0u);
  const auto most = [&](size_t memory_bytes) {
    ForgetMost();
    work(memory_bytes, 10 * static_cast<int64_t>(memory_bytes) / entry_bytes);
    return StatusBytes("VmHWM") - before;
  };
  constexpr size_t kLittle = kMemoryBytes / 4;
  const size_t with_little = most(kLittle);
  const size_t with_all = most(kMemoryBytes);
  testing::Test::RecordProperty("with_a_quarter_mebibytes", absl::StrCat(with_little >> 20));
  testing::Test::RecordProperty("mebibytes", absl::StrCat(with_all >> 20));
  EXPECT_LE(with_all - with_little, kMostPerByte * (kMemoryBytes - kLittle))
      << (with_all >> 20) << " MiB, and " << (with_little >> 20) << " MiB with a quarter";
}

TEST(StateMemory, LargeValuesTenTimesTheBudget) {
  ExpectWithinBudget(kValueBytes, [](size_t memory_bytes, int64_t entries) {
    StateRun run(memory_bytes, 2 * entries);
    auto state = run.backend().GetState(ValueStateDescriptor<std::string>("value"));
    std::vector<bool> newer(static_cast<size_t>(entries));
    for (int64_t i = 0; i < 2 * entries; ++i) {
      const bool first = i < entries;
      const int64_t key = first ? i : run.Below(entries);
      run.Step(key);
      newer[static_cast<size_t>(key)] = !first;
      state.Update(ValueOf(key, first ? 0 : 1));
    }
    for (int64_t i = 0; i < entries / 8; ++i) {
      const int64_t key = run.Below(entries);
      run.SetKey(key);
      ASSERT_EQ(state.Value(), ValueOf(key, newer[static_cast<size_t>(key)] ? 1 : 0)) << key;
    }
    ASSERT_EQ(run.backend().status(), absl::OkStatus());
  });
}

TEST(StateMemory, NumbersTenTimesTheBudget) {
  ExpectWithinBudget(120, [](size_t memory_bytes, int64_t entries) {
    StateRun run(memory_bytes, entries + entries / 4);
    auto state = run.backend().GetState(ValueStateDescriptor<int64_t>("value"));
    for (int64_t i = 0; i < entries + entries / 4; ++i) {
      const int64_t key = i < entries ? i : run.Below(entries);
      run.Step(key);
      state.Update(2 * key);
    }
    for (int64_t i = 0; i < entries / 16; ++i) {
      const int64_t key = run.Below(entries);
      run.SetKey(key);
      ASSERT_EQ(state.Value(), 2 * key);
    }
    ASSERT_EQ(run.backend().status(), absl::OkStatus());
  });
}

TEST(StateMemory, EntriesOfMapsTenTimesTheBudget) {
  constexpr int64_t kKeys = 1000;
  ExpectWithinBudget(220, [](size_t memory_bytes, int64_t entries) {
    StateRun run(memory_bytes, entries + entries / 4);
    auto map = run.backend().GetMapState(MapStateDescriptor<std::string, int64_t>("map"));
    const auto name = [](int64_t entry) { return absl::StrCat("the entry with number ", entry); };
    for (int64_t i = 0; i < entries + entries / 4; ++i) {
      const int64_t entry = i < entries ? i : run.Below(entries);
      run.Step(entry % kKeys);
      map.Put(name(entry), 2 * entry);
    }
    for (int64_t i = 0; i < entries / 16; ++i) {
      const int64_t entry = run.Below(entries);
      run.SetKey(entry % kKeys);
      ASSERT_EQ(map.Get(name(entry)), 2 * entry);
    }
    ASSERT_EQ(run.backend().status(), absl::OkStatus());
  });
}

TEST(StateMemory, TimersTenTimesTheBudget) {
  ExpectWithinBudget(200, [](size_t memory_bytes, int64_t entries) {
    StateRun run(memory_bytes, entries);
    KeyedTimers& timers = run.backend().timers();
    constexpr int64_t kLatest = 1'000'000'000'000;
    for (int64_t i = 0; i < entries; ++i) {
      run.Step(i);
      timers.Register(TimeDomain::kEventTime, run.Below(kLatest), "window");
    }
    int64_t last = 0;
    for (int64_t i = 0; i < entries / 4; ++i) {
      const auto timer = timers.PopDue(TimeDomain::kEventTime, kLatest);
      ASSERT_TRUE(timer.has_value());
      ASSERT_GE(timer->time_micros, last);
      last = timer->time_micros;
    }
    ASSERT_EQ(run.backend().status(), absl::OkStatus());
  });
}

}  // namespace
}  // namespace weir
