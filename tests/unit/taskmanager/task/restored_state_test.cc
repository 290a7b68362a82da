// What becomes of a job whose task cannot take the state that it is given.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "common/base/failure_policy.h"
#include "common/types/key_codec.h"
#include "state/api/keyed_state_store.h"
#include "state/keyed/heap_keyed_state_backend.h"
#include "taskmanager/task/operator_chain.h"
#include "tests/unit/taskmanager/task/testing_task_parts.h"

namespace weir::taskmanager {
namespace {

using ::testing::HasSubstr;

constexpr uint32_t kGroups = 16;

/// Has one value of this type.
template <class T>
class Remember final : public Operator {
 public:
  absl::Status Open(const OperatorContext& context) override {
    context.keyed_state->GetState(ValueStateDescriptor<T>("value"));
    return context.keyed_state->status();
  }
  absl::Status ProcessBatch(const BatchPtr&, Output&) override { return absl::OkStatus(); }
};

/// Has one list of this type.
template <class T>
class HoldBack final : public Operator {
 public:
  absl::Status Open(const OperatorContext& context) override {
    EXPECT_TRUE(context.operator_state->restored());
    (void)context.operator_state->GetListState(ListStateDescriptor<T>("held"));
    return absl::OkStatus();
  }
  absl::Status ProcessBatch(const BatchPtr&, Output&) override { return absl::OkStatus(); }
};

class RestoredState : public ::testing::Test {
 protected:
  std::unique_ptr<HeapKeyedStateBackend> Backend(uint32_t groups = kGroups) {
    return std::make_unique<HeapKeyedStateBackend>(
        KeyedStateBackend::Options{"remember", StateCodec<int64_t>::Schema(), groups, {0, groups}},
        clock_);
  }
  /// Of an integer.
  std::string Snapshot() {
    const auto backend = Backend();
    auto value = backend->GetState(ValueStateDescriptor<int64_t>("value"));
    const std::string key = EncodeKey(int64_t{7});
    backend->SetCurrentKey(KeyRefOf(key, kGroups));
    value.Update(1);
    return backend->Freeze().value()->WriteIncrement().value().manifest;
  }
  absl::Status Restore(std::unique_ptr<Operator> op, const std::string& snapshot,
                       uint32_t groups = kGroups) {
    OperatorChain chain;
    OperatorStage::Options options;
    options.context.operator_uid = options.context.operator_name = "remember";
    options.op = std::move(op);
    options.clock = &clock_;
    options.keyed_state = Backend(groups);
    options.restored_keyed.push_back({snapshot, {}});
    chain.AddOperator(chain.head(), std::move(options));
    const absl::Status status = chain.Open();
    if (!status.ok()) {
      EXPECT_EQ(FailurePolicyOf(chain.boundary().failure()->status), FailurePolicyOf(status));
    }
    chain.Close();
    return status;
  }

  /// The same of operator state: the function has a list of integers or, `T`, of others.
  template <class T>
  absl::Status RestoreOperatorState(const OperatorStatePart& part) {
    OperatorChain chain;
    OperatorStage::Options options;
    options.context.operator_uid = options.context.operator_name = "remember";
    options.op = std::make_unique<HoldBack<T>>();
    options.clock = &clock_;
    options.restored_operator_state = {part};
    chain.AddOperator(chain.head(), std::move(options));
    const absl::Status status = chain.Open();
    if (!status.ok()) {
      EXPECT_EQ(FailurePolicyOf(chain.boundary().failure()->status), FailurePolicyOf(status));
    }
    chain.Close();
    return status;
  }
  static OperatorStatePart ThreeHeldBack() {
    OperatorStateBackend backend;
    backend.GetListState(ListStateDescriptor<int64_t>("held")).AddAll({1, 2, 3});
    const OperatorStateObjects written = backend.Freeze()->Write();
    return {std::make_shared<const std::string>(written.lists), nullptr, nullptr,
            written.list_sizes};
  }

  TestingClock clock_;
};

TEST_F(RestoredState, IsTaken) {
  EXPECT_EQ(Restore(std::make_unique<Remember<int64_t>>(), Snapshot()), absl::OkStatus());
}

// Nobody may go on without it but a person.
TEST_F(RestoredState, ThatIsDamagedSuspendsTheJob) {
  std::string snapshot = Snapshot();
  snapshot[snapshot.size() / 2] ^= 1;
  const absl::Status status = Restore(std::make_unique<Remember<int64_t>>(), snapshot);
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_EQ(FailurePolicyOf(status), FailurePolicy::kSuspendJob);
}

// No restart changes the program.
TEST_F(RestoredState, OfAnotherTypeFailsTheJob) {
  const absl::Status status = Restore(std::make_unique<Remember<std::string>>(), Snapshot());
  EXPECT_THAT(status.message(), HasSubstr("state 'value' cannot be restored"));
  EXPECT_EQ(FailurePolicyOf(status), FailurePolicy::kFailJob);
}

TEST_F(RestoredState, OfAnotherMaxParallelismFailsTheJob) {
  const absl::Status status =
      Restore(std::make_unique<Remember<int64_t>>(), Snapshot(), 2 * kGroups);
  EXPECT_THAT(status.message(), HasSubstr("max parallelism"));
  EXPECT_EQ(FailurePolicyOf(status), FailurePolicy::kFailJob);
}

TEST_F(RestoredState, OfAFunctionIsTaken) {
  EXPECT_EQ(RestoreOperatorState<int64_t>(ThreeHeldBack()), absl::OkStatus());
}

TEST_F(RestoredState, OfAFunctionThatIsDamagedOrMissingSuspendsTheJob) {
  OperatorStatePart damaged = ThreeHeldBack();
  std::string bytes = *damaged.lists;
  bytes[bytes.size() / 2] ^= 1;
  damaged.lists = std::make_shared<const std::string>(bytes);
  OperatorStatePart missing = ThreeHeldBack();
  missing.lists = nullptr;
  for (const OperatorStatePart& part : {damaged, missing}) {
    const absl::Status status = RestoreOperatorState<int64_t>(part);
    EXPECT_TRUE(absl::IsDataLoss(status)) << status;
    EXPECT_EQ(FailurePolicyOf(status), FailurePolicy::kSuspendJob);
  }
}

TEST_F(RestoredState, OfAFunctionOfAnotherTypeFailsTheJob) {
  const absl::Status status = RestoreOperatorState<std::string>(ThreeHeldBack());
  EXPECT_THAT(status.message(), HasSubstr("state 'held' cannot be restored"));
  EXPECT_EQ(FailurePolicyOf(status), FailurePolicy::kFailJob);
}

}  // namespace
}  // namespace weir::taskmanager
