#include "connectors/kafka/kafka_enumerator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/base/failure_policy.h"
#include "common/types/key_group.h"
#include "connectors/kafka/key_partitioners.h"
#include "tests/unit/connectors/kafka/testing_kafka_clients.h"

namespace weir::kafka {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class KafkaEnumeratorTest : public testing::Test {
 protected:
  KafkaEnumeratorTest() {
    options_.properties.Set("bootstrap.servers", "b:1").Set("group.id", "g");
    options_.topics = {"t"};
    options_.value_format = StringRecordFormat();
    options_.schema = Schema::Make({{"value", DataType::kString}});
    admin_.topics["t"] = {0, 1};
    admin_.earliest = {{{"t", 0}, 10}, {{"t", 1}, 20}, {{"t", 2}, 30}, {{"u", 0}, 0}};
    admin_.latest = {{{"t", 0}, 100}, {{"t", 1}, 200}, {{"t", 2}, 300}, {{"u", 0}, 50}};
  }

  absl::StatusOr<std::vector<std::string>> Discover(const std::vector<SourceSplit>& known = {}) {
    if (enumerator_ == nullptr) {
      auto resolved = ResolveSourceOptions(options_);
      if (!resolved.ok()) return resolved.status();
      enumerator_ = std::make_unique<KafkaEnumerator>(*resolved, factory_);
    }
    const auto splits = enumerator_->DiscoverSplits(known);
    if (!splits.ok()) return splits.status();
    std::vector<std::string> positions;
    for (const SourceSplit& split : *splits) {
      positions.push_back(split.position + (split.finished ? " finished" : ""));
    }
    return positions;
  }

  KafkaSourceOptions options_;
  std::shared_ptr<TestingKafkaClientFactory> factory_ =
      std::make_shared<TestingKafkaClientFactory>();
  TestingKafkaAdminClient& admin_ = *factory_->admin;
  std::unique_ptr<KafkaEnumerator> enumerator_;
};

TEST_F(KafkaEnumeratorTest, EarliestAndLatestBecomeNumbers) {
  EXPECT_THAT(*Discover(), ElementsAre("1 0 10 - t", "1 1 20 - t"));
  options_.starting_offsets = Offsets::Latest();
  factory_ = std::make_shared<TestingKafkaClientFactory>();
  *factory_->admin = admin_;
  enumerator_ = nullptr;
  EXPECT_THAT(*Discover(), ElementsAre("1 0 100 - t", "1 1 200 - t"));
}

TEST_F(KafkaEnumeratorTest, TimestampsWithoutALaterRecordAreTheEnd) {
  options_.starting_offsets = Offsets::Timestamp(5);
  admin_.for_time = {{{"t", 0}, 42}};
  EXPECT_THAT(*Discover(), ElementsAre("1 0 42 - t", "1 1 200 - t"));
}

TEST_F(KafkaEnumeratorTest, SpecificOffsetsAndTheRestFromTheBeginning) {
  options_.starting_offsets = Offsets::Specific({{{"t", 1}, 77}});
  EXPECT_THAT(*Discover(), ElementsAre("1 0 10 - t", "1 1 77 - t"));
}

TEST_F(KafkaEnumeratorTest, CommittedOffsetsNeedAReset) {
  options_.starting_offsets = Offsets::Committed();
  admin_.committed = {{{"t", 0}, 55}};
  const auto found = Discover();
  EXPECT_EQ(found.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(found.status().message()),
              HasSubstr("group 'g' has committed no offset for topic t, partition 1"));
}

TEST_F(KafkaEnumeratorTest, CommittedOffsetsWithReset) {
  options_.starting_offsets = Offsets::Committed(OffsetReset::kLatest);
  admin_.committed = {{{"t", 0}, 55}};
  EXPECT_THAT(*Discover(), ElementsAre("1 0 55 - t", "1 1 200 - t"));
}

TEST_F(KafkaEnumeratorTest, NewPartitionsAreReadFromTheirBeginning) {
  options_.starting_offsets = Offsets::Latest();
  ASSERT_TRUE(Discover().ok());
  admin_.topics["t"] = {0, 1, 2};
  EXPECT_THAT(*Discover({ToSourceSplit({"t", 0, 1, {}}), ToSourceSplit({"t", 1, 1, {}})}),
              ElementsAre("1 2 30 - t"));
}

TEST_F(KafkaEnumeratorTest, PatternMatchesWholeNames) {
  options_.topics.clear();
  options_.topic_pattern = "[tu]";
  admin_.topics["u"] = {0};
  admin_.topics["tu"] = {0};
  EXPECT_THAT(*Discover(), ElementsAre("1 0 10 - t", "1 1 20 - t", "1 0 0 - u"));
}

TEST_F(KafkaEnumeratorTest, ExplicitPartitionsMustExist) {
  options_.topics.clear();
  options_.partitions = {{"t", 1}, {"t", 7}};
  const auto found = Discover();
  EXPECT_EQ(found.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(found.status().message()), HasSubstr("no partition 7"));
}

TEST_F(KafkaEnumeratorTest, StoppingOffsets) {
  options_.stopping_offsets = Offsets::Specific({{{"t", 0}, 60}});
  // A partition without a stopping offset is not read.
  EXPECT_THAT(*Discover(), ElementsAre("1 0 10 60 t", "1 1 20 20 t finished"));
  EXPECT_EQ(enumerator_->discovery_interval(), absl::ZeroDuration());
}

TEST_F(KafkaEnumeratorTest, DiscoveryEveryFiveMinutesUnlessSaidOtherwise) {
  EXPECT_EQ(ResolveSourceOptions(options_)->discovery_interval, absl::Minutes(5));
  options_.properties.Set("partition.discovery.interval.ms", "-1");
  EXPECT_EQ(ResolveSourceOptions(options_)->discovery_interval, absl::ZeroDuration());
  options_.properties.Set("partition.discovery.interval.ms", "1000");
  EXPECT_EQ(ResolveSourceOptions(options_)->discovery_interval, absl::Seconds(1));
}

/// That its topic is partitioned by murmur2 over two partitions.
class AlignedEnumeratorTest : public KafkaEnumeratorTest {
 protected:
  AlignedEnumeratorTest() {
    options_.partitioner = Murmur2Partitioner();
    options_.declared_partitions = 2;
  }
  const std::vector<SourceSplit> known_ = {ToSourceSplit({"t", 0, 1, {}}),
                                           ToSourceSplit({"t", 1, 1, {}})};
};

TEST_F(AlignedEnumeratorTest, TheDeclaredPartitionsAreFound) {
  EXPECT_THAT(*Discover(), ElementsAre("1 0 10 - t", "1 1 20 - t"));
  EXPECT_THAT(*Discover(known_), ElementsAre());
  EXPECT_EQ(enumerator_->CheckPartitioning(), absl::OkStatus());
}

TEST_F(AlignedEnumeratorTest, AtTheFirstStartAnotherNumberIsTheAuthorsMistake) {
  options_.declared_partitions = 3;
  const absl::Status status = Discover().status();
  EXPECT_EQ(status, absl::InvalidArgumentError(
                        "Kafka topic 't' has 2 partitions, and PartitionedBy says 3"));
}

TEST_F(AlignedEnumeratorTest, ANewPartitionSuspendsTheJob) {
  ASSERT_TRUE(Discover().ok());
  admin_.topics["t"] = {0, 1, 2};
  const absl::Status status = Discover(known_).status();
  EXPECT_EQ(FailurePolicyOf(status), FailurePolicy::kSuspendJob);
  EXPECT_EQ(status.message(),
            "Kafka topic 't' has 3 partitions by now and had 2, which the job's keys are aligned "
            "with");
  EXPECT_EQ(enumerator_->CheckPartitioning(), status);
}

TEST_F(AlignedEnumeratorTest, ALostPartitionDoesSo) {
  admin_.topics["t"] = {0};
  EXPECT_EQ(FailurePolicyOf(Discover(known_).status()), FailurePolicy::kSuspendJob);
}

TEST_F(AlignedEnumeratorTest, BrokersThatDoNotAnswerDecideNothing) {
  ASSERT_TRUE(Discover().ok());
  admin_.topics.clear();
  const absl::Status status = enumerator_->CheckPartitioning();
  EXPECT_FALSE(status.ok());
  EXPECT_EQ(FailurePolicyOf(status), FailurePolicy::kByCode);
}

TEST_F(AlignedEnumeratorTest, PartitionsAreDealtOutAsKeyGroupsAre) {
  options_.declared_partitions = 7;
  const KafkaEnumerator enumerator(*ResolveSourceOptions(options_), factory_);
  for (uint32_t parallelism = 1; parallelism <= 7; ++parallelism) {
    const std::vector<uint32_t> owners = DefaultKeyGroupTable({parallelism, 7});
    for (int32_t partition = 0; partition < 7; ++partition) {
      EXPECT_EQ(enumerator.OwnerOf(ToSourceSplit({"t", partition, 0, {}}), parallelism),
                owners[static_cast<size_t>(partition)]);
    }
  }
}

TEST_F(KafkaEnumeratorTest, UnknownTopicPassesThrough) {
  options_.topics = {"nope"};
  EXPECT_EQ(Discover().status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace weir::kafka
