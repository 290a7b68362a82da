#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "common/operator/stream_graph.h"
#include "proto/control.pb.h"
#include "proto/job_graph.pb.h"

namespace weir::taskmanager {

/// What a TaskManager tells a worker process on its command line.
struct WorkerProcessOptions {
  std::string socket;  // "unix:/path"
  std::string worker;
  std::string job;
  std::string host;
  bool exchange_tls = false;    // at the port for the job's other workers
  std::string state_directory;  // of this worker
  uint64_t parent_pid = 0;
  /// Not of the command line: told of each message that was handed to the stream, on the worker's
  /// executor; the product gives none.
  std::function<void(const proto::Envelope&)> on_sent;
};

/// The composition root of a worker process: connects to its TaskManager and obeys until that
/// stream ends or the TaskManager dies; then the process ends at once, without winding anything
/// down: everything that counts is in checkpoints. At SIGTERM it closes its tasks first, for what
/// functions and clients hold outside, and ends after kStopPatience at the latest. Call on the main
/// thread, before other threads exist. Never returns.
[[noreturn]] void RunWorkerProcess(const WorkerProcessOptions& options, const StreamGraph& graph,
                                   const proto::JobGraph& plan);

}  // namespace weir::taskmanager
