// Values that expire and that nobody touches again: the stage of an operator has them cleaned up
// batch by batch.
#include <gtest/gtest.h>

#include <chrono>
#include <memory>

#include "common/types/key_codec.h"
#include "state/api/keyed_state_store.h"
#include "state/keyed/heap_keyed_state_backend.h"
#include "state/tiered/tiered_keyed_state_backend.h"
#include "taskmanager/task/operator_chain.h"
#include "tests/support/manual_executor.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/taskmanager/task/testing_task_parts.h"

namespace weir::taskmanager {
namespace {

using std::chrono_literals::operator""s;

constexpr uint32_t kGroups = 16;
const KeyedStateBackend::Options kOptions = {
    "remember", StateCodec<int64_t>::Schema(), kGroups, {0, kGroups}};

/// Each row is a key of its own, which has a value for ten seconds.
class Remember final : public Operator {
 public:
  absl::Status Open(const OperatorContext& context) override {
    store_ = context.keyed_state;
    value_ = store_->GetState(ValueStateDescriptor<int64_t>("value", StateTtl{10s}));
    return absl::OkStatus();
  }
  absl::Status ProcessBatch(const BatchPtr& batch, Output&) override {
    store_->BeginBatch();
    for (size_t row = 0; row < batch->num_rows(); ++row) {
      const std::string key = EncodeKey(batch->column(0).int64s()[row]);
      store_->SetCurrentKey(KeyRefOf(key, kGroups));
      value_.Update(1);
    }
    return absl::OkStatus();
  }

 private:
  KeyedStateStore* store_ = nullptr;
  ValueState<int64_t> value_;
};

void ExpectNoPile(TestingClock& clock, std::unique_ptr<KeyedStateBackend> backend) {
  const KeyedStateBackend& state = *backend;
  OperatorChain chain;
  OperatorStage::Options options;
  options.context.operator_uid = options.context.operator_name = "remember";
  options.op = std::make_unique<Remember>();
  options.clock = &clock;
  options.keyed_state = std::move(backend);
  chain.AddOperator(chain.head(), std::move(options));
  ASSERT_TRUE(chain.Open().ok());
  for (int64_t second = 0; second < 1000; ++second) {
    ASSERT_TRUE(chain.head().Emit(MakeBatch({3 * second, 3 * second + 1, 3 * second + 2})).ok());
    clock.Advance(absl::Seconds(1));
  }
  EXPECT_GE(state.num_entries(), 30u) << "of the last ten seconds";
  EXPECT_LE(state.num_entries(), 300u) << "of 3,000";
  chain.Close();
}

TEST(ExpiredState, DoesNotPileUp) {
  TestingClock clock;
  ExpectNoPile(clock, std::make_unique<HeapKeyedStateBackend>(kOptions, clock));
}

// Memory is for the last few seconds.
TEST(ExpiredState, DoesNotPileUpInRocksDb) {
  TestingClock clock;
  const TemporaryDirectory directory;
  ManualPool pool;
  TieredStateOptions options;
  options.directory = directory.File("state");
  options.instance = "remember";
  options.memory_bytes = 8u << 10;
  ExpectNoPile(clock, TieredKeyedStateBackend::Open(kOptions, options, clock, pool).value());
}

}  // namespace
}  // namespace weir::taskmanager
