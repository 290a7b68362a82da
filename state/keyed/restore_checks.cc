#include "state/keyed/restore_checks.h"

#include <optional>
#include <vector>

#include "absl/strings/str_cat.h"

#include "state/keyed/state_compatibility.h"

namespace weir {

absl::Status CheckSameKeying(const KeyedStateBackend::Options& options, uint32_t max_parallelism,
                             const StateSchema& key_schema) {
  if (max_parallelism == options.max_parallelism) {
    return CheckKeysCompatible(key_schema, options.key_schema);
  }
  return absl::FailedPreconditionError(absl::StrCat("the state was written with max parallelism ",
                                                    max_parallelism, " and the job has ",
                                                    options.max_parallelism));
}

absl::Status CheckKeyInGroup(const KeyedStateBackend::Options& options, absl::string_view key,
                             uint32_t group) {
  const std::optional<uint32_t> own =
      options.group_of_key ? options.group_of_key(key) : KeyGroupOf(key, options.max_parallelism);
  if (own == group) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrCat("a snapshot has a key of another key group in group ", group));
}

absl::Status CheckGroupsCovered(KeyGroupRange range, absl::Span<const KeyGroupRange> parts) {
  std::vector<int> found(range.size(), 0);
  for (const KeyGroupRange& part : parts) {
    for (uint32_t group = part.first; group < part.end; ++group) {
      if (range.Contains(group)) ++found[group - range.first];
    }
  }
  for (size_t i = 0; i < found.size(); ++i) {
    if (found[i] == 1) continue;
    return absl::FailedPreconditionError(
        absl::StrCat("key group ", range.first + i, " is in ", found[i],
                     " of the snapshots to be restored; it must be in one"));
  }
  return absl::OkStatus();
}

}  // namespace weir
