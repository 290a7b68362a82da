#pragma once

#include <functional>

#include "absl/status/status.h"
#include "absl/time/time.h"

#include "common/base/ids.h"
#include "common/exec/executor.h"
#include "common/exec/lifetime.h"
#include "proto/control.pb.h"
#include "taskmanager/exchange/exchange_endpoint.h"
#include "taskmanager/worker/channel_map.h"

namespace weir::taskmanager {

/// A worker's part in the exchange of its job: how the others reach it, and the links of the
/// current generation (docs/protocols/exchange.md).
///
/// Threads: not thread-safe; the worker's executor. Lifetime: borrows executor and transport.
class WorkerExchange {
 public:
  using Peers = google::protobuf::RepeatedPtrField<proto::ExchangePeer>;

  /// A lost peer is reported so much later. Its TaskManager, or the silence of that, tells the
  /// JobManager sooner what happened to it; a connection alone that breaks is the rare case.
  static constexpr absl::Duration kLossGrace = absl::Milliseconds(1500);

  struct Events {
    std::function<void()> on_ready;                    // all links are open
    std::function<void(const absl::Status&)> on_lost;  // of one peer, in one sentence; maybe more
  };

  /// `own`: what the others are to know.
  WorkerExchange(Executor& executor, ExchangeTransport& transport, proto::ExchangePeer own);

  const proto::ExchangePeer& own() const { return own_; }

  /// Opens the links that the channels need. FAILED_PRECONDITION naming a worker that `peers`
  /// lacks, or that has no address this one can use; nothing is open then.
  absl::Status Open(Generation generation, const ChannelMap& channels, const Peers& peers,
                    Events events);
  bool ready() const { return endpoint_.ready(); }
  /// Of the open generation.
  const ExchangeEndpoint& endpoint() const { return endpoint_; }
  /// What tasks still hold takes and gives nothing any more.
  void Close();

 private:
  Executor& executor_;
  const proto::ExchangePeer own_;
  ExchangeEndpoint endpoint_;
  Lifetime open_;  // last
};

}  // namespace weir::taskmanager
