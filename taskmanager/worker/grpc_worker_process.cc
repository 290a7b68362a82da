#include "taskmanager/worker/grpc_worker_process.h"

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <system_error>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "common/base/check.h"
#include "common/base/log.h"
#include "common/base/protocol_version.h"
#include "common/base/status_macros.h"
#include "common/base/system_random.h"
#include "common/exec/signal_waiter.h"
#include "common/exec/thread_blocking_pool.h"
#include "common/exec/thread_executor.h"
#include "common/io/posix_file_system.h"
#include "common/metrics/process_usage.h"
#include "common/net/grpc_channel_factory.h"
#include "common/net/grpc_client_stream.h"
#include "common/time/system_clock.h"
#include "taskmanager/exchange/grpc_exchange_transport.h"
#include "taskmanager/task/task_thread.h"
#include "taskmanager/worker/resident_memory.h"
#include "taskmanager/worker/worker_endpoint.h"
#include "taskmanager/worker/worker_metrics.h"

namespace weir::taskmanager {
namespace {

// A function that does not return holds up nobody for longer.
constexpr absl::Duration kStopPatience = absl::Seconds(2);

void DieWithParent(uint64_t parent_pid) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  // The parent may have died before the call above.
  if (static_cast<uint64_t>(getppid()) != parent_pid) std::_Exit(1);
}

proto::Envelope HelloOf(const std::string& worker) {
  proto::Envelope envelope;
  envelope.mutable_header()->set_sender(worker);
  proto::WorkerHello* hello = envelope.mutable_worker_hello();
  hello->set_worker(worker);
  hello->set_pid(static_cast<uint64_t>(getpid()));
  hello->set_protocol_min(kProtocolVersionMin);
  hello->set_protocol_max(kProtocolVersion);
  return envelope;
}

bool ExchangesRecords(const proto::JobGraph& plan) {
  return std::any_of(plan.edges().begin(), plan.edges().end(), [](const proto::JobEdge& edge) {
    return edge.exchange() != proto::JobEdge::FORWARD;
  });
}

// What shares it shares the abstract Unix sockets: one boot's network namespace.
std::string SocketLocation() {
  std::string boot;
  std::getline(std::ifstream("/proc/sys/kernel/random/boot_id") >> std::ws, boot);
  std::error_code error;
  return absl::StrCat(boot, " ",
                      std::filesystem::read_symlink("/proc/self/ns/net", error).string());
}

std::string AnyPortOf(const std::string& host) {
  return absl::StrContains(host, ':') ? absl::StrCat("[", host, "]:0") : absl::StrCat(host, ":0");
}

// Listens for the job's other workers. The port is any: the JobManager tells it.
absl::StatusOr<std::unique_ptr<GrpcExchangeTransport>> ListenForPeers(
    const WorkerProcessOptions& options, const Clock& clock, Random& random,
    proto::ExchangePeer* own) {
  GrpcExchangeTransportOptions transport_options;
  transport_options.secret = random.HexId();
  transport_options.addresses = {absl::StrCat("unix-abstract:weir-exchange-", options.worker),
                                 AnyPortOf(options.host)};
  if (options.exchange_tls) {
    WEIR_ASSIGN_OR_RETURN(transport_options.certificate,
                          MakeSelfSignedCertificate(GrpcChannelFactory::kPinnedName, clock.Now()));
    own->set_certificate(transport_options.certificate.certificate);
  }
  own->set_location(SocketLocation());
  own->set_secret(transport_options.secret);
  WEIR_ASSIGN_OR_RETURN(auto transport,
                        GrpcExchangeTransport::Create(std::move(transport_options)));
  for (const std::string& address : transport->addresses()) own->add_addresses(address);
  return transport;
}

// A second signal ends it at once.
[[noreturn]] void WindDown(Executor& executor, const std::unique_ptr<WorkerEndpoint>& endpoint,
                           SignalWaiter& signals) {
  executor.Post([&] {
    executor.PostAfter(kStopPatience, [] { std::_Exit(0); });
    endpoint->Stop([] { std::_Exit(0); });
  });
  signals.Wait();
  std::_Exit(0);
}

}  // namespace

void RunWorkerProcess(const WorkerProcessOptions& options, const StreamGraph& graph,
                      const proto::JobGraph& plan) {
  DieWithParent(options.parent_pid);
  SignalWaiter signals;
  absl::StatusOr<std::unique_ptr<GrpcChannelFactory>> channels = GrpcChannelFactory::Create({});
  WEIR_CHECK(channels.ok()) << channels.status();
  SystemClock clock;
  SystemRandom random;
  PosixFileSystem files(random);
  ThreadExecutor executor({.name = "weir-worker"});
  ThreadBlockingPool pool({.name = "weir-blocking", .threads = 4});
  ThreadBlockingPool uploads({.name = "weir-uploads", .threads = 4});
  std::map<uint32_t, std::unique_ptr<TaskThread>> slots;  // touched on the executor

  WorkerEndpoint::Options endpoint_options;
  endpoint_options.host = options.host;
  endpoint_options.exchange.set_worker(options.worker);
  endpoint_options.state_directory = options.state_directory;
  std::unique_ptr<GrpcExchangeTransport> transport;
  if (ExchangesRecords(plan)) {
    auto listens = ListenForPeers(options, clock, random, &endpoint_options.exchange);
    if (!listens.ok()) {
      LogError("cannot exchange records with other workers", {{"reason", listens.status()}});
      std::_Exit(1);
    }
    transport = *std::move(listens);
  }

  std::unique_ptr<MessageStream> stream;
  std::unique_ptr<WorkerEndpoint> endpoint;
  executor.Post([&] {
    MessageStreamCallbacks callbacks;
    callbacks.on_message = [&](const proto::Envelope& envelope) { endpoint->OnEnvelope(envelope); };
    callbacks.on_broken = [&](const absl::Status& status) {
      LogWarning("the stream to the TaskManager ended; so does this worker", {{"reason", status}});
      std::_Exit(1);
    };
    stream = ConnectGrpcStream(**channels, options.socket, executor, std::move(callbacks));
    stream->Send(HelloOf(options.worker));
    endpoint = std::make_unique<WorkerEndpoint>(
        WorkerId(options.worker), JobId(options.job), graph, plan, endpoint_options,
        WorkerEndpoint::Dependencies{clock, executor, pool, files,
                                     [&](uint32_t slot) -> TaskHost& {
                                       std::unique_ptr<TaskThread>& thread = slots[slot];
                                       if (thread == nullptr) {
                                         TaskThread::Options thread_options;
                                         thread_options.name = absl::StrCat("weir-slot-", slot);
                                         thread =
                                             std::make_unique<TaskThread>(clock, thread_options);
                                       }
                                       return *thread;
                                     },
                                     [&](proto::Envelope envelope) {
                                       if (!options.on_sent)
                                         return stream->Send(std::move(envelope));
                                       stream->Send(envelope);
                                       options.on_sent(envelope);
                                     },
                                     &ResidentBytes,
                                     [&](proto::WorkerMetrics metrics) {
                                       AddWorkerUsage(ReadProcessUsage(), &metrics);
                                       proto::Envelope envelope;
                                       envelope.mutable_header()->set_sender(options.worker);
                                       *envelope.mutable_worker_metrics() = std::move(metrics);
                                       stream->Send(std::move(envelope));
                                     },
                                     transport.get(), nullptr, &uploads});
  });
  LogInfo("worker started", {{"worker", options.worker}, {"job", options.job}});
  signals.Wait();
  LogInfo("worker is told to end", {{"worker", options.worker}});
  WindDown(executor, endpoint, signals);
}

}  // namespace weir::taskmanager
