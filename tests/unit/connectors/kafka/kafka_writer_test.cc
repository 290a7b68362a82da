#include "connectors/kafka/kafka_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "common/types/record.h"
#include "tests/unit/connectors/kafka/testing_kafka_clients.h"

namespace weir::kafka {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Prepared = std::optional<absl::StatusOr<std::vector<std::string>>>;

struct Keyed {
  std::optional<std::string> key;
  std::string text;
  WEIR_RECORD(Keyed, key, text)
};

class TestingClock final : public Clock {
 public:
  absl::Time Now() const override { return absl::UnixEpoch() + now; }
  absl::Duration Monotonic() const override { return now; }
  absl::Duration now = absl::Seconds(100);
};

class KafkaWriterTest : public testing::Test {
 protected:
  void Open(KafkaSinkOptions options = {}, SchemaPtr schema = SchemaOf<std::string>()) {
    options.properties.Set("bootstrap.servers", "b:1");
    options.topic = "t";
    if (!options.value_format.chosen()) options.value_format = StringRecordFormat();
    auto resolved = ResolveSinkOptions(options, schema);
    ASSERT_TRUE(resolved.ok()) << resolved.status();
    writer_ = std::make_unique<KafkaWriter>(*resolved, factory_, 0, clock_);
    writer_->SetWakeup([] {});
    ASSERT_TRUE(writer_->Open("").ok());
  }
  static BatchPtr Rows(const std::vector<std::string>& values, BatchExtras extras = {}) {
    RecordBuilder<std::string> builder;
    for (const std::string& value : values) builder.Append(value);
    return std::make_shared<const Batch>(builder.Finish(std::move(extras)));
  }
  void Prepare(uint64_t epoch, Prepared* result) {
    writer_->PrepareCommit(Epoch(epoch), [result](auto prepared) { *result = prepared; });
  }

  TestingClock clock_;
  std::shared_ptr<TestingKafkaClientFactory> factory_ =
      std::make_shared<TestingKafkaClientFactory>();
  TestingKafkaProducerClient& producer_ = *factory_->producer;
  std::unique_ptr<KafkaWriter> writer_;
};

TEST_F(KafkaWriterTest, TheBarrierWaitsForEveryRecordBeforeIt) {
  Open();
  ASSERT_TRUE(writer_->Write(Rows({"a", "b"})).ok());
  Prepared first;
  Prepare(1, &first);
  ASSERT_TRUE(writer_->Write(Rows({"c"})).ok());
  Prepared second;
  Prepare(2, &second);
  producer_.deliver_up_to = 1;
  writer_->HasRoom();
  EXPECT_FALSE(first.has_value());
  producer_.deliver_up_to = 2;
  writer_->HasRoom();
  ASSERT_TRUE(first.has_value());
  EXPECT_TRUE(first->ok());
  EXPECT_FALSE(second.has_value());
  producer_.deliver_up_to = 3;
  writer_->HasRoom();
  ASSERT_TRUE(second.has_value());
  EXPECT_TRUE((*second)->empty());
}

TEST_F(KafkaWriterTest, ABarrierWithoutRecordsIsAnsweredAtOnce) {
  Open();
  Prepared result;
  Prepare(1, &result);
  ASSERT_TRUE(result.has_value());
  EXPECT_TRUE(result->ok());
}

TEST_F(KafkaWriterTest, WithoutGuaranteeTheBarrierDoesNotWait) {
  KafkaSinkOptions options;
  options.delivery = DeliveryGuarantee::kNone;
  Open(options);
  ASSERT_TRUE(writer_->Write(Rows({"a"})).ok());
  Prepared result;
  Prepare(1, &result);
  ASSERT_TRUE(result.has_value());
  EXPECT_TRUE(result->ok());
}

TEST_F(KafkaWriterTest, AFailedDeliveryFailsTheBarrierAndEverythingAfterIt) {
  Open();
  ASSERT_TRUE(writer_->Write(Rows({"a", "b"})).ok());
  Prepared first;
  Prepare(1, &first);
  producer_.fail_next = absl::UnavailableError("topic t, partition 0: timed out");
  writer_->HasRoom();
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(first->status().code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(writer_->HasRoom());
  EXPECT_EQ(writer_->Write(Rows({"c"})).code(), absl::StatusCode::kUnavailable);
  Prepared second;
  Prepare(2, &second);
  EXPECT_FALSE(second->ok());
}

TEST_F(KafkaWriterTest, AFailureBeforeTheBarrierFailsIt) {
  Open();
  ASSERT_TRUE(writer_->Write(Rows({"a"})).ok());
  producer_.fail_next = absl::InternalError("broken");
  writer_->HasRoom();
  Prepared result;
  Prepare(1, &result);
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->status().code(), absl::StatusCode::kInternal);
}

TEST_F(KafkaWriterTest, AFullClientStopsTheTaskAndNothingIsLost) {
  Open();
  producer_.room = 2;
  ASSERT_TRUE(writer_->Write(Rows({"a", "b", "c", "d"})).ok());
  EXPECT_EQ(producer_.sent.size(), 2u);
  Prepared result;
  Prepare(1, &result);
  producer_.deliver_up_to = 2;
  EXPECT_FALSE(writer_->HasRoom());
  EXPECT_FALSE(result.has_value());
  producer_.room = 10;
  EXPECT_TRUE(writer_->HasRoom());
  ASSERT_EQ(producer_.sent.size(), 4u);
  EXPECT_EQ(producer_.sent[3].value, "d");
  producer_.deliver_up_to = 4;
  writer_->HasRoom();
  EXPECT_TRUE(result.has_value() && result->ok());
}

TEST_F(KafkaWriterTest, RoomIsBoundedByMessagesAndBytes) {
  KafkaSinkOptions options;
  options.properties.Set("queue.buffering.max.messages", "4").Set("buffer.memory", "2048");
  Open(options);
  ASSERT_TRUE(writer_->Write(Rows({"a"})).ok());
  EXPECT_TRUE(writer_->HasRoom());
  ASSERT_TRUE(writer_->Write(Rows({"b"})).ok());
  EXPECT_FALSE(writer_->HasRoom());
  producer_.deliver_up_to = 2;
  EXPECT_TRUE(writer_->HasRoom());
  ASSERT_TRUE(writer_->Write(Rows({std::string(1024, 'x')})).ok());
  EXPECT_FALSE(writer_->HasRoom());
}

TEST_F(KafkaWriterTest, KeysAndTimestampsGoAlong) {
  KafkaSinkOptions options;
  options.key_field = "key";
  options.value_format = JsonRecordFormat();
  Open(options, SchemaOf<Keyed>());
  RecordBuilder<Keyed> builder;
  builder.Append({"k1", "x"});
  builder.Append({std::nullopt, "y"});
  BatchExtras extras;
  extras.event_times = Buffer::FromVector(std::vector<int64_t>{1234567, -5});
  ASSERT_TRUE(
      writer_->Write(std::make_shared<const Batch>(builder.Finish(std::move(extras)))).ok());
  ASSERT_EQ(producer_.sent.size(), 2u);
  EXPECT_EQ(producer_.sent[0].key, "k1");
  EXPECT_EQ(producer_.sent[0].value, R"({"key":"k1","text":"x"})");
  EXPECT_EQ(producer_.sent[0].timestamp_ms, 1234);
  EXPECT_EQ(producer_.sent[1].key, std::nullopt);
  EXPECT_EQ(producer_.sent[1].timestamp_ms, 0);
}

TEST_F(KafkaWriterTest, FieldsGoIntoHeadersAndTheValueIsOne) {
  KafkaSinkOptions options;
  options.value_field = "text";
  options.headers = {{"first", "key"}, {"again", "text"}};
  Open(options, SchemaOf<Keyed>());
  RecordBuilder<Keyed> builder;
  builder.Append({"k1", "x"});
  builder.Append({std::nullopt, "y"});
  ASSERT_TRUE(writer_->Write(std::make_shared<const Batch>(builder.Finish())).ok());
  ASSERT_EQ(producer_.sent.size(), 2u);
  EXPECT_EQ(producer_.sent[0].value, "x");
  EXPECT_EQ(producer_.sent[0].headers, (MessageHeaders{{"first", "k1"}, {"again", "x"}}));
  EXPECT_EQ(producer_.sent[1].headers, (MessageHeaders{{"again", "y"}}));
}

TEST_F(KafkaWriterTest, FieldsThatDoNotExistAreNamed) {
  KafkaSinkOptions options;
  options.properties.Set("bootstrap.servers", "b:1");
  options.topic = "t";
  options.value_field = "txet";
  options.headers = {{"h", "kye"}};
  options.value_format = StringRecordFormat();
  const auto resolved = ResolveSinkOptions(options, SchemaOf<Keyed>());
  EXPECT_THAT(std::string(resolved.status().message()),
              testing::AllOf(HasSubstr("the value is the field 'txet', which the records do not"),
                             HasSubstr("the header 'h' is the field 'kye'")));
}

TEST_F(KafkaWriterTest, ANullValueIsATombstone) {
  const SchemaPtr schema = Schema::Make({{"value", DataType::kString, true}});
  Open({}, schema);
  BatchBuilder builder(schema);
  builder.column(0).AppendNull();
  builder.CommitRow();
  ASSERT_TRUE(writer_->Write(std::make_shared<const Batch>(builder.Finish())).ok());
  EXPECT_EQ(producer_.sent[0].value, std::nullopt);
}

TEST_F(KafkaWriterTest, DeletionsCannotBeWritten) {
  Open();
  BatchExtras extras;
  extras.change_kinds = Buffer::FromVector(std::vector<ChangeKind>{ChangeKind::kDelete});
  EXPECT_EQ(writer_->Write(Rows({"a"}, std::move(extras))).code(),
            absl::StatusCode::kInvalidArgument);
  Prepared result;
  Prepare(1, &result);
  EXPECT_FALSE(result->ok());
}

TEST_F(KafkaWriterTest, AWrongAddressShowsBeforeRecordsTimeOut) {
  Open();
  producer_.no_broker = "no Kafka broker answers at 'b:1'";
  ASSERT_TRUE(writer_->Write(Rows({"a"})).ok());
  Prepared result;
  Prepare(1, &result);
  clock_.now += KafkaWriter::kConnectTimeout - absl::Seconds(1);
  writer_->HasRoom();
  EXPECT_FALSE(result.has_value());
  clock_.now += absl::Seconds(1);
  writer_->HasRoom();
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->status().message(), "no Kafka broker answers at 'b:1'");
}

TEST_F(KafkaWriterTest, ABrokerThatGoesAwayLaterIsWaitedFor) {
  Open();
  ASSERT_TRUE(writer_->Write(Rows({"a"})).ok());
  producer_.deliver_up_to = 1;
  writer_->HasRoom();
  producer_.no_broker = "down";
  ASSERT_TRUE(writer_->Write(Rows({"b"})).ok());
  Prepared result;
  Prepare(1, &result);
  clock_.now += absl::Minutes(1);
  writer_->HasRoom();
  EXPECT_FALSE(result.has_value());
}

TEST_F(KafkaWriterTest, WhatTheClientRefusesFailsTheTask) {
  Open();
  producer_.produce_error = absl::NotFoundError("no topic t");
  EXPECT_EQ(writer_->Write(Rows({"a"})).code(), absl::StatusCode::kNotFound);
}

TEST(DeliveryAccounts, BarriersAreAnsweredInOrder) {
  DeliveryAccounts accounts;
  std::vector<int> answered;
  accounts.Sent(1, 10);
  const uint64_t first = accounts.current();
  accounts.Close([&](const absl::Status&) { answered.push_back(1); });
  accounts.Sent(1, 10);
  const uint64_t second = accounts.current();
  accounts.Close([&](const absl::Status&) { answered.push_back(2); });
  accounts.OnDelivered(second, 1, 10);
  accounts.Settle();
  EXPECT_TRUE(answered.empty());
  accounts.OnDelivered(first, 1, 10);
  accounts.Settle();
  EXPECT_THAT(answered, ElementsAre(1, 2));
  EXPECT_EQ(accounts.outstanding_messages(), 0u);
  EXPECT_EQ(accounts.outstanding_bytes(), 0u);
}

TEST(DeliveryAccounts, TheFirstErrorStays) {
  DeliveryAccounts accounts;
  accounts.Sent(2, 20);
  accounts.OnFailed(accounts.current(), 10, absl::UnavailableError("first"));
  accounts.OnFailed(accounts.current(), 10, absl::InternalError("second"));
  absl::Status answer;
  accounts.Close([&](const absl::Status& status) { answer = status; });
  EXPECT_EQ(answer.message(), "first");
}

}  // namespace
}  // namespace weir::kafka
