#include "taskmanager/task/partition_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "common/base/failure_policy.h"
#include "common/operator/current_call.h"
#include "common/types/record.h"
#include "tests/unit/common/graph/testing_partition_key.h"

namespace weir::taskmanager {
namespace {

using ::testing::HasSubstr;

class PartitionCheckTest : public ::testing::Test {
 protected:
  ~PartitionCheckTest() override { ThisThreadsCall().ClearRow(); }

  absl::Status Check(const std::vector<std::string>& keys, int32_t partition,
                     const std::string& topic = "flights") {
    RecordBuilder<std::string> builder;
    for (const std::string& key : keys) builder.Append(key);
    auto from = std::make_shared<Provenance>();
    from->topic = topic;
    from->partition = partition;
    from->first_offset = 7;
    BatchExtras extras;
    extras.provenance = std::move(from);
    return check_.Check(builder.Finish(std::move(extras)));
  }

  PartitionCheck check_{std::make_shared<TestingPartitionKey>(), FlightsTopic(), {1, 3}};
};

TEST_F(PartitionCheckTest, RowsOfTheirPartitionPass) {
  EXPECT_EQ(Check({"1a", "1b", "1"}, 1), absl::OkStatus());
  EXPECT_EQ(Check({"2a"}, 2), absl::OkStatus());
}

TEST_F(PartitionCheckTest, ARowOfAnotherEndsTheJobWithBothPartitions) {
  const absl::Status status = Check({"1a", "1b", "3c"}, 1);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(),
            "the record is in partition 1 of topic 'flights', and first-digit of its key (origin) "
            "gives partition 3 of 4: KeyByPartition needs the key by which the topic is "
            "partitioned");
  EXPECT_EQ(FailurePolicyOf(status), FailurePolicy::kMisplaced);
  EXPECT_EQ(ThisThreadsCall().row.load(), 2u) << "the row that errors name";
}

TEST_F(PartitionCheckTest, APartitionerThatNamesNoPartitionEndsTheJob) {
  EXPECT_THAT(std::string(Check({"9"}, 1).message()), HasSubstr("gives partition 9 of 4"));
}

TEST_F(PartitionCheckTest, APartitionOfAnotherSubtaskIsABug) {
  const absl::Status status = Check({"0a"}, 0);
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_EQ(status.message(), "rows of partition 0 have come to the subtask of partitions 1 to 2");
}

TEST_F(PartitionCheckTest, RowsOfAnotherTopicAreABug) {
  EXPECT_EQ(Check({"1a"}, 1, "delays").code(), absl::StatusCode::kInternal);
}

}  // namespace
}  // namespace weir::taskmanager
