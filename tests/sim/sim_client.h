#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "proto/client.pb.h"
#include "tests/sim/sim_job_manager.h"

namespace weir::sim {

/// A user: submits one job under one token until it is acknowledged, looks at it, stops it when it
/// is unbounded, or cancels it, and gives it up where it cannot end in order; in some runs it
/// suspends, resumes and restarts it meanwhile. Checks L5: what was acknowledged is in the cluster
/// log, stays one job, and is found by every leader.
class SimClient {
 public:
  /// `leaders` gives the JobManagers alive now.
  SimClient(SimEnvironment& environment, std::function<std::vector<SimJobManager*>()> leaders);

  void Start();
  void StopJob() { stop_wanted_ = true; }
  void CancelJob() { cancel_wanted_ = true; }
  /// It asks for no suspension and no restart any more, and resumes the job.
  void LeaveAlone() { left_alone_ = true; }
  const std::string& job() const { return job_; }
  /// The state a leader told last.
  const std::string& state() const { return state_; }
  /// It has canceled a job again that told of a loss.
  bool gave_up() const { return gave_up_; }
  /// Nobody has asked for it.
  bool suspended() const { return state_ == "SUSPENDED" && !suspended_by_request(); }
  bool suspended_by_request() const { return reason_ == "suspended by request"; }
  const std::string& reason() const { return reason_; }

 private:
  void Tick();
  void Submit(SimJobManager& leader);
  void Cancel(SimJobManager& leader);
  void SuspendResumeOrRestart(SimJobManager& leader);
  void OnSubmitted(const absl::StatusOr<proto::SubmitJobResponse>& response, LeaderTerm term);
  static LeaderTerm TermOf(SimJobManager& leader);
  void Describe(SimJobManager& leader);
  void OnDescribed(const absl::StatusOr<proto::JobDetails>& details);

  SimEnvironment& environment_;
  const std::function<std::vector<SimJobManager*>()> leaders_;
  SeededRandom random_;
  std::string job_;
  LeaderTerm acknowledged_in_;
  std::string state_;
  std::string reason_;
  bool stop_wanted_ = false;
  bool cancel_wanted_ = false;
  bool left_alone_ = false;
  bool gave_up_ = false;
};

}  // namespace weir::sim
