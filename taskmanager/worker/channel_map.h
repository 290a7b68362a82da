#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "common/base/ids.h"
#include "common/operator/stream_graph.h"
#include "proto/control.pb.h"
#include "taskmanager/exchange/exchange_endpoint.h"
#include "taskmanager/task/local_channel.h"
#include "taskmanager/task/task_builder.h"

namespace weir::taskmanager {

/// Which channels the tasks of one generation have on this worker, and where the other ends are:
/// in a queue within the worker, or in another worker.
///
/// Edges are numbered as the plan lists them. Slot i runs subtask i of every vertex.
/// Threads: not thread-safe. Lifetime: borrows graph and deployment.
class ChannelMap {
 public:
  ChannelMap(const StreamGraph& graph, const proto::Deployment& deployment, WorkerId self);

  /// Some channel leads to another worker.
  bool leaves_worker() const { return leaves_worker_; }

  /// What the exchange has to open. FAILED_PRECONDITION naming the worker that `peers` lacks, or
  /// the operator that the graph lacks.
  absl::StatusOr<ExchangePlan> PlanExchange(Generation generation,
                                            const std::map<WorkerId, ExchangeAddress>& peers) const;

  /// Gives a task its ends. `exchange`: has opened what PlanExchange gave; may be null when no
  /// channel leaves the worker.
  absl::Status Connect(const proto::JobVertex& vertex, const ExchangeEndpoint* exchange,
                       TaskDescription& description);

 private:
  struct End {
    ChannelId id;
    const proto::JobEdge* edge = nullptr;
  };

  const proto::JobVertex& VertexOf(uint64_t id) const;
  // This one, where the deployment does not say.
  const WorkerId& WorkerOf(uint32_t index) const {
    return index < slot_workers_.size() ? slot_workers_[index] : self_;
  }
  bool IsHere(uint32_t index) const { return WorkerOf(index) == self_; }
  std::vector<End> InputsOf(uint64_t vertex, uint32_t index) const;
  // By edge.
  std::vector<std::vector<End>> OutputsOf(uint64_t vertex, uint32_t index) const;
  std::shared_ptr<LocalChannel> Local(const ChannelId& id);

  const StreamGraph& graph_;
  const proto::Deployment& deployment_;
  const WorkerId self_;
  std::vector<WorkerId> slot_workers_;
  bool leaves_worker_ = false;
  LocalChannelOptions local_options_;  // each has its part of the worker's exchange memory
  std::map<ChannelId, std::shared_ptr<LocalChannel>> local_;  // made when either end asks
};

}  // namespace weir::taskmanager
