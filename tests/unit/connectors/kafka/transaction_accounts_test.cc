#include "connectors/kafka/transactional/transaction_accounts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace weir::kafka {
namespace {

using testing::HasSubstr;

TEST(TransactionAccountsTest, RunsOfAPartitionBecomeOneRange) {
  TransactionAccounts accounts;
  accounts.Sent(6, 60);
  accounts.OnDelivered({1, 10, 11, 2, 20, 5});
  accounts.OnDelivered({0, 3, 3, 1, 10, 7});
  EXPECT_EQ(accounts.outstanding_messages(), 3u);
  EXPECT_EQ(accounts.outstanding_bytes(), 30u);
  accounts.OnDelivered({1, 15, 17, 3, 30, ~uint64_t{0}});
  EXPECT_TRUE(accounts.CheckComplete().ok()) << accounts.CheckComplete();
  ASSERT_EQ(accounts.ranges().size(), 2u);
  EXPECT_EQ(accounts.ranges().at(0), (WrittenRange{3, 3, 1, 7}));
  EXPECT_EQ(accounts.ranges().at(1), (WrittenRange{10, 17, 5, 4}));  // the sum wraps
}

TEST(TransactionAccountsTest, AMissingAcknowledgementIsAnError) {
  TransactionAccounts accounts;
  accounts.Sent(2, 20);
  accounts.OnDelivered({0, 0, 0, 1, 10, 1});
  const absl::Status status = accounts.CheckComplete();
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_THAT(std::string(status.message()), HasSubstr("2 records were sent, 1 acknowledged"));
}

TEST(TransactionAccountsTest, TheFirstFailureStays) {
  TransactionAccounts accounts;
  accounts.Sent(2, 20);
  accounts.OnFailed(10, absl::UnavailableError("first"));
  accounts.OnFailed(10, absl::InternalError("second"));
  EXPECT_EQ(accounts.CheckComplete(), absl::UnavailableError("first"));
  EXPECT_EQ(accounts.outstanding_messages(), 0u);
}

TEST(TransactionAccountsTest, ATransactionWithoutRecordsIsNotComplete) {
  EXPECT_FALSE(TransactionAccounts().CheckComplete().ok());
}

}  // namespace
}  // namespace weir::kafka
