#include "connectors/kafka/kafka_properties.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "connectors/kafka/rdkafka_admin.h"
#include "connectors/kafka/sasl_jaas.h"

namespace weir::kafka {
namespace {

using testing::HasSubstr;
using testing::Not;

Properties Brokers() {
  Properties properties;
  properties.Set("bootstrap.servers", "broker:9092");
  return properties;
}

std::string Message(const absl::Status& status) { return std::string(status.message()); }

TEST(KafkaProperties, JavaNamesBecomeLibrdkafkas) {
  Properties properties = Brokers();
  properties.Set("fetch.max.wait.ms", "100").Set("max.partition.fetch.bytes", "2048");
  properties.Set("receive.buffer.bytes", "-1").Set("request.timeout.ms", "7000");
  const auto translated = TranslateProperties(properties, ClientKind::kConsumer);
  ASSERT_TRUE(translated.ok()) << translated.status();
  const std::map<std::string, std::string> expected = {{"bootstrap.servers", "broker:9092"},
                                                       {"fetch.wait.max.ms", "100"},
                                                       {"fetch.message.max.bytes", "2048"},
                                                       {"socket.receive.buffer.bytes", "0"},
                                                       {"socket.timeout.ms", "7000"}};
  EXPECT_EQ(translated->configuration.values, expected);
}

TEST(KafkaProperties, OneObjectServesSourceAndSink) {
  Properties properties = Brokers();
  properties.Set("group.id", "g").Set("isolation.level", "read_uncommitted");
  properties.Set("key.deserializer", "x").Set("buffer.memory", "33554432").Set("acks", "all");
  const auto consumer = TranslateProperties(properties, ClientKind::kConsumer);
  const auto producer = TranslateProperties(properties, ClientKind::kProducer);
  ASSERT_TRUE(consumer.ok() && producer.ok());
  EXPECT_EQ(consumer->configuration.values.count("acks"), 0u);
  EXPECT_EQ(consumer->configuration.values.at("isolation.level"), "read_uncommitted");
  EXPECT_EQ(producer->configuration.values.count("isolation.level"), 0u);
  EXPECT_EQ(producer->configuration.values.at("queue.buffering.max.kbytes"), "32768");
}

TEST(KafkaProperties, UnknownNamesAreAllListedWithTheNearest) {
  Properties properties = Brokers();
  properties.Set("bootstrap.server", "x").Set("fetch.max.wait.mss", "1");
  const std::string message =
      Message(TranslateProperties(properties, ClientKind::kConsumer).status());
  EXPECT_THAT(message, HasSubstr("unknown Kafka property 'bootstrap.server'; did you mean "
                                 "'bootstrap.servers'"));
  EXPECT_THAT(message, HasSubstr("'fetch.max.wait.mss'; did you mean 'fetch.max.wait.ms'"));
}

TEST(KafkaProperties, BrokersAreRequired) {
  EXPECT_THAT(Message(TranslateProperties(Properties(), ClientKind::kConsumer).status()),
              HasSubstr("'bootstrap.servers' is missing"));
}

TEST(KafkaProperties, TwoNamesOfOneThingMustAgree) {
  Properties properties = Brokers();
  properties.Set("fetch.max.wait.ms", "1").Set("fetch.wait.max.ms", "2");
  EXPECT_THAT(Message(TranslateProperties(properties, ClientKind::kConsumer).status()),
              HasSubstr("contradicts"));
}

TEST(KafkaProperties, WhatJavaClassesDoCannotBeDone) {
  Properties properties = Brokers();
  properties.Set("partitioner.class", "com.example.P").Set("transactional.id", "t");
  const std::string message =
      Message(TranslateProperties(properties, ClientKind::kProducer).status());
  EXPECT_THAT(message, HasSubstr("'partitioner.class' cannot be used"));
  EXPECT_THAT(message, HasSubstr("'transactional.id' cannot be used"));
}

TEST(KafkaProperties, WhatHasNoEffectIsListed) {
  Properties properties = Brokers();
  properties.Set("session.timeout.ms", "1").Set("enable.auto.commit", "true");
  const auto translated = TranslateProperties(properties, ClientKind::kConsumer);
  ASSERT_TRUE(translated.ok());
  EXPECT_EQ(translated->ignored.size(), 2u);
  EXPECT_EQ(translated->configuration.values.size(), 1u);
}

TEST(KafkaProperties, KeyStores) {
  Properties properties = Brokers();
  properties.Set("ssl.keystore.location", "/k.jks");
  EXPECT_THAT(Message(TranslateProperties(properties, ClientKind::kConsumer).status()),
              HasSubstr("type JKS"));
  properties.Set("ssl.keystore.location", "/k.p12").Set("ssl.truststore.location", "/ca.pem");
  const auto translated = TranslateProperties(properties, ClientKind::kConsumer);
  ASSERT_TRUE(translated.ok()) << translated.status();
  EXPECT_EQ(translated->configuration.values.at("ssl.keystore.location"), "/k.p12");
  EXPECT_EQ(translated->configuration.values.at("ssl.ca.location"), "/ca.pem");
}

TEST(KafkaProperties, JaasGivesUserAndPassword) {
  const auto translated = TranslateJaasConfig(
      "org.apache.kafka.common.security.plain.PlainLoginModule required\n username=\"alice\" "
      "password=\"se\\\"cret;\";");
  ASSERT_TRUE(translated.ok()) << translated.status();
  EXPECT_EQ(translated->at("sasl.username"), "alice");
  EXPECT_EQ(translated->at("sasl.password"), "se\"cret;");
}

TEST(KafkaProperties, JaasErrorsDoNotTellSecrets) {
  for (const char* config :
       {"org.apache.kafka.common.security.plain.PlainLoginModule required password=\"geheim\";",
        "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"geheim\"",
        "com.example.Other required password=\"geheim\";",
        "org.apache.kafka.common.security.plain.PlainLoginModule required password=\"geheim"}) {
    const absl::Status status = TranslateJaasConfig(config).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << config;
    EXPECT_THAT(Message(status), Not(HasSubstr("geheim")));
  }
}

TEST(KafkaProperties, SecretsAreHidden) {
  Properties properties = Brokers();
  properties.Set("sasl.jaas.config", "a").Set("ssl.key.password", "b").Set("sasl.password", "c");
  properties.Set("sasl.oauthbearer.client.secret", "d").Set("ssl.keystore.key", "e");
  properties.Set("ssl.key.pem", "f");
  const auto described = DescribeProperties(properties);
  EXPECT_EQ(described.at("properties.bootstrap.servers"), "broker:9092");
  for (const auto& [name, value] : described) {
    if (name != "properties.bootstrap.servers") {
      EXPECT_EQ(value, "(hidden)") << name;
    }
  }
}

// Every name that is passed on must be one that the linked librdkafka knows.
TEST(KafkaProperties, LibrdkafkaKnowsWhatWePassOn) {
  for (const std::string& name : KnownPropertyNames()) {
    const PropertyRule& rule = *FindPropertyRule(name);
    std::string native;
    if (rule.action == PropertyRule::Action::kPass) native = name;
    if (rule.action == PropertyRule::Action::kRename ||
        rule.action == PropertyRule::Action::kKilobytes) {
      native = std::string(rule.detail);
    }
    if (native.empty()) continue;
    ClientConfiguration configuration;
    configuration.values[native] = "not a value";
    const std::string message = Message(RdKafkaClients()->CheckConfiguration(configuration));
    EXPECT_THAT(message, Not(HasSubstr("No such configuration property"))) << name;
  }
}

TEST(KafkaProperties, LibrdkafkaChecksValues) {
  ClientConfiguration configuration;
  configuration.values["isolation.level"] = "read_nothing";
  const absl::Status status = RdKafkaClients()->CheckConfiguration(configuration);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(Message(status), HasSubstr("isolation.level"));
}

}  // namespace
}  // namespace weir::kafka
