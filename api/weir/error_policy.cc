#include "weir/error_policy.h"

#include <utility>

#include "common/operator/error_policy.h"

namespace weir {
namespace {

ErrorPolicySpec OfAction(ErrorAction action) {
  ErrorPolicySpec spec;
  spec.action = action;
  return spec;
}

}  // namespace

ErrorPolicy ErrorPolicy::Fail() {
  return ErrorPolicy(std::make_shared<ErrorPolicySpec>(OfAction(ErrorAction::kFail)));
}

ErrorPolicy ErrorPolicy::Skip() {
  return ErrorPolicy(std::make_shared<ErrorPolicySpec>(OfAction(ErrorAction::kSkip)));
}

ErrorPolicy ErrorPolicy::DeadLetter(std::shared_ptr<const DeadLetterSink> sink) {
  ErrorPolicySpec spec = OfAction(ErrorAction::kDeadLetter);
  spec.make_dead_letter_sink = [sink = std::move(sink)](DeliveryGuarantee delivery) {
    return sink->Make(delivery);
  };
  return ErrorPolicy(std::make_shared<ErrorPolicySpec>(std::move(spec)));
}

ErrorPolicy ErrorPolicy::AtMostPerMinute(int64_t records) const {
  ErrorPolicySpec spec = *spec_;
  // The planner refuses what makes no sense, and names the operator.
  spec.budget_per_minute = records >= 1 ? records : -1;
  return ErrorPolicy(std::make_shared<ErrorPolicySpec>(std::move(spec)));
}

}  // namespace weir
