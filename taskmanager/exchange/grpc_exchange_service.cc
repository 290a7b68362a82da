#include "taskmanager/exchange/grpc_exchange_service.h"

#include <set>
#include <utility>
#include <vector>

#include "common/exec/mutex.h"
#include "common/net/grpc_status.h"
#include "taskmanager/exchange/callback_gate.h"
#include "taskmanager/exchange/grpc_exchange_wire.h"

namespace weir::taskmanager {
namespace {

using grpc::ByteBuffer;

absl::Status Lost() { return absl::UnavailableError("the connection is lost"); }

// A call that is over before it began.
class Refusal final : public grpc::ServerBidiReactor<ByteBuffer, ByteBuffer> {
 public:
  explicit Refusal(const absl::Status& status) { Finish(ToGrpcStatus(status)); }
  void OnDone() override { delete this; }
};

}  // namespace

// Shared with the calls, which may end after the service.
struct GrpcExchangeService::State {
  Mutex mutex;
  bool stopping WEIR_GUARDED_BY(mutex) = false;
  std::shared_ptr<CallbackGate<ExchangeTransport::Acceptor>> acceptor WEIR_GUARDED_BY(mutex);
  std::set<std::shared_ptr<Reactor>> live WEIR_GUARDED_BY(mutex);  // until OnDone
};

// One call. It is over for gRPC after Finish, which must not be called while a write is under way:
// then the call is cancelled, and OnWriteDone finishes it. gRPC runs no reaction of ours inside
// StartRead, StartWrite or TryCancel, so they are called under the lock.
class GrpcExchangeService::Reactor final : public grpc::ServerBidiReactor<ByteBuffer, ByteBuffer>,
                                           public std::enable_shared_from_this<Reactor> {
 public:
  Reactor(grpc::CallbackServerContext* context, std::shared_ptr<State> state)
      : state_(std::move(state)), context_(context) {}

  void Accept(ExchangeConnectionCallbacks callbacks) {
    gate_.Set(std::move(callbacks));
    bool ended = false;
    {
      MutexLock lock(mutex_);
      accepted_ = true;
      ended = ended_;
      if (!ended_) {
        StartSendInitialMetadata();
        StartRead(&incoming_);
      }
    }
    if (ended) Report(Lost());
  }

  void Send(const std::vector<Buffer>& message) {
    ByteBuffer bytes = ToByteBuffer(message);
    MutexLock lock(mutex_);
    if (ended_) return;
    outgoing_.Swap(&bytes);
    writing_ = true;
    StartWrite(&outgoing_);
  }

  // Ends the call from this side, without a report.
  void Close(const absl::Status& status) {
    gate_.Close();
    End(status);
  }

 private:
  void OnReadDone(bool ok) override {
    if (!ok) return End(absl::UnavailableError("the other side has closed the stream"));
    ByteBuffer message;
    {
      MutexLock lock(mutex_);
      message.Swap(&incoming_);
    }
    gate_.Run(
        [&message](const ExchangeConnectionCallbacks& to) { WithPieces(message, to.on_message); });
    MutexLock lock(mutex_);
    if (!ended_) StartRead(&incoming_);
  }

  void OnWriteDone(bool ok) override {
    bool sent = false;
    {
      MutexLock lock(mutex_);
      writing_ = false;
      outgoing_.Clear();
      sent = ok && !ended_;
    }
    if (sent) {
      gate_.Run([](const ExchangeConnectionCallbacks& to) { to.on_sent(); });
      return;
    }
    End(Lost());
    FinishOnce();
  }

  void OnCancel() override { End(Lost()); }

  void OnDone() override {
    const std::shared_ptr<Reactor> self = shared_from_this();
    MutexLock lock(state_->mutex);
    state_->live.erase(self);
  }

  // For the owner at once, for gRPC as soon as no write is under way.
  void End(const absl::Status& status) {
    bool finish = false;
    bool report = false;
    {
      MutexLock lock(mutex_);
      if (ended_) return;
      ended_ = true;
      finish_status_ = ToGrpcStatus(status);
      report = accepted_;
      finish = !writing_;
      if (writing_) context_->TryCancel();
    }
    if (report) Report(status);
    if (finish) FinishOnce();
  }

  void Report(const absl::Status& status) {
    gate_.Run([&status](const ExchangeConnectionCallbacks& to) { to.on_broken(status); });
  }

  void FinishOnce() {
    grpc::Status status;
    {
      MutexLock lock(mutex_);
      if (std::exchange(finished_, true)) return;
      status = finish_status_;
    }
    Finish(status);
  }

  const std::shared_ptr<State> state_;
  CallbackGate<ExchangeConnectionCallbacks> gate_;

  Mutex mutex_;
  grpc::CallbackServerContext* const context_;  // valid until Finish
  ByteBuffer incoming_ WEIR_GUARDED_BY(mutex_);
  ByteBuffer outgoing_ WEIR_GUARDED_BY(mutex_);
  grpc::Status finish_status_ WEIR_GUARDED_BY(mutex_);
  bool accepted_ WEIR_GUARDED_BY(mutex_) = false;
  bool writing_ WEIR_GUARDED_BY(mutex_) = false;
  bool ended_ WEIR_GUARDED_BY(mutex_) = false;     // nothing is started any more
  bool finished_ WEIR_GUARDED_BY(mutex_) = false;  // Finish has been called
};

class GrpcExchangeService::Connection final : public ExchangeConnection {
 public:
  explicit Connection(std::shared_ptr<Reactor> reactor) : reactor_(std::move(reactor)) {}
  ~Connection() override { Close(); }

  void Send(std::vector<Buffer> message) override { reactor_->Send(message); }
  void Close() override {
    reactor_->Close(absl::UnavailableError("the other side has closed the stream"));
  }

 private:
  const std::shared_ptr<Reactor> reactor_;
};

class GrpcExchangeService::Incoming final : public IncomingExchange {
 public:
  Incoming(ExchangeHello hello, std::shared_ptr<Reactor> reactor)
      : hello_(std::move(hello)), reactor_(std::move(reactor)) {}
  ~Incoming() override {
    Refuse(absl::UnavailableError("the worker has dropped the call, or shuts down"));
  }

  const ExchangeHello& hello() const override { return hello_; }
  std::unique_ptr<ExchangeConnection> Accept(ExchangeConnectionCallbacks callbacks) override {
    const std::shared_ptr<Reactor> reactor = std::move(reactor_);
    reactor_ = nullptr;
    auto connection = std::make_unique<Connection>(reactor);
    reactor->Accept(std::move(callbacks));
    return connection;
  }
  void Refuse(const absl::Status& status) override {
    if (reactor_ != nullptr) reactor_->Close(status);
    reactor_ = nullptr;
  }

 private:
  const ExchangeHello hello_;
  std::shared_ptr<Reactor> reactor_;  // null: answered
};

GrpcExchangeService::GrpcExchangeService(ExchangeSecret secret)
    : secret_(std::move(secret)), state_(std::make_shared<State>()) {}

GrpcExchangeService::~GrpcExchangeService() { Shutdown(); }

void GrpcExchangeService::SetAcceptor(ExchangeTransport::Acceptor acceptor) {
  std::shared_ptr<CallbackGate<ExchangeTransport::Acceptor>> gate;
  if (acceptor) {
    gate = std::make_shared<CallbackGate<ExchangeTransport::Acceptor>>();
    gate->Set(std::move(acceptor));
  }
  {
    MutexLock lock(state_->mutex);
    state_->acceptor.swap(gate);
  }
  if (gate != nullptr) gate->Close();  // the former one
}

void GrpcExchangeService::Shutdown() {
  SetAcceptor(nullptr);
  std::vector<std::shared_ptr<Reactor>> live;
  {
    MutexLock lock(state_->mutex);
    state_->stopping = true;
    live.assign(state_->live.begin(), state_->live.end());
  }
  for (const auto& reactor : live) {
    reactor->Close(absl::UnavailableError("the worker is shutting down"));
  }
}

grpc::ServerBidiReactor<ByteBuffer, ByteBuffer>* GrpcExchangeService::Open(
    grpc::CallbackServerContext* context) {
  absl::StatusOr<ExchangeHello> hello = ReadHello(*context, secret_);
  if (!hello.ok()) return new Refusal(hello.status());
  auto reactor = std::make_shared<Reactor>(context, state_);
  std::shared_ptr<CallbackGate<ExchangeTransport::Acceptor>> acceptor;
  {
    MutexLock lock(state_->mutex);
    if (!state_->stopping) acceptor = state_->acceptor;
    if (acceptor != nullptr) state_->live.insert(reactor);
  }
  if (acceptor == nullptr) {
    return new Refusal(absl::UnavailableError("the worker takes no connections now"));
  }
  // Not answered: its destructor refuses the call.
  auto incoming = std::make_unique<Incoming>(*std::move(hello), reactor);
  acceptor->Run(
      [&incoming](const ExchangeTransport::Acceptor& accept) { accept(std::move(incoming)); });
  return reactor.get();
}

}  // namespace weir::taskmanager
