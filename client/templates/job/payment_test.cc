#include "payment.h"

#include <gtest/gtest.h>

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

}  // namespace
