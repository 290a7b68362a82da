#include "taskmanager/task/row_router.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>

#include "common/base/failure_policy.h"
#include "common/types/record.h"

namespace weir::taskmanager {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

BatchPtr Numbers(const std::vector<int64_t>& values) {
  RecordBuilder<int64_t> builder;
  for (const int64_t value : values) builder.AppendView(value);
  return std::make_shared<const Batch>(builder.Finish());
}

std::vector<int64_t> ValuesOf(const Batch& batch) {
  const RecordReader<int64_t> reader(batch);
  std::vector<int64_t> values;
  for (size_t row = 0; row < reader.rows(); ++row) values.push_back(reader.View(row));
  return values;
}

/// The value is the key group.
class ValueAsGroup final : public KeySelector {
 public:
  std::string Describe() const override { return "value"; }
  std::string KeyType() const override { return "int64"; }
  std::string KeySchema() const override { return ""; }
  absl::Status KeyGroups(const Batch& batch, uint32_t,
                         std::vector<uint32_t>& groups) const override {
    for (const int64_t value : ValuesOf(batch)) groups.push_back(static_cast<uint32_t>(value));
    return absl::OkStatus();
  }
};

TEST(RowRouterTest, AKeyGroupGoesToItsOwner) {
  const auto router = MakeHashRouter(std::make_shared<ValueAsGroup>(), {0, 0, 1, 2});
  std::vector<uint32_t> targets;
  ASSERT_TRUE(router->Route(*Numbers({3, 0, 2, 1}), targets).ok());
  EXPECT_THAT(targets, ElementsAre(2, 0, 1, 0));
}

class ThrowingKey final : public KeySelector {
 public:
  std::string Describe() const override { return "a function"; }
  std::string KeyType() const override { return "int64"; }
  std::string KeySchema() const override { return ""; }
  absl::Status KeyGroups(const Batch&, uint32_t, std::vector<uint32_t>&) const override {
    throw std::runtime_error("no airport");
  }
};

class ThrowingPartitioner final : public RowPartitioner {
 public:
  absl::Status Partition(const Batch&, uint32_t, std::vector<uint32_t>&) const override {
    throw std::out_of_range("no region");
  }
};

// It runs in the task of the operator before, which would be blamed.
TEST(RowRouterTest, AFunctionThatThrowsIsNamed) {
  std::vector<uint32_t> targets;
  const auto by_key = MakeHashRouter(std::make_shared<ThrowingKey>(), {0, 1});
  EXPECT_EQ(by_key->Route(*Numbers({1}), targets),
            absl::UnknownError("the function of KeyBy threw: no airport"));
  const auto custom = MakeCustomRouter(std::make_shared<ThrowingPartitioner>(), 2);
  EXPECT_EQ(custom->Route(*Numbers({1}), targets),
            absl::UnknownError("the function of PartitionCustom threw: no region"));
}

TEST(RowRouterTest, RebalanceTakesTurnsFromItsFirst) {
  const auto router = MakeRebalanceRouter(3, 2);
  std::vector<uint32_t> targets;
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(router->Route(*Numbers({1}), targets).ok());
  EXPECT_THAT(targets, ElementsAre(2, 0, 1));
}

// As a reader makes them whose one partition has nearly all.
TEST(RowRouterTest, RebalanceEvensOutBatchesOfUnequalSizes) {
  const auto router = MakeRebalanceRouter(4, 1);
  std::vector<uint32_t> targets;
  for (int i = 0; i < 40; ++i) {
    ASSERT_TRUE(router->Route(*Numbers({1, 2, 3, 4, 5, 6, 7, 8, 9, 10}), targets).ok());
    ASSERT_TRUE(router->Route(*Numbers({1}), targets).ok());
  }
  for (uint32_t subtask = 0; subtask < 4; ++subtask) {
    EXPECT_NEAR(std::count(targets.begin(), targets.end(), subtask), 110, 10) << subtask;
  }
}

TEST(RowRouterTest, ASubtaskThatIsNotThereIsAnError) {
  class Wrong final : public RowPartitioner {
    absl::Status Partition(const Batch&, uint32_t subtasks,
                           std::vector<uint32_t>& targets) const override {
      targets.push_back(subtasks);
      return absl::OkStatus();
    }
  };
  const auto router = MakeCustomRouter(std::make_shared<Wrong>(), 2);
  std::vector<uint32_t> targets;
  const absl::Status status = router->Route(*Numbers({1}), targets);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(), "the partitioner named subtask 2 of 2");
  EXPECT_EQ(FailurePolicyOf(status), FailurePolicy::kFailJob);
}

TEST(RowRouterTest, RowsKeepTheirOrderWithinATarget) {
  const BatchPtr batch = Numbers({10, 11, 12, 13, 14});
  const std::vector<RoutedBatch> routed = SplitByTarget(batch, {1, 0, 1, 3, 0}, 4);
  ASSERT_EQ(routed.size(), 3u);
  EXPECT_EQ(routed[0].target, 0u);
  EXPECT_THAT(ValuesOf(*routed[0].batch), ElementsAre(11, 14));
  EXPECT_THAT(ValuesOf(*routed[1].batch), ElementsAre(10, 12));
  EXPECT_EQ(routed[2].target, 3u);
  EXPECT_THAT(ValuesOf(*routed[2].batch), ElementsAre(13));
}

TEST(RowRouterTest, ABatchForOneIsNotCopied) {
  const BatchPtr batch = Numbers({1, 2});
  EXPECT_EQ(SplitByTarget(batch, {1, 1}, 2).front().batch, batch);
  EXPECT_THAT(SplitByTarget(batch, {}, 2), IsEmpty());
}

}  // namespace
}  // namespace weir::taskmanager
