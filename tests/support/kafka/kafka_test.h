#pragma once

#include <gtest/gtest.h>

#include <string>

#include "tests/support/kafka/kafka_cluster.h"

namespace weir {

/// Base of tests that need real Kafka. One cluster serves all tests of a program that want the same
/// number of brokers one after the other: it starts with the first test that asks and stops at the
/// program's end, so each test uses topics (and groups) of its own.
/// Where Kafka is not fetched the tests are skipped, and fail when WEIR_REQUIRE_KAFKA=1.
class KafkaTest : public testing::Test {
 protected:
  void SetUp() override;

  /// How many the tests of a fixture want.
  virtual int BrokerCount() const { return 1; }

  /// The shared cluster. Only valid after SetUp.
  static KafkaCluster& cluster();

  /// A topic name that no other test of this cluster has: "<suite>.<test>.<suffix>".
  static std::string TopicName(const std::string& suffix);
};

/// For fixtures with clusters of their own: empty when Kafka is there; otherwise what to say with
/// GTEST_SKIP(). Reports a failure when WEIR_REQUIRE_KAFKA=1.
std::string ReasonToSkipKafka();

}  // namespace weir
