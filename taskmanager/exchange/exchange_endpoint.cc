#include "taskmanager/exchange/exchange_endpoint.h"

#include <set>
#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"
#include "taskmanager/exchange/exchange_generation.h"

namespace weir::taskmanager {
namespace {

// Peers that may wait for us to open a later generation.
constexpr size_t kMaxEarlyPeers = 4096;

absl::Status Contradiction(const ChannelId& id, absl::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat("the plan of the exchange: ", id.ToString(), " ", what));
}

absl::Status CheckPlan(const WorkerId& self, const ExchangePlan& plan) {
  std::set<ChannelId> outputs;
  std::map<WorkerId, ExchangeAddress> addresses;
  for (const RemoteOutput& output : plan.outputs) {
    if (!outputs.insert(output.id).second) return Contradiction(output.id, "goes out twice");
    if (output.peer.is_none() || output.peer == self || output.address.address.empty()) {
      return Contradiction(output.id, "names no other worker and its address");
    }
    const auto [known, is_new] = addresses.emplace(output.peer, output.address);
    if (!is_new && known->second != output.address) {
      return Contradiction(output.id, "has another address of its worker than the channels before");
    }
  }
  std::set<ChannelId> inputs;
  for (const RemoteInput& input : plan.inputs) {
    if (!inputs.insert(input.id).second) return Contradiction(input.id, "comes in twice");
    if (input.peer.is_none() || input.peer == self || input.schema == nullptr) {
      return Contradiction(input.id, "names no other worker and a schema");
    }
  }
  return absl::OkStatus();
}

}  // namespace

ExchangeEndpoint::ExchangeEndpoint(Executor& executor, ExchangeTransport& transport, WorkerId self,
                                   ExchangeOptions options)
    : executor_(executor),
      transport_(transport),
      self_(std::move(self)),
      options_(std::move(options)) {
  // std::function asks for a copy; an incoming peer has none.
  using Shared = std::shared_ptr<std::unique_ptr<IncomingExchange>>;
  const std::function<void(Shared)> on_incoming =
      lifetime_.Guard([this](const Shared& incoming) { OnIncoming(std::move(*incoming)); });
  transport_.SetAcceptor([&executor, on_incoming](std::unique_ptr<IncomingExchange> incoming) {
    auto shared = std::make_shared<std::unique_ptr<IncomingExchange>>(std::move(incoming));
    executor.Post([on_incoming, shared] { on_incoming(shared); });
  });
}

ExchangeEndpoint::~ExchangeEndpoint() {
  transport_.SetAcceptor(nullptr);
  Close();
}

absl::Status ExchangeEndpoint::Open(const ExchangePlan& plan, ExchangeEvents events) {
  if (plan.generation <= latest_) {
    return absl::FailedPreconditionError(
        absl::StrCat("the exchange of generation ", plan.generation.value(),
                     " is asked for after that of ", latest_.value()));
  }
  WEIR_RETURN_IF_ERROR(CheckPlan(self_, plan));
  if (open_ != nullptr) open_->Close();
  latest_ = plan.generation;
  open_ = std::make_shared<ExchangeGeneration>(
      ExchangeGeneration::Parts{executor_, transport_, self_, options_, counters_}, plan.generation,
      std::move(events));
  open_->Start(plan);
  std::map<WorkerId, std::unique_ptr<IncomingExchange>> early;
  early.swap(early_);
  for (auto& [peer, incoming] : early) OnIncoming(std::move(incoming));
  return absl::OkStatus();
}

void ExchangeEndpoint::Close() {
  early_.clear();
  if (open_ == nullptr) return;
  open_->Close();
  open_ = nullptr;
}

void ExchangeEndpoint::OnIncoming(std::unique_ptr<IncomingExchange> incoming) {
  const ExchangeHello& hello = incoming->hello();
  if (hello.to != self_) {
    return incoming->Refuse(absl::NotFoundError(
        absl::StrCat("this is worker ", self_.value(), ", not ", hello.to.value())));
  }
  if (hello.generation > latest_) {
    if (early_.size() >= kMaxEarlyPeers) {
      return incoming->Refuse(absl::ResourceExhaustedError(
          absl::StrCat(early_.size(), " workers wait for worker ", self_.value(), " already")));
    }
    std::unique_ptr<IncomingExchange>& early = early_[hello.from];
    if (early == nullptr || early->hello().generation <= hello.generation) early.swap(incoming);
    return;  // what is left in `incoming` is refused
  }
  if (hello.generation < latest_ || open_ == nullptr) {
    return incoming->Refuse(absl::FailedPreconditionError(
        absl::StrCat("worker ", self_.value(), " is past generation ", hello.generation.value())));
  }
  const std::shared_ptr<ExchangeGeneration> generation = open_;
  generation->OnIncoming(std::move(incoming));
}

std::shared_ptr<ChannelOutput> ExchangeEndpoint::Output(const ChannelId& id) const {
  return open_ == nullptr ? nullptr : open_->Output(id);
}

std::shared_ptr<ChannelInput> ExchangeEndpoint::Input(const ChannelId& id) const {
  return open_ == nullptr ? nullptr : open_->Input(id);
}

bool ExchangeEndpoint::ready() const { return open_ != nullptr && open_->ready(); }

const CreditPool* ExchangeEndpoint::credits() const {
  return open_ == nullptr ? nullptr : &open_->credits();
}

}  // namespace weir::taskmanager
