#pragma once

#include <functional>
#include <memory>

#include "common/exec/executor.h"
#include "common/net/grpc_authorizer.h"
#include "common/net/message_stream.h"
#include "proto/control.grpc.pb.h"

namespace weir {

/// The accepting side of control streams: turns every call of Control.Connect into a MessageStream
/// and hands it to the owner.
///
/// Life cycle: construct; start a server with it; Shutdown; shut the server down; destroy.
/// Threads: `accept` runs on the executor. Shutdown on the executor or after it has stopped.
/// Lifetime: the executor must live until Shutdown has returned and all streams are destroyed.
class GrpcControlService final : public proto::Control::CallbackService {
 public:
  /// Gets a new stream and returns what is to be called for it. No message is read before. The
  /// stream may be destroyed at once, which ends it.
  using AcceptHandler = std::function<MessageStreamCallbacks(std::unique_ptr<MessageStream>)>;

  GrpcControlService(Executor& executor, GrpcAuthorizer authorizer, AcceptHandler accept,
                     MessageStreamOptions options = {});
  ~GrpcControlService() override;

  /// Ends all streams (their clients see UNAVAILABLE) and refuses new ones. No callback follows.
  void Shutdown();

  grpc::ServerBidiReactor<proto::Envelope, proto::Envelope>* Connect(
      grpc::CallbackServerContext* context) override;

 private:
  struct State;
  class Reactor;
  class Stream;
  class Refusal;

  Executor& executor_;
  const GrpcAuthorizer authorizer_;
  const MessageStreamOptions options_;
  const std::shared_ptr<State> state_;
};

}  // namespace weir
