#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

#include "common/time/clock.h"
#include "common/types/key_codec.h"
#include "common/types/key_group.h"
#include "state/keyed/heap_keyed_state_backend.h"
#include "state/keyed/keyed_state_backend.h"

namespace weir {

/// A kind of backend that the suite is run on. Another one joins in AllKeyedStateBackends.
struct KeyedStateBackendKind {
  const char* name;
  std::unique_ptr<KeyedStateBackend> (*make)(KeyedStateBackend::Options options,
                                             const Clock& clock);
};

inline std::vector<KeyedStateBackendKind> AllKeyedStateBackends() {
  return {{"Heap",
           [](KeyedStateBackend::Options options,
              const Clock& clock) -> std::unique_ptr<KeyedStateBackend> {
             return std::make_unique<HeapKeyedStateBackend>(std::move(options), clock);
           }}};
}

/// Stands still until it is set.
class SettableClock final : public Clock {
 public:
  absl::Time Now() const override { return now_; }
  absl::Duration Monotonic() const override { return now_ - absl::UnixEpoch(); }
  void Advance(absl::Duration by) { now_ += by; }

 private:
  absl::Time now_ = absl::UnixEpoch() + absl::Hours(1000);
};

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
    return GetParam().make(std::move(options), clock_);
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

  static std::string Snapshot(KeyedStateBackend& backend) {
    const absl::StatusOr<std::string> snapshot = backend.Freeze()->Write();
    EXPECT_TRUE(snapshot.ok()) << snapshot.status();
    return snapshot.ok() ? *snapshot : std::string();
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

  SettableClock clock_;
  std::unique_ptr<KeyedStateBackend> backend_;
};

#define WEIR_FOR_ALL_BACKENDS(Suite)                                            \
  INSTANTIATE_TEST_SUITE_P(, Suite, testing::ValuesIn(AllKeyedStateBackends()), \
                           [](const auto& kind) { return std::string(kind.param.name); })

}  // namespace weir
