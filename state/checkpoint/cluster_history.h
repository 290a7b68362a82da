#pragma once

#include <map>
#include <string>

#include "absl/status/status.h"

#include "common/base/ids.h"
#include "proto/checkpoint.pb.h"

namespace weir {

/// What the cluster log says, folded entry by entry: the cluster's random id, the newest term, and
/// the jobs that are registered. Pure; one owner. Protocol: docs/protocols/logs.md.
class ClusterHistory {
 public:
  /// DATA_LOSS when the log breaks its own rules; the history is unchanged then.
  absl::Status Apply(const proto::ClusterLogEntry& entry);

  const std::string& random_id() const { return random_id_; }
  LeaderTerm term() const { return LeaderTerm(term_.number()); }
  const proto::Term& newest_term() const { return term_; }
  const std::map<JobId, proto::JobRegistered>& jobs() const { return jobs_; }
  /// The job a client token stands for, or none.
  JobId FindToken(const std::string& client_token) const;

 private:
  std::string random_id_;
  proto::Term term_;
  std::map<JobId, proto::JobRegistered> jobs_;
};

}  // namespace weir
