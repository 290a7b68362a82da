#include "common/base/failure_policy.h"

#include <optional>

#include "absl/strings/cord.h"

namespace weir {
namespace {

constexpr char kPayload[] = "weir/failure-policy";
constexpr char kFail[] = "fail";
constexpr char kMisplaced[] = "misplaced";
constexpr char kRestart[] = "restart";
constexpr char kSuspend[] = "suspend";

const char* NameOf(FailurePolicy policy) {
  if (policy == FailurePolicy::kFailJob) return kFail;
  if (policy == FailurePolicy::kRestartJob) return kRestart;
  return policy == FailurePolicy::kMisplaced ? kMisplaced : kSuspend;
}

}  // namespace

absl::Status WithFailurePolicy(absl::Status status, FailurePolicy policy) {
  if (status.ok()) return status;
  status.ErasePayload(kPayload);
  if (policy != FailurePolicy::kByCode) status.SetPayload(kPayload, absl::Cord(NameOf(policy)));
  return status;
}

FailurePolicy FailurePolicyOf(const absl::Status& status) {
  const auto payload = status.GetPayload(kPayload);
  if (!payload.has_value()) return FailurePolicy::kByCode;
  for (const FailurePolicy policy :
       {FailurePolicy::kFailJob, FailurePolicy::kMisplaced, FailurePolicy::kRestartJob}) {
    if (*payload == NameOf(policy)) return policy;
  }
  return FailurePolicy::kSuspendJob;
}

}  // namespace weir
