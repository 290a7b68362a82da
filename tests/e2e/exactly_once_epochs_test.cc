// A producer's epoch has 16 bits and ends at 32,766; then its id gets another producer id. The ids
// of owner and replay live as long as their prefix, one epoch and more for each recovery; those of
// the writers are new in each generation. Docs: adr/0003-kafka-transactions-on-the-real-broker.md.

#include <map>
#include <string>

#include "tests/e2e/exactly_once_stream.h"
#include "tests/e2e/transaction_log.h"

namespace weir {
namespace {

constexpr int16_t kLastEpoch = 32766;

class ProducerEpochsTest : public ExactlyOnceStreamTest {};

TEST_F(ProducerEpochsTest, AJobRecoversRightThroughTheLastOne) {
  StartCluster();
  StartStream(Job());
  ASSERT_FALSE(HasFatalFailure());
  const std::string owner = kafka::OwnerId(Prefix());
  const std::string replay = kafka::ReplayId(Prefix());
  std::map<std::string, kafka::ProducerIdAndEpoch> old;
  for (const std::string& id : {owner, replay}) {
    const auto described = inspection().Describe(id);
    WEIR_ASSERT_OK(described);
    old[id] = {described->producer.producer_id, int16_t{kLastEpoch - 2}};
  }
  WEIR_ASSERT_OK(RewriteTransactionStates(cluster(), old));
  for (const auto& [id, producer] : old) {
    const auto now = inspection().Describe(id);
    WEIR_ASSERT_OK(now);
    EXPECT_EQ(now->producer, producer) << id;
  }
  AwaitFlow();
  for (int recovery = 0; recovery < 4 && !HasFailure(); ++recovery) {
    const uint64_t generation = Generation();
    WEIR_ASSERT_OK(KillAndAwaitEnd(Workers().at(0), absl::Seconds(10)));
    AwaitRestore(generation);
  }
  for (const auto& [id, former] : old) {
    const auto now = inspection().Describe(id);
    WEIR_ASSERT_OK(now);
    EXPECT_NE(now->producer.producer_id, former.producer_id) << id;
    EXPECT_LT(now->producer.epoch, 10) << id;
  }
  ExpectExactlyOnce();
}

}  // namespace
}  // namespace weir
