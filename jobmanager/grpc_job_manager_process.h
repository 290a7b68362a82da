#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "common/config/config.h"
#include "common/exec/signal_waiter.h"
#include "common/io/file_system.h"

namespace weir::jobmanager {

class JobManagerProcess;

/// A JobManager with its servers: a standby until elected, then the leader, until it is destroyed.
/// No job stops for that, and nobody is told: the streams break, as when its process dies.
///
/// Threads: Start and the destructor by one thread; `lost` is called on a thread of the JobManager,
/// at most once, when another process leads.
/// Lifetime: `config` and `files` outlive it; `files` is called from several threads.
class JobManagerServer {
 public:
  /// Returns when clients and TaskManagers may connect. Errors: one sentence that names what is
  /// wrong: storage, address, certificates.
  static absl::StatusOr<std::unique_ptr<JobManagerServer>> Start(
      const Config& config, FileSystem& files, std::function<void(const absl::Status&)> lost);
  ~JobManagerServer();
  JobManagerServer(const JobManagerServer&) = delete;
  JobManagerServer& operator=(const JobManagerServer&) = delete;

  /// Where it listens: rpc.address, with the port that was free if that said 0.
  const std::string& address() const;

 private:
  explicit JobManagerServer(std::unique_ptr<JobManagerProcess> process);
  const std::unique_ptr<JobManagerProcess> process_;
};

/// The composition root of weir-jobmanager: a standby until elected, then the leader, until SIGTERM
/// or SIGINT (no job stops for that) or until another process leads. Call on the main thread.
/// `files` keeps the logs and checkpoints; it is called from several threads.
/// Errors: one sentence that names what is wrong: storage, address, certificates, lost leadership.
absl::Status RunJobManager(const Config& config, FileSystem& files, SignalWaiter& signals);

}  // namespace weir::jobmanager
