#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/types/key_codec.h"
#include "state/tiered/tiered_keyed_state_backend.h"
#include "tests/support/manual_executor.h"
#include "tests/support/settable_clock.h"
#include "tests/support/temporary_directory.h"

namespace weir {

/// A backend with int64 keys and one state, whose materialisations run when the test says.
class TieredBackendTest : public testing::Test {
 protected:
  static constexpr uint32_t kMaxParallelism = 16;

  void Open(TieredStateOptions tiered = {}) {
    tiered.instance = "instance-" + std::to_string(++instances_);
    tiered.directory = directory_.File(tiered.instance);
    path_ = tiered.directory;
    backend_.reset();
    auto backend = TieredKeyedStateBackend::Open(
        {"count", StateCodec<int64_t>::Schema(), kMaxParallelism, {0, kMaxParallelism}}, tiered,
        clock_, pool_);
    ASSERT_TRUE(backend.ok()) << backend.status();
    backend_ = *std::move(backend);
    value_ = backend_->GetState(ValueStateDescriptor<std::string>("value"));
  }
  void SetKey(int64_t key) {
    const std::string bytes = EncodeKey(key);
    backend_->SetCurrentKey(KeyRefOf(bytes, kMaxParallelism));
  }
  void Put(int64_t key, const std::string& value) {
    SetKey(key);
    value_.Update(value);
  }
  std::optional<std::string> Get(int64_t key) {
    SetKey(key);
    return value_.Value();
  }
  /// Starts a materialisation of all there is, and takes its result in.
  void Materialise() {
    clock_.Advance(absl::Seconds(11));
    backend_->BeginBatch();
    backend_->BeginBatch();
  }
  std::unique_ptr<FrozenState> Freeze() { return *backend_->Freeze(); }
  KeyedStateIncrement Increment() {
    absl::StatusOr<KeyedStateIncrement> increment = Freeze()->WriteIncrement();
    EXPECT_TRUE(increment.ok()) << increment.status();
    return *std::move(increment);
  }

  TemporaryDirectory directory_;
  std::string path_;
  SettableClock clock_;
  ManualPool pool_;
  std::unique_ptr<TieredKeyedStateBackend> backend_;
  ValueState<std::string> value_;
  int instances_ = 0;
};

}  // namespace weir
