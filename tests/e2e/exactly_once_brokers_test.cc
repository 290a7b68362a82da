// Exactly once into Kafka while brokers die: with them coordinators, which fail apart.

#include <gmock/gmock.h>

#include <cstdint>

#include "absl/time/time.h"

#include "tests/e2e/exactly_once_stream.h"

namespace weir {
namespace {

class OneBrokerTest : public ExactlyOnceStreamTest {};

// Killed at any moment of some epoch, with transactions open, prepared and being committed.
TEST_F(OneBrokerTest, TheOnlyBrokerIsKilledAndComesBack) {
  StartCluster();
  StartStream(Job());
  for (int round = 0; round < 2 && !HasFailure(); ++round) {
    WEIR_ASSERT_OK(cluster().KillBroker(1));
    WEIR_ASSERT_OK(cluster().RestartBroker(1));
    AwaitFlow();
  }
  const auto strays = inspection().OpenStrays();
  WEIR_ASSERT_OK(strays);
  EXPECT_THAT(*strays, testing::IsEmpty());
  ExpectExactlyOnce();
}

// The broker is down while the job recovers from a worker's death.
TEST_F(OneBrokerTest, TheBrokerIsKilledDuringTheRecovery) {
  StartCluster();
  StartStream(Job());
  ASSERT_FALSE(HasFatalFailure());
  const uint64_t generation = Generation();
  WEIR_ASSERT_OK(KillAndAwaitEnd(Workers().at(0), absl::Seconds(10)));
  ASSERT_TRUE(AwaitTrue([&] { return Generation() > generation; }));
  WEIR_ASSERT_OK(cluster().KillBroker(1));
  WEIR_ASSERT_OK(cluster().RestartBroker(1));
  AwaitRestore(generation);
  ExpectExactlyOnce();
}

/// Broker 1 is the controller: the others die. With several slots of two subtasks on the four
/// partitions of the transactions' log, the job has coordinators on more than one broker.
class ThreeBrokersTest : public ExactlyOnceStreamTest {
 protected:
  int BrokerCount() const override { return 3; }
};

TEST_F(ThreeBrokersTest, CoordinatorsFailOneAfterTheOther) {
  StartCluster();
  StartStream(Job());
  for (const int broker : {2, 3}) {
    if (HasFailure()) break;
    WEIR_ASSERT_OK(cluster().KillBroker(broker));
    AwaitFlow();
    WEIR_ASSERT_OK(cluster().RestartBroker(broker));
    AwaitFlow();
  }
  const auto strays = inspection().OpenStrays();
  WEIR_ASSERT_OK(strays);
  EXPECT_THAT(*strays, testing::IsEmpty());
  ExpectExactlyOnce();
}

// One coordinator of several is gone while the job has to end the transactions it left.
TEST_F(ThreeBrokersTest, ACoordinatorFailsDuringTheRecovery) {
  StartCluster();
  StartStream(Job());
  ASSERT_FALSE(HasFatalFailure());
  const uint64_t generation = Generation();
  WEIR_ASSERT_OK(cluster().KillBroker(2));
  WEIR_ASSERT_OK(KillAndAwaitEnd(Workers().at(0), absl::Seconds(10)));
  AwaitRestore(generation);
  WEIR_ASSERT_OK(cluster().RestartBroker(2));
  ExpectExactlyOnce();
}

}  // namespace
}  // namespace weir
