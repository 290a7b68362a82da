#include "taskmanager/worker/worker_exchange.h"

#include <map>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "common/base/log.h"
#include "common/base/status_macros.h"

namespace weir::taskmanager {
namespace {

bool IsLocalSocket(const std::string& address) { return absl::StartsWith(address, "unix"); }

// The first that this worker can use: sockets of this machine reach only who shares it.
std::optional<std::string> UsableAddress(const proto::ExchangePeer& peer,
                                         const std::string& location) {
  for (const std::string& address : peer.addresses()) {
    if (!IsLocalSocket(address) || peer.location() == location) return address;
  }
  return std::nullopt;
}

}  // namespace

WorkerExchange::WorkerExchange(Executor& executor, ExchangeTransport& transport,
                               proto::ExchangePeer own)
    : executor_(executor),
      own_(std::move(own)),
      endpoint_(executor, transport, WorkerId(own_.worker())) {}

absl::Status WorkerExchange::Open(Generation generation, const ChannelMap& channels,
                                  const Peers& peers, Events events) {
  std::map<WorkerId, ExchangeAddress> addresses;
  for (const proto::ExchangePeer& peer : peers) {
    const auto address = UsableAddress(peer, own_.location());
    if (!address.has_value()) {
      return absl::FailedPreconditionError(
          absl::StrCat("worker ", peer.worker(), " takes records on its own machine only"));
    }
    addresses[WorkerId(peer.worker())] = {*address, peer.secret(),
                                          IsLocalSocket(*address) ? "" : peer.certificate()};
  }
  WEIR_ASSIGN_OR_RETURN(const ExchangePlan plan, channels.PlanExchange(generation, addresses));
  open_.Reset();
  ExchangeEvents told;
  told.on_ready = open_.Guard(std::move(events.on_ready));
  std::function<void(const absl::Status&)> on_lost = open_.Guard(std::move(events.on_lost));
  told.on_broken = [this, on_lost = std::move(on_lost)](const WorkerId& peer,
                                                        const absl::Status& why) {
    LogInfo("a peer is lost", {{"worker", own_.worker()}, {"peer", peer}, {"reason", why}});
    executor_.PostAfter(kLossGrace, [on_lost, why] { on_lost(why); });
  };
  return endpoint_.Open(plan, std::move(told));
}

void WorkerExchange::Close() {
  open_.Reset();
  endpoint_.Close();
}

}  // namespace weir::taskmanager
