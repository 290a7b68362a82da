#pragma once

#include <grpcpp/support/server_callback.h>

#include <functional>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"

#include "jobmanager/dispatcher/pending_call.h"
#include "proto/client.pb.h"

namespace weir::jobmanager {

/// What a watch needs of its service.
struct JobWatchHost {
  using Answer = std::function<void(absl::StatusOr<std::vector<proto::JobEvent>>)>;
  /// Asks the JobManager's core for events behind the request's sequence. The answer comes later,
  /// on any thread; or never, if the core is gone: then the call has been abandoned, or will be.
  std::function<void(const proto::WatchJobRequest&, Answer)> ask;
  /// Takes the call among those that are abandoned when the service shuts down, and forgets it when
  /// it is destroyed. False: it has shut down.
  std::function<bool(const std::shared_ptr<PendingCall>&)> enlist;
  std::function<void(PendingCall*)> forget;
};

/// The server side of one WatchJob: asks, writes what came, and asks again, until the job has
/// ended, the client is gone, or the service shuts down. Deletes itself when the call is over.
grpc::ServerWriteReactor<proto::JobEvent>* WatchJob(grpc::CallbackServerContext* context,
                                                    proto::WatchJobRequest request,
                                                    JobWatchHost host);

/// A watch that is refused before it began.
grpc::ServerWriteReactor<proto::JobEvent>* RefuseWatch(const grpc::Status& status);

}  // namespace weir::jobmanager
