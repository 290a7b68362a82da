#pragma once

#include <cstdint>
#include <string>

#include "weir/weir.h"

/// A payment as it is in the input topic, a JSON object with these members.
struct Payment {
  int64_t id = 0;
  std::string account;
  int64_t amount_cents = 0;
  std::string currency;
  WEIR_RECORD(Payment, id, account, amount_cents, currency)
};

/// What is written for a payment that somebody should look at.
struct Alert {
  std::string account;
  int64_t payment_id = 0;
  std::string severity;
  WEIR_RECORD(Alert, account, payment_id, severity)
};

inline constexpr int64_t kLargeFromCents = 100'000;
inline constexpr int64_t kCriticalFromCents = 1'000'000;

// The functions of the job. They see rows without copies: texts are views that are valid during
// the call.

inline bool IsLarge(const Payment::View& payment) {
  return payment.amount_cents >= kLargeFromCents;
}

inline Alert::View MakeAlert(const Payment::View& payment) {
  const bool critical = payment.amount_cents >= kCriticalFromCents;
  return Alert::View{.account = payment.account,
                     .payment_id = payment.id,
                     .severity = critical ? "critical" : "warning"};
}

/// The part of the job between its source and its sink: tests run it as it is.
inline weir::DataStream<Alert> AlertsOf(const weir::DataStream<Payment>& payments) {
  return payments.Filter([](const Payment::View& payment) { return IsLarge(payment); })
      .Name("large")
      .Uid("large")
      .Map([](const Payment::View& payment) { return MakeAlert(payment); })
      .Name("alert")
      .Uid("alert");
}
