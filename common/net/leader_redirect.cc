#include "common/net/leader_redirect.h"

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"

namespace weir {
namespace {

constexpr char kPayloadUrl[] = "weir/leader-address";

}  // namespace

absl::Status NotLeaderError(absl::string_view leader_address) {
  absl::Status status = absl::FailedPreconditionError(
      leader_address.empty()
          ? std::string("this JobManager does not lead, and no leader is known yet")
          : absl::StrCat("this JobManager does not lead, the leader is ", leader_address));
  status.SetPayload(kPayloadUrl, absl::Cord(leader_address));
  return status;
}

std::optional<std::string> LeaderAddressOf(const absl::Status& status) {
  std::optional<absl::Cord> payload;
  if (auto found = status.GetPayload(kPayloadUrl)) payload = *found;
  if (!payload.has_value()) return std::nullopt;
  return std::string(*payload);
}

}  // namespace weir
