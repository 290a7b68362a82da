#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

#include "common/base/check.h"
#include "common/exec/thread_blocking_pool.h"
#include "common/time/clock.h"
#include "common/types/key_codec.h"
#include "common/types/key_group.h"
#include "state/keyed/heap_keyed_state_backend.h"
#include "state/keyed/keyed_state_backend.h"
#include "state/tiered/tiered_keyed_state_backend.h"
#include "tests/support/settable_clock.h"
#include "tests/support/temporary_directory.h"

namespace weir {

/// What backends of one test stand on.
class KeyedStateGround {
 public:
  std::unique_ptr<KeyedStateBackend> Heap(KeyedStateBackend::Options options, const Clock& clock) {
    return std::make_unique<HeapKeyedStateBackend>(std::move(options), clock);
  }
  std::unique_ptr<KeyedStateBackend> Tiered(KeyedStateBackend::Options options, const Clock& clock,
                                            size_t memory_bytes) {
    TieredStateOptions tiered;
    tiered.instance = absl::StrCat("backend-", ++backends_);
    tiered.directory = directory_.File(tiered.instance);
    tiered.memory_bytes = memory_bytes;
    auto backend = TieredKeyedStateBackend::Open(std::move(options), tiered, clock, pool_);
    WEIR_CHECK(backend.ok()) << backend.status();
    return *std::move(backend);
  }

 private:
  TemporaryDirectory directory_;
  ThreadBlockingPool pool_{{"state", 2}};
  int backends_ = 0;
};

/// A kind of backend that the suite is run on. Another one joins in AllKeyedStateBackends.
struct KeyedStateBackendKind {
  const char* name;
  uint64_t random_runs;  // fewer where files are written
  std::unique_ptr<KeyedStateBackend> (*make)(KeyedStateGround& ground,
                                             KeyedStateBackend::Options options,
                                             const Clock& clock);

  friend void PrintTo(const KeyedStateBackendKind& kind, std::ostream* out) { *out << kind.name; }
};

inline std::vector<KeyedStateBackendKind> AllKeyedStateBackends() {
  return {{"Heap", 20,
           [](KeyedStateGround& ground, KeyedStateBackend::Options options, const Clock& clock) {
             return ground.Heap(std::move(options), clock);
           }},
          {"Tiered", 3,
           [](KeyedStateGround& ground, KeyedStateBackend::Options options, const Clock& clock) {
             return ground.Tiered(std::move(options), clock, 64u << 20);
           }},
          // Next to nothing fits: nearly all goes through RocksDB.
          {"TieredSmall", 2,
           [](KeyedStateGround& ground, KeyedStateBackend::Options options, const Clock& clock) {
             return ground.Tiered(std::move(options), clock, 144u << 10);
           }}};
}

/// Keys are int64. `backend_` has all key groups; tests of several subtasks make their own.
class KeyedStateTest : public testing::TestWithParam<KeyedStateBackendKind> {
 protected:
  static constexpr uint32_t kMaxParallelism = 64;

  KeyedStateTest() { Reopen(); }

  std::unique_ptr<KeyedStateBackend> Make(KeyGroupRange range) const {
    KeyedStateBackend::Options options;
    options.operator_name = "count";
    options.key_schema = StateCodec<int64_t>::Schema();
    options.max_parallelism = kMaxParallelism;
    options.range = range;
    return Make(std::move(options));
  }
  std::unique_ptr<KeyedStateBackend> Make(KeyedStateBackend::Options options) const {
    return GetParam().make(*ground_, std::move(options), clock_);
  }
  std::unique_ptr<KeyedStateBackend> Make() const { return Make({0, kMaxParallelism}); }
  void Reopen() { backend_ = Make(); }

  static uint32_t GroupOf(int64_t key) { return KeyGroupOf(EncodeKey(key), kMaxParallelism); }
  static void SetKey(KeyedStateBackend& backend, int64_t key) {
    const std::string bytes = EncodeKey(key);
    backend.SetCurrentKey(KeyRefOf(bytes, kMaxParallelism));
  }
  void SetKey(int64_t key) { SetKey(*backend_, key); }

  void Pass(absl::Duration time) {
    clock_.Advance(time);
    backend_->BeginBatch();
  }

  static std::unique_ptr<FrozenState> Freeze(KeyedStateBackend& backend) {
    absl::StatusOr<std::unique_ptr<FrozenState>> frozen = backend.Freeze();
    WEIR_CHECK(frozen.ok()) << frozen.status();
    return *std::move(frozen);
  }
  static std::string Snapshot(KeyedStateBackend& backend) {
    const absl::StatusOr<std::string> snapshot = Freeze(backend)->Write();
    EXPECT_TRUE(snapshot.ok()) << snapshot.status();
    return snapshot.ok() ? *snapshot : std::string();
  }
  static KeyedStateIncrement Increment(KeyedStateBackend& backend) {
    absl::StatusOr<KeyedStateIncrement> increment = Freeze(backend)->WriteIncrement();
    EXPECT_TRUE(increment.ok()) << increment.status();
    return increment.ok() ? *std::move(increment) : KeyedStateIncrement();
  }
  static absl::Status Restore(KeyedStateBackend& backend, const std::vector<std::string>& from) {
    const std::vector<absl::string_view> views(from.begin(), from.end());
    return backend.Restore(views);
  }
  /// A snapshot of backend_, restored into a new one.
  absl::Status Reincarnate() {
    const std::string snapshot = Snapshot(*backend_);
    Reopen();
    return Restore(*backend_, {snapshot});
  }
  /// The same by snapshots of both forms in turn, first an increment.
  absl::Status ReincarnateInTurn() {
    if (++reincarnations_ % 2 == 0) return Reincarnate();
    const KeyedStateIncrement increment = Increment(*backend_);
    Reopen();
    return backend_->RestoreIncrements({&increment, 1});
  }

  SettableClock clock_;
  const std::unique_ptr<KeyedStateGround> ground_ = std::make_unique<KeyedStateGround>();
  std::unique_ptr<KeyedStateBackend> backend_;

 private:
  int reincarnations_ = 0;
};

#define WEIR_FOR_ALL_BACKENDS(Suite)                                            \
  INSTANTIATE_TEST_SUITE_P(, Suite, testing::ValuesIn(AllKeyedStateBackends()), \
                           [](const auto& kind) { return std::string(kind.param.name); })

}  // namespace weir
