#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"

#include "common/exec/executor.h"
#include "common/exec/lifetime.h"
#include "common/types/schema.h"
#include "taskmanager/exchange/channel_id.h"
#include "taskmanager/exchange/credit_pool.h"
#include "taskmanager/exchange/exchange_counters.h"
#include "taskmanager/exchange/exchange_transport.h"
#include "taskmanager/exchange/send_channel.h"
#include "taskmanager/task/channel.h"

namespace weir::taskmanager {

/// A channel whose producer runs here and whose consumer in another worker.
struct RemoteOutput {
  ChannelId id;
  WorkerId peer;
  ExchangeAddress address{};  // of the peer; one for each
};

/// The other way round.
struct RemoteInput {
  ChannelId id;
  WorkerId peer;
  SchemaPtr schema;  // of the edge
};

struct ExchangePlan {
  Generation generation;
  std::vector<RemoteOutput> outputs{};
  std::vector<RemoteInput> inputs{};
  /// Of all inputs together, and as much of all outputs; 0: that of the options.
  size_t budget_bytes = 0;
};

struct ExchangeOptions {
  SendChannelOptions send{};
  CreditPoolOptions credits{};
  /// From Open until every link is open.
  absl::Duration connect_timeout = absl::Seconds(30);
  absl::Duration retry_interval = absl::Milliseconds(50);
};

/// Both on the endpoint's executor, of the current generation only. They may call Open and Close.
struct ExchangeEvents {
  /// All peers are connected, both ways. Once; at once, if there are none.
  std::function<void()> on_ready{};
  /// A peer is lost for this generation, or cannot be reached: once for each, with one sentence
  /// that names it. Ends of channels to it take and give nothing more.
  std::function<void(const WorkerId& peer, const absl::Status& why)> on_broken{};
};

class ExchangeGeneration;

/// What a worker holds to exchange data with the other workers of its job: for one generation at a
/// time the links to its peers and the ends of its channels (docs/protocols/exchange.md).
///
/// Life cycle: Open for each generation, which drops the one before; Close drops the last. Ends
/// that tasks still hold then stay valid and are inert. Threads: all calls on the executor, data
/// goes on other threads. Open, Close and the destructor wait for the transport's callbacks that
/// are running, which never wait themselves. Lifetime: executor and transport outlive it.
class ExchangeEndpoint {
 public:
  ExchangeEndpoint(Executor& executor, ExchangeTransport& transport, WorkerId self,
                   ExchangeOptions options = {});
  ~ExchangeEndpoint();
  ExchangeEndpoint(const ExchangeEndpoint&) = delete;
  ExchangeEndpoint& operator=(const ExchangeEndpoint&) = delete;

  /// FAILED_PRECONDITION for a generation that is not later than the one before; INVALID_ARGUMENT
  /// naming the channel for a plan that contradicts itself. Nothing changes then.
  absl::Status Open(const ExchangePlan& plan, ExchangeEvents events);
  void Close();

  /// The ends of the open generation; null for a channel that its plan has not.
  std::shared_ptr<ChannelOutput> Output(const ChannelId& id) const;
  std::shared_ptr<ChannelInput> Input(const ChannelId& id) const;

  bool ready() const;
  const ExchangeCounters& counters() const { return *counters_; }
  /// Of the open generation; null without one. For metrics.
  const CreditPool* credits() const;

 private:
  void OnIncoming(std::unique_ptr<IncomingExchange> incoming);

  Executor& executor_;
  ExchangeTransport& transport_;
  const WorkerId self_;
  const ExchangeOptions options_;
  const std::shared_ptr<ExchangeCounters> counters_ = std::make_shared<ExchangeCounters>();
  Generation latest_;  // ever opened
  std::shared_ptr<ExchangeGeneration> open_;
  // Peers that are ahead of us, until we open their generation.
  std::map<WorkerId, std::unique_ptr<IncomingExchange>> early_;
  Lifetime lifetime_;  // last
};

}  // namespace weir::taskmanager
