#pragma once

#include <grpcpp/client_context.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/byte_buffer.h>

#include <functional>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "common/types/buffer.h"
#include "taskmanager/exchange/exchange_secret.h"
#include "taskmanager/exchange/exchange_transport.h"

namespace weir::taskmanager {

/// The method of proto/exchange.proto, called with raw bytes.
inline constexpr char kExchangeMethod[] = "/weir.proto.Exchange/Open";

/// Shares the buffers.
grpc::ByteBuffer ToByteBuffer(const std::vector<Buffer>& message);

/// The message in the pieces it came in, valid during the call.
void WithPieces(const grpc::ByteBuffer& message,
                const std::function<void(std::span<const absl::string_view>)>& call);

/// What a call carries before its first message.
void AddHello(const ExchangeHello& hello, const std::string& secret, grpc::ClientContext& context);
/// UNAUTHENTICATED for another secret; INVALID_ARGUMENT naming what is missing.
absl::StatusOr<ExchangeHello> ReadHello(const grpc::ServerContextBase& context,
                                        const ExchangeSecret& secret);

}  // namespace weir::taskmanager
