#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "common/connector/sink.h"
#include "common/connector/source.h"
#include "weir/kafka.h"

namespace weir {
namespace {

using testing::HasSubstr;

struct Flight {
  int64_t id = 0;
  std::string origin;
  std::string carrier;
  WEIR_RECORD(Flight, id, origin, carrier)
};

KafkaProperties ExampleProperties() {
  KafkaProperties properties;
  properties.Set("bootstrap.servers", "localhost:9092");
  properties.Set("group.id", "test-group");
  properties.Set("key.deserializer", "org.apache.kafka.common.serialization.StringDeserializer");
  properties.Set("value.deserializer", "org.apache.kafka.common.serialization.StringDeserializer");
  return properties;
}

std::string Problem(const absl::Status& status) {
  EXPECT_TRUE(status.ok() || status.code() == absl::StatusCode::kInvalidArgument) << status;
  return std::string(status.message());
}

TEST(KafkaBuilder, TheSmallestProgramIsValid) {
  const auto source = KafkaSource<std::string>::Builder()
                          .Properties(ExampleProperties())
                          .Topics({"test-topic"})
                          .StartingOffsets(Offsets::Earliest())
                          .ValueOnly(SimpleString())
                          .Build();
  const auto sink = KafkaSink<std::string>::Builder()
                        .Properties(ExampleProperties())
                        .Topic("test-output")
                        .Delivery(DeliveryGuarantee::kAtLeastOnce)
                        .Value(SimpleString())
                        .Build();
  EXPECT_EQ(Problem(source.source()->Validate()), "");
  EXPECT_EQ(Problem(sink.sink()->Validate(*SchemaOf<std::string>())), "");
  EXPECT_FALSE(source.source()->bounded());
  EXPECT_EQ(source.source()->Describe().at("starting-offsets"), "earliest");
}

TEST(KafkaBuilder, ValueDeserializerDecidesWithoutAFormat) {
  const auto source =
      KafkaSource<std::string>::Builder().Properties(ExampleProperties()).Topics({"t"}).Build();
  EXPECT_EQ(Problem(source.source()->Validate()), "");
}

TEST(KafkaBuilder, FormatAndDeserializerMustAgree) {
  auto builder = KafkaSource<std::string>::Builder();
  builder.Properties(ExampleProperties()).Topics({"t"}).ValueOnly(SimpleString());
  builder.Property("value.deserializer", "org.apache.kafka.common.serialization.LongDeserializer");
  EXPECT_THAT(Problem(builder.Build().source()->Validate()),
              HasSubstr("LongDeserializer, but the format is string"));
}

TEST(KafkaBuilder, FormatMustSuitTheRecord) {
  const auto source = KafkaSource<Flight>::Builder()
                          .BootstrapServers("b:1")
                          .Topics({"t"})
                          .ValueOnly(SimpleString())
                          .Build();
  EXPECT_THAT(Problem(source.source()->Validate()), HasSubstr("string"));
}

TEST(KafkaBuilder, EverythingThatIsWrongIsSaidAtOnce) {
  const auto source = KafkaSource<std::string>::Builder()
                          .Property("bootstrap.serverz", "b:1")
                          .StartingOffsets(Offsets::Committed())
                          .Build();
  const std::string problem = Problem(source.source()->Validate());
  EXPECT_THAT(problem, HasSubstr("no topics are given"));
  EXPECT_THAT(problem, HasSubstr("group.id is missing"));
  EXPECT_THAT(problem, HasSubstr("value.deserializer is missing"));
  EXPECT_THAT(problem, HasSubstr("'bootstrap.serverz'; did you mean 'bootstrap.servers'"));
  EXPECT_FALSE(source.source()->MakeReader(0, 1).ok());
}

TEST(KafkaBuilder, PartitionedByIsAboutOneTopic) {
  auto builder = KafkaSource<std::string>::Builder();
  builder.Properties(ExampleProperties()).ValueOnly(SimpleString());
  builder.Topics({"flights"}).PartitionedBy(Murmur2Partitioner(), 4);
  const auto source = builder.Build().source();
  EXPECT_EQ(Problem(source->Validate()), "");
  ASSERT_TRUE(source->partitioning().has_value());
  EXPECT_EQ(source->partitioning()->topic, "flights");
  EXPECT_EQ(source->partitioning()->partitions, 4u);
  EXPECT_EQ(source->Describe().at("partitioned-by"), "murmur2 over 4 partitions");

  const auto problem = [&builder] { return Problem(builder.Build().source()->Validate()); };
  builder.Topics({"flights", "delays"});
  EXPECT_THAT(problem(), HasSubstr("PartitionedBy is about the partitions of one topic"));
  EXPECT_EQ(builder.Build().source()->partitioning(), std::nullopt);
  builder.Topics({"flights"}).PartitionedBy(Murmur2Partitioner(), 0);
  EXPECT_THAT(problem(), HasSubstr("PartitionedBy names 0 partitions; 1 to 32768 can be"));
  builder.PartitionedBy(nullptr, 4);
  EXPECT_THAT(problem(), HasSubstr("PartitionedBy names no partitioner"));
  builder.PartitionedBy(DeclaredPartitioner("ours", nullptr), 4);
  EXPECT_THAT(problem(), HasSubstr("has no name, or no function"));
}

TEST(KafkaBuilder, ValuesAreCheckedByTheClientLibrary) {
  const auto source = KafkaSource<std::string>::Builder()
                          .BootstrapServers("b:1")
                          .Property("isolation.level", "read_it_all")
                          .Topics({"t"})
                          .ValueOnly(SimpleString())
                          .Build();
  EXPECT_THAT(Problem(source.source()->Validate()), HasSubstr("isolation.level"));
}

TEST(KafkaBuilder, KeyIsAFieldByItsMember) {
  const auto sink = KafkaSink<Flight>::Builder()
                        .BootstrapServers("b:1")
                        .Topic("t")
                        .Key(&Flight::carrier)
                        .Value(Json())
                        .Build();
  EXPECT_EQ(Problem(sink.sink()->Validate(*SchemaOf<Flight>())), "");
  EXPECT_EQ(sink.sink()->Describe().at("key"), "carrier");
}

TEST(KafkaBuilder, ANumberAsKeyNeedsItsSerializer) {
  auto builder = KafkaSink<Flight>::Builder();
  builder.BootstrapServers("b:1").Topic("t").Key(&Flight::id).Value(Json());
  EXPECT_THAT(Problem(builder.Build().sink()->Validate(*SchemaOf<Flight>())),
              HasSubstr("key.serializer is missing"));
  builder.Property("key.serializer", "org.apache.kafka.common.serialization.LongSerializer");
  EXPECT_EQ(Problem(builder.Build().sink()->Validate(*SchemaOf<Flight>())), "");
}

TEST(KafkaBuilder, WhatExactlyOnceExcludesIsNamed) {
  auto builder = KafkaSink<std::string>::Builder();
  builder.BootstrapServers("b:1").Topic("t").Value(SimpleString());
  builder.Delivery(DeliveryGuarantee::kExactlyOnce);
  EXPECT_EQ(Problem(builder.Build().sink()->Validate(*SchemaOf<std::string>())), "");
  builder.Property("acks", "1");
  EXPECT_THAT(Problem(builder.Build().sink()->Validate(*SchemaOf<std::string>())),
              HasSubstr("acks=1 and exactly-once delivery exclude each other"));
  builder.Property("acks", "all").Property("transaction.timeout.ms", "soon");
  EXPECT_THAT(Problem(builder.Build().sink()->Validate(*SchemaOf<std::string>())),
              HasSubstr("transaction.timeout.ms"));
  builder.Property("transaction.timeout.ms", "60000").Property("security.protocol", "SASL_SSL");
  EXPECT_THAT(Problem(builder.Build().sink()->Validate(*SchemaOf<std::string>())),
              HasSubstr("exactly-once delivery is not available over security.protocol=SASL_SSL"));
}

TEST(KafkaBuilder, APrefixIsForExactlyOnceOnly) {
  const auto sink = KafkaSink<std::string>::Builder()
                        .BootstrapServers("b:1")
                        .Topic("t")
                        .Value(SimpleString())
                        .TransactionalIdPrefix("mine")
                        .Build();
  EXPECT_THAT(Problem(sink.sink()->Validate(*SchemaOf<std::string>())),
              HasSubstr("for exactly-once delivery only"));
}

TEST(KafkaBuilder, NoAcknowledgementsAtLeastOnceIsAContradiction) {
  const auto sink = KafkaSink<std::string>::Builder()
                        .BootstrapServers("b:1")
                        .Property("acks", "0")
                        .Topic("t")
                        .Value(SimpleString())
                        .Build();
  EXPECT_THAT(Problem(sink.sink()->Validate(*SchemaOf<std::string>())), HasSubstr("acks=0"));
}

TEST(KafkaBuilder, DescriptionsHideSecrets) {
  const auto source = KafkaSource<std::string>::Builder()
                          .BootstrapServers("b:1")
                          .Property("sasl.password", "geheim")
                          .Topics({"t"})
                          .ValueOnly(SimpleString())
                          .Build();
  for (const auto& [name, value] : source.source()->Describe()) {
    EXPECT_EQ(value.find("geheim"), std::string::npos) << name;
  }
}

}  // namespace
}  // namespace weir
