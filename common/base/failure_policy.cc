#include "common/base/failure_policy.h"

#include <optional>

#include "absl/strings/cord.h"

namespace weir {
namespace {

constexpr char kPayload[] = "weir/failure-policy";
constexpr char kFail[] = "fail";
constexpr char kSuspend[] = "suspend";

}  // namespace

absl::Status WithFailurePolicy(absl::Status status, FailurePolicy policy) {
  if (status.ok()) return status;
  status.ErasePayload(kPayload);
  if (policy != FailurePolicy::kByCode) {
    status.SetPayload(kPayload, absl::Cord(policy == FailurePolicy::kFailJob ? kFail : kSuspend));
  }
  return status;
}

FailurePolicy FailurePolicyOf(const absl::Status& status) {
  const auto payload = status.GetPayload(kPayload);
  if (!payload.has_value()) return FailurePolicy::kByCode;
  return *payload == kFail ? FailurePolicy::kFailJob : FailurePolicy::kSuspendJob;
}

}  // namespace weir
