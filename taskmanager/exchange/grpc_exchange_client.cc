#include "taskmanager/exchange/grpc_exchange_client.h"

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/support/client_callback.h>

#include <utility>
#include <vector>

#include "common/exec/done_signal.h"
#include "common/exec/mutex.h"
#include "common/net/grpc_status.h"
#include "taskmanager/exchange/callback_gate.h"
#include "taskmanager/exchange/grpc_exchange_wire.h"

namespace weir::taskmanager {
namespace {

std::shared_ptr<grpc::Channel> ChannelTo(const GrpcChannelFactory& factory,
                                         const ExchangeAddress& peer) {
  if (peer.certificate.empty()) return factory.CreateChannel(peer.address);
  return factory.CreatePinnedChannel(peer.address, peer.certificate);
}

// The call. Until OnDone a "hold" of gRPC allows to start writes from other threads. gRPC runs no
// reaction of ours inside StartRead, StartWrite or TryCancel, so they are called under the lock.
class ClientReactor final : public grpc::ClientBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  ClientReactor(std::shared_ptr<grpc::Channel> channel, ExchangeConnectionCallbacks callbacks)
      : stub_(std::move(channel)) {
    gate_.Set(std::move(callbacks));
  }

  void Start(const ExchangeHello& hello, const std::string& secret) {
    AddHello(hello, secret, context_);
    MutexLock lock(mutex_);
    stub_.PrepareBidiStreamingCall(&context_, kExchangeMethod, grpc::StubOptions(), this);
    AddHold();
    StartRead(&incoming_);
    StartCall();
  }

  void Send(const std::vector<Buffer>& message) {
    grpc::ByteBuffer bytes = ToByteBuffer(message);
    MutexLock lock(mutex_);
    if (ended_ || write_failed_) return;
    outgoing_.Swap(&bytes);
    writing_ = true;
    StartWrite(&outgoing_);
  }

  void Close() {
    gate_.Close();
    bool release = false;
    {
      MutexLock lock(mutex_);
      release = !std::exchange(ended_, true) && !writing_;
      context_.TryCancel();  // also when the server has ended it: OnDone must come
    }
    if (release) RemoveHold();
  }

  // Nothing of gRPC's uses this object afterwards. The wait is as short as a cancellation takes.
  void AwaitDone() { done_->Wait(); }

 private:
  void OnReadInitialMetadataDone(bool ok) override {
    if (ok) gate_.Run([](const ExchangeConnectionCallbacks& to) { to.on_open(); });
  }

  void OnReadDone(bool ok) override {
    if (!ok) return EndedByServer();
    grpc::ByteBuffer message;
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
    bool release = false;
    bool sent = false;
    {
      MutexLock lock(mutex_);
      writing_ = false;
      outgoing_.Clear();
      release = ended_;  // the hold was left to us
      // When it failed the call is over, but its status comes after all messages have been read.
      write_failed_ = !ok;
      sent = !ended_ && ok;
    }
    if (sent) gate_.Run([](const ExchangeConnectionCallbacks& to) { to.on_sent(); });
    if (release) RemoveHold();
  }

  void OnDone(const grpc::Status& status) override {
    const std::shared_ptr<DoneSignal> done = done_;
    absl::Status broken = FromGrpcStatus(status);
    if (broken.ok()) broken = absl::UnavailableError("the other side has closed the stream");
    gate_.Run([&broken](const ExchangeConnectionCallbacks& to) { to.on_broken(broken); });
    done->Notify();  // from here on this object may be gone
  }

  // Nothing more comes from the server; OnDone will bring the reason.
  void EndedByServer() {
    {
      MutexLock lock(mutex_);
      if (std::exchange(ended_, true) || writing_) return;
    }
    RemoveHold();
  }

  grpc::ClientContext context_;
  grpc::GenericStub stub_;
  CallbackGate<ExchangeConnectionCallbacks> gate_;
  const std::shared_ptr<DoneSignal> done_ = std::make_shared<DoneSignal>();

  Mutex mutex_;
  grpc::ByteBuffer incoming_ WEIR_GUARDED_BY(mutex_);
  grpc::ByteBuffer outgoing_ WEIR_GUARDED_BY(mutex_);
  bool writing_ WEIR_GUARDED_BY(mutex_) = false;
  bool write_failed_ WEIR_GUARDED_BY(mutex_) = false;  // no write is started any more
  bool ended_ WEIR_GUARDED_BY(mutex_) = false;         // nothing is started any more
};

// Owns the call, and destroys it on the owner's thread: the last channel of a process must not be
// destroyed by a callback thread of gRPC 1.51, which would wait for itself (seen as an abort).
class ClientConnection final : public ExchangeConnection {
 public:
  explicit ClientConnection(std::unique_ptr<ClientReactor> reactor)
      : reactor_(std::move(reactor)) {}
  ~ClientConnection() override {
    reactor_->Close();
    reactor_->AwaitDone();
  }

  void Send(std::vector<Buffer> message) override { reactor_->Send(message); }
  void Close() override { reactor_->Close(); }

 private:
  const std::unique_ptr<ClientReactor> reactor_;
};

}  // namespace

std::unique_ptr<ExchangeConnection> ConnectGrpcExchange(const GrpcChannelFactory& factory,
                                                        const ExchangeAddress& peer,
                                                        const ExchangeHello& hello,
                                                        ExchangeConnectionCallbacks callbacks) {
  auto reactor = std::make_unique<ClientReactor>(ChannelTo(factory, peer), std::move(callbacks));
  reactor->Start(hello, peer.secret);
  return std::make_unique<ClientConnection>(std::move(reactor));
}

}  // namespace weir::taskmanager
