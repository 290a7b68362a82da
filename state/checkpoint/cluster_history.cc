#include "state/checkpoint/cluster_history.h"

#include "absl/strings/str_cat.h"

namespace weir {

using proto::ClusterLogEntry;

absl::Status ClusterHistory::Apply(const ClusterLogEntry& entry) {
  if (random_id_.empty() != (entry.kind_case() == ClusterLogEntry::kCreated)) {
    return absl::DataLossError(absl::StrCat("cluster log entry ", entry.sequence(),
                                            ": the first entry and no other creates the cluster"));
  }
  switch (entry.kind_case()) {
    case ClusterLogEntry::kCreated:
      random_id_ = entry.created().random_id();
      break;
    case ClusterLogEntry::kTerm:
      if (entry.term().number() <= term_.number()) {
        return absl::DataLossError(absl::StrCat("cluster log entry ", entry.sequence(), ": term ",
                                                entry.term().number(), " follows term ",
                                                term_.number()));
      }
      term_ = entry.term();
      break;
    case ClusterLogEntry::kJobRegistered:
      jobs_[JobId(entry.job_registered().job())] = entry.job_registered();
      break;
    case ClusterLogEntry::kJobRemoved:
      jobs_.erase(JobId(entry.job_removed().job()));
      break;
    case ClusterLogEntry::KIND_NOT_SET:
      return absl::DataLossError(
          absl::StrCat("cluster log entry ", entry.sequence(), " has no known kind"));
  }
  return absl::OkStatus();
}

JobId ClusterHistory::FindToken(const std::string& client_token) const {
  for (const auto& [job, registered] : jobs_) {
    if (registered.client_token() == client_token) return job;
  }
  return JobId();
}

}  // namespace weir
