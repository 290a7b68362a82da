#include "common/net/grpc_control_service.h"

#include <set>
#include <utility>
#include <vector>

#include "common/exec/mutex.h"
#include "common/net/grpc_status.h"
#include "common/net/outbound_queue.h"
#include "common/net/stream_delivery.h"

namespace weir {

using proto::Envelope;

// Shared with the streams, which may end after the service.
struct GrpcControlService::State {
  Mutex mutex;
  bool stopping WEIR_GUARDED_BY(mutex) = false;
  std::shared_ptr<const AcceptHandler> accept WEIR_GUARDED_BY(mutex);
  std::set<std::shared_ptr<Reactor>> live WEIR_GUARDED_BY(mutex);  // until OnDone
};

// One call. It is over for gRPC after Finish, which must not be called while a write is under way:
// then the call is cancelled, and OnWriteDone finishes it. gRPC runs no reaction of ours inside
// StartRead, StartWrite or TryCancel, so they are called under the lock.
class GrpcControlService::Reactor final : public grpc::ServerBidiReactor<Envelope, Envelope>,
                                          public std::enable_shared_from_this<Reactor> {
 public:
  Reactor(grpc::CallbackServerContext* context, Executor& executor,
          const MessageStreamOptions& options, std::shared_ptr<State> state)
      : state_(std::move(state)),
        delivery_(std::make_shared<StreamDelivery>(executor, MessageStreamCallbacks())),
        context_(context),
        outbound_(options.max_backlog_bytes) {}

  // Posts the hand-over to the owner; reading begins with it.
  void Start();

  void Send(Envelope message) {
    absl::Status queued;
    {
      MutexLock lock(mutex_);
      if (ended_) return;
      queued = outbound_.Push(std::move(message));
      if (queued.ok()) {
        if (!writing_) StartNextWrite();
        return;
      }
    }
    End(queued, Report::kYes);
  }

  void Close() { End(absl::OkStatus(), Report::kNo); }

  void Detach() {
    delivery_->Detach();
    Close();
  }

  void Stop() {
    delivery_->Detach();
    End(absl::UnavailableError("the process is shutting down"), Report::kNo);
  }

 private:
  enum class Report { kNo, kYes };

  void Accept();

  void OnReadDone(bool ok) override {
    if (!ok) {
      return End(absl::UnavailableError("the other side has closed the stream"), Report::kYes);
    }
    Envelope message;
    {
      MutexLock lock(mutex_);
      message.Swap(&incoming_);
    }
    delivery_->PostMessage(std::move(message), [self = shared_from_this()] { self->ReadNext(); });
  }

  void OnWriteDone(bool ok) override {
    {
      MutexLock lock(mutex_);
      writing_ = false;
      outbound_.Pop();
      if (!ended_) {
        if (ok && !outbound_.empty()) StartNextWrite();
        if (ok) return;
      }
    }
    End(absl::UnavailableError("the connection is lost"), Report::kYes);
    FinishOnce();
  }

  void OnCancel() override { End(absl::UnavailableError("the connection is lost"), Report::kYes); }

  void OnDone() override {
    const std::shared_ptr<Reactor> self = shared_from_this();
    MutexLock lock(state_->mutex);
    state_->live.erase(self);
  }

  void ReadNext() {
    MutexLock lock(mutex_);
    if (!ended_) StartRead(&incoming_);
  }

  void StartNextWrite() WEIR_REQUIRES(mutex_) {
    writing_ = true;
    StartWrite(&outbound_.front());
  }

  // Ends the stream for the owner at once, for gRPC as soon as no write is under way.
  void End(const absl::Status& status, Report report) {
    bool finish = false;
    {
      MutexLock lock(mutex_);
      if (ended_) return;
      ended_ = true;
      finish_status_ = ToGrpcStatus(status);
      outbound_.DropWaiting();
      finish = !writing_;
      if (writing_) context_->TryCancel();
    }
    if (report == Report::kYes) delivery_->PostBroken(status);
    if (finish) FinishOnce();
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
  const std::shared_ptr<StreamDelivery> delivery_;

  Mutex mutex_;
  grpc::CallbackServerContext* const context_;  // valid until Finish
  Envelope incoming_ WEIR_GUARDED_BY(mutex_);
  OutboundQueue outbound_ WEIR_GUARDED_BY(mutex_);
  grpc::Status finish_status_ WEIR_GUARDED_BY(mutex_);
  bool writing_ WEIR_GUARDED_BY(mutex_) = false;
  bool ended_ WEIR_GUARDED_BY(mutex_) = false;     // nothing is started any more
  bool finished_ WEIR_GUARDED_BY(mutex_) = false;  // Finish has been called
};

class GrpcControlService::Stream final : public MessageStream {
 public:
  explicit Stream(std::shared_ptr<Reactor> reactor) : reactor_(std::move(reactor)) {}
  ~Stream() override { reactor_->Detach(); }

  void Send(Envelope message) override { reactor_->Send(std::move(message)); }
  void Close() override { reactor_->Close(); }

 private:
  const std::shared_ptr<Reactor> reactor_;
};

// A call that is over before it began.
class GrpcControlService::Refusal final : public grpc::ServerBidiReactor<Envelope, Envelope> {
 public:
  explicit Refusal(const grpc::Status& status) { Finish(status); }
  void OnDone() override { delete this; }
};

void GrpcControlService::Reactor::Start() {
  StartSendInitialMetadata();
  delivery_->Post([self = shared_from_this()] { self->Accept(); });
}

void GrpcControlService::Reactor::Accept() {
  std::shared_ptr<const AcceptHandler> accept;
  {
    MutexLock lock(state_->mutex);
    accept = state_->accept;
  }
  if (accept == nullptr) return;
  delivery_->SetCallbacks((*accept)(std::make_unique<Stream>(shared_from_this())));
  ReadNext();
}

GrpcControlService::GrpcControlService(Executor& executor, GrpcAuthorizer authorizer,
                                       AcceptHandler accept, MessageStreamOptions options)
    : executor_(executor),
      authorizer_(std::move(authorizer)),
      options_(options),
      state_(std::make_shared<State>()) {
  MutexLock lock(state_->mutex);
  state_->accept = std::make_shared<const AcceptHandler>(std::move(accept));
}

GrpcControlService::~GrpcControlService() { Shutdown(); }

void GrpcControlService::Shutdown() {
  std::vector<std::shared_ptr<Reactor>> live;
  std::shared_ptr<const AcceptHandler> released;  // destroyed outside the lock
  {
    MutexLock lock(state_->mutex);
    state_->stopping = true;
    state_->accept.swap(released);
    live.assign(state_->live.begin(), state_->live.end());
  }
  for (const std::shared_ptr<Reactor>& reactor : live) reactor->Stop();
}

grpc::ServerBidiReactor<Envelope, Envelope>* GrpcControlService::Connect(
    grpc::CallbackServerContext* context) {
  const grpc::Status authorized = authorizer_.Check(*context);
  if (!authorized.ok()) return new Refusal(authorized);
  auto reactor = std::make_shared<Reactor>(context, executor_, options_, state_);
  {
    MutexLock lock(state_->mutex);
    if (state_->stopping) {
      return new Refusal(ToGrpcStatus(absl::UnavailableError("the process is shutting down")));
    }
    state_->live.insert(reactor);
  }
  reactor->Start();
  return reactor.get();
}

}  // namespace weir
