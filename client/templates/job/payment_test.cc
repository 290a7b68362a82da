#include "payment.h"

#include <gtest/gtest.h>

#include "weir/testing/operator_test_harness.h"

namespace {

TEST(PaymentTest, IsLargeFromTheLimitOn) {
  EXPECT_FALSE(IsLarge({.amount_cents = kLargeFromCents - 1}));
  EXPECT_TRUE(IsLarge({.amount_cents = kLargeFromCents}));
}

TEST(PaymentTest, AlertNamesAccountAndPayment) {
  const Alert::View alert =
      MakeAlert({.id = 7, .account = "a-17", .amount_cents = kLargeFromCents, .currency = "EUR"});
  EXPECT_EQ(alert.account, "a-17");
  EXPECT_EQ(alert.payment_id, 7);
  EXPECT_EQ(alert.severity, "warning");
}

TEST(PaymentTest, VeryLargePaymentIsCritical) {
  EXPECT_EQ(MakeAlert({.amount_cents = kCriticalFromCents}).severity, "critical");
}

TEST(AlertsTest, OneForEachLargePayment) {
  weir::testing::OperatorTestHarness harness(AlertsOf);
  harness.Push(Payment{1, "a-17", 5, "EUR"});
  harness.Push(Payment{2, "b-03", kLargeFromCents, "EUR"}, 1'700'000'000'000'000);
  ASSERT_EQ(harness.Outputs().size(), 1u) << harness.error();
  EXPECT_EQ(harness.Outputs()[0].record.account, "b-03");
  EXPECT_EQ(harness.Outputs()[0].record.severity, "warning");
  EXPECT_EQ(harness.Outputs()[0].event_time_us, 1'700'000'000'000'000);
}

TEST(AlertsTest, GoOnAfterACheckpoint) {
  weir::testing::OperatorTestHarness before(AlertsOf);
  before.Push(Payment{1, "a-17", kLargeFromCents, "EUR"});
  const std::optional<std::string> checkpoint = before.Snapshot();
  ASSERT_TRUE(checkpoint.has_value()) << before.error();

  weir::testing::OperatorTestHarness after(AlertsOf);
  ASSERT_TRUE(after.Restore(*checkpoint)) << after.error();
  after.Push(Payment{2, "b-03", kCriticalFromCents, "EUR"});
  ASSERT_EQ(after.Outputs().size(), 1u) << after.error();
  EXPECT_EQ(after.Outputs()[0].record.severity, "critical");
}

}  // namespace
