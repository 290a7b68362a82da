#include "common/net/grpc_client_stream.h"

#include <grpcpp/support/client_callback.h>

#include <optional>
#include <utility>

#include "common/exec/done_signal.h"
#include "common/exec/mutex.h"
#include "common/net/grpc_status.h"
#include "common/net/outbound_queue.h"
#include "common/net/stream_delivery.h"
#include "proto/control.grpc.pb.h"

namespace weir {
namespace {

using proto::Envelope;

// The call. Until gRPC's OnDone one "hold" of gRPC allows to start reads and writes from the
// executor. gRPC runs no reaction of ours inside StartRead, StartWrite or TryCancel, so they are
// called under the lock.
class ClientReactor final : public grpc::ClientBidiReactor<Envelope, Envelope>,
                            public std::enable_shared_from_this<ClientReactor> {
 public:
  ClientReactor(std::shared_ptr<grpc::Channel> channel, Executor& executor,
                MessageStreamCallbacks callbacks, const MessageStreamOptions& options)
      : stub_(proto::Control::NewStub(std::move(channel))),
        delivery_(std::make_shared<StreamDelivery>(executor, std::move(callbacks))),
        outbound_(options.max_backlog_bytes) {}

  void Start(const GrpcChannelFactory& factory) {
    factory.Authorize(context_);
    MutexLock lock(mutex_);
    stub_->async()->Connect(&context_, this);
    AddHold();
    StartRead(&incoming_);
    StartCall();
  }

  void Send(Envelope message) {
    absl::Status queued;
    {
      MutexLock lock(mutex_);
      if (ended_ || write_failed_) return;
      queued = outbound_.Push(std::move(message));
      if (queued.ok()) {
        if (!writing_) StartNextWrite();
        return;
      }
    }
    End(queued);
  }

  void Close() { End(std::nullopt); }

  // Nothing of gRPC's uses this object afterwards. The wait is as short as a cancellation takes.
  void DetachAndAwaitDone() {
    delivery_->Detach();
    Close();
    done_->Wait();
  }

 private:
  void OnReadInitialMetadataDone(bool ok) override {
    if (ok) delivery_->PostConnected();
  }

  void OnReadDone(bool ok) override {
    if (!ok) return EndedByServer();
    Envelope message;
    {
      MutexLock lock(mutex_);
      message.Swap(&incoming_);
    }
    delivery_->PostMessage(std::move(message), [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->ReadNext();
    });
  }

  void OnWriteDone(bool ok) override {
    bool release = false;
    {
      MutexLock lock(mutex_);
      writing_ = false;
      outbound_.Pop();
      if (ended_) {
        release = true;  // End left the hold to us
      } else if (!ok) {
        // The call is over, but gRPC gives its status only after all messages have been read.
        write_failed_ = true;
        outbound_.DropWaiting();
      } else if (!outbound_.empty()) {
        StartNextWrite();
      }
    }
    if (release) RemoveHold();
  }

  void OnDone(const grpc::Status& status) override {
    const std::shared_ptr<DoneSignal> done = done_;
    bool report = false;
    {
      MutexLock lock(mutex_);
      report = !silent_;
    }
    if (report) {
      absl::Status broken = FromGrpcStatus(status, context_);
      if (broken.ok()) broken = absl::UnavailableError("the other side has closed the stream");
      delivery_->PostBroken(std::move(broken));
    }
    done->Notify();  // from here on this object may be gone
  }

  void ReadNext() {
    MutexLock lock(mutex_);
    if (!ended_) StartRead(&incoming_);
  }

  void StartNextWrite() WEIR_REQUIRES(mutex_) {
    writing_ = true;
    StartWrite(&outbound_.front());
  }

  // Nothing more comes from the server; OnDone will bring the reason.
  void EndedByServer() {
    {
      MutexLock lock(mutex_);
      if (ended_) return;
      ended_ = true;
      outbound_.DropWaiting();
      if (writing_) return;
    }
    RemoveHold();
  }

  // Ends the call from this side; with a status the owner is told.
  void End(std::optional<absl::Status> status) {
    bool release = false;
    bool report = false;
    {
      MutexLock lock(mutex_);
      report = !std::exchange(silent_, true) && status.has_value();
      if (!std::exchange(ended_, true)) {
        outbound_.DropWaiting();
        release = !writing_;
      }
      context_.TryCancel();  // also when the server has ended it: OnDone must come
    }
    if (report) delivery_->PostBroken(*std::move(status));
    if (release) RemoveHold();
  }

  grpc::ClientContext context_;
  const std::unique_ptr<proto::Control::Stub> stub_;
  const std::shared_ptr<StreamDelivery> delivery_;
  const std::shared_ptr<DoneSignal> done_ = std::make_shared<DoneSignal>();

  Mutex mutex_;
  Envelope incoming_ WEIR_GUARDED_BY(mutex_);
  OutboundQueue outbound_ WEIR_GUARDED_BY(mutex_);
  bool writing_ WEIR_GUARDED_BY(mutex_) = false;
  bool write_failed_ WEIR_GUARDED_BY(mutex_) = false;  // no write is started any more
  bool ended_ WEIR_GUARDED_BY(mutex_) = false;         // nothing is started any more
  bool silent_ WEIR_GUARDED_BY(mutex_) = false;        // the owner knows, or does not want to
};

// Owns the call, and destroys it on the owner's thread: the last channel of a process must not be
// destroyed by a callback thread of gRPC 1.51, which would wait for itself (seen as an abort).
class GrpcClientStream final : public MessageStream {
 public:
  explicit GrpcClientStream(std::shared_ptr<ClientReactor> reactor)
      : reactor_(std::move(reactor)) {}
  ~GrpcClientStream() override { reactor_->DetachAndAwaitDone(); }

  void Send(Envelope message) override { reactor_->Send(std::move(message)); }
  void Close() override { reactor_->Close(); }

 private:
  const std::shared_ptr<ClientReactor> reactor_;
};

}  // namespace

std::unique_ptr<MessageStream> ConnectGrpcStream(const GrpcChannelFactory& factory,
                                                 const std::string& address, Executor& executor,
                                                 MessageStreamCallbacks callbacks,
                                                 MessageStreamOptions options) {
  auto reactor = std::make_shared<ClientReactor>(factory.CreateChannel(address), executor,
                                                 std::move(callbacks), options);
  reactor->Start(factory);
  return std::make_unique<GrpcClientStream>(std::move(reactor));
}

}  // namespace weir
