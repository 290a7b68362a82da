#include "tests/sim/broker/immediate_link.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace weir::sim {

BrokerAnswer ImmediateLink::Do(BrokerCall call) {
  const absl::Duration deadline = time_.now() + call.timeout;
  BrokerAnswer answer;
  for (absl::Duration pause = call.backoff;; pause = std::min(pause * 2, call.max_backoff)) {
    if (call.cancelled()) {
      answer.status = absl::CancelledError(absl::StrCat(call.what, ": cancelled"));
      return answer;
    }
    time_.Pass(call.local ? pause : kRoundTrip);
    answer.error = call.request();
    if (!call.local && std::exchange(lose_next_, false)) {
      ++answer.unanswered;
    } else if (!IsTriedAgain(answer.error)) {
      return answer;
    }
    if (time_.now() + pause >= deadline) {
      answer.status = absl::DeadlineExceededError(
          absl::StrCat(call.what, ": not done within ", absl::FormatDuration(call.timeout), "; ",
                       kafka::KafkaErrorText(answer.error)));
      return answer;
    }
    time_.Pass(pause);
  }
}

}  // namespace weir::sim
