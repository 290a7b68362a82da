#include "weir/key_functions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <vector>

#include "common/operator/current_call.h"
#include "weir/partitioning_functions.h"

namespace weir::internal {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

Batch Numbers(const std::vector<int64_t>& values) {
  RecordBuilder<int64_t> builder;
  for (const int64_t value : values) builder.AppendView(value);
  return builder.Finish();
}

int64_t NotThree(int64_t value) {
  if (value == 3) throw std::runtime_error("three");
  return value;
}

class KeyFunctionsTest : public ::testing::Test {
 protected:
  ~KeyFunctionsTest() override { ThisThreadsCall().ClearRow(); }
  static uint32_t Row() { return ThisThreadsCall().row.load(); }

  using Key = FunctionKey<int64_t, int64_t (*)(int64_t)>;
  const TypedKeySelector<Key> by_key_{Key(NotThree)};
  std::vector<uint32_t> numbers_;
};

TEST_F(KeyFunctionsTest, ARowWithoutAKeyIsKnown) {
  EXPECT_THROW((void)by_key_.KeyGroups(Numbers({1, 2, 3, 4}), 128, numbers_), std::runtime_error);
  EXPECT_EQ(Row(), 2u);
}

TEST_F(KeyFunctionsTest, NoRowIsLookedAtBehindTheKeys) {
  ASSERT_TRUE(by_key_.KeyGroups(Numbers({1, 2}), 128, numbers_).ok());
  EXPECT_THAT(numbers_, SizeIs(2));
  EXPECT_EQ(Row(), CurrentCall::kNoRow);
}

class PartitioningFunctionsTest : public KeyFunctionsTest {
 protected:
  static int SubtaskOf(int64_t value, uint32_t subtasks) {
    return static_cast<int>(NotThree(value) % subtasks);
  }
  const FunctionPartitioner<int64_t, int (*)(int64_t, uint32_t)> partitioner_{SubtaskOf};
};

TEST_F(PartitioningFunctionsTest, ARowWithoutASubtaskIsKnown) {
  EXPECT_THROW((void)partitioner_.Partition(Numbers({1, 3}), 2, numbers_), std::runtime_error);
  EXPECT_EQ(Row(), 1u);
}

TEST_F(PartitioningFunctionsTest, NoRowIsLookedAtBehindTheSubtasks) {
  ASSERT_TRUE(partitioner_.Partition(Numbers({1, 4, 5}), 2, numbers_).ok());
  EXPECT_THAT(numbers_, ElementsAre(1, 0, 1));
  EXPECT_EQ(Row(), CurrentCall::kNoRow);
}

}  // namespace
}  // namespace weir::internal
