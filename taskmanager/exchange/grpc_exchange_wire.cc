#include "taskmanager/exchange/grpc_exchange_wire.h"

#include <grpcpp/support/slice.h>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"

namespace weir::taskmanager {
namespace {

constexpr char kSecretKey[] = "weir-exchange-secret";
constexpr char kGenerationKey[] = "weir-exchange-generation";
constexpr char kFromKey[] = "weir-exchange-from";
constexpr char kToKey[] = "weir-exchange-to";

grpc::Slice SliceOf(const Buffer& buffer) {
  auto* const owner = new Buffer(buffer);
  return grpc::Slice(
      const_cast<uint8_t*>(buffer.data()), buffer.size(),
      [](void* user_data) { delete static_cast<Buffer*>(user_data); }, owner);
}

absl::string_view MetadataOf(const grpc::ServerContextBase& context, const char* key) {
  const auto found = context.client_metadata().find(key);
  if (found == context.client_metadata().end()) return "";
  return {found->second.data(), found->second.size()};
}

}  // namespace

grpc::ByteBuffer ToByteBuffer(const std::vector<Buffer>& message) {
  std::vector<grpc::Slice> slices;
  slices.reserve(message.size());
  for (const Buffer& buffer : message) slices.push_back(SliceOf(buffer));
  return grpc::ByteBuffer(slices.data(), slices.size());
}

void WithPieces(const grpc::ByteBuffer& message,
                const std::function<void(std::span<const absl::string_view>)>& call) {
  std::vector<grpc::Slice> slices;
  if (!message.Dump(&slices).ok()) slices.clear();  // fails for an invalid buffer only
  std::vector<absl::string_view> pieces;
  pieces.reserve(slices.size());
  for (const grpc::Slice& slice : slices) {
    pieces.emplace_back(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  call(pieces);
}

void AddHello(const ExchangeHello& hello, const std::string& secret, grpc::ClientContext& context) {
  context.AddMetadata(kSecretKey, secret);
  context.AddMetadata(kGenerationKey, absl::StrCat(hello.generation.value()));
  context.AddMetadata(kFromKey, hello.from.value());
  context.AddMetadata(kToKey, hello.to.value());
}

absl::StatusOr<ExchangeHello> ReadHello(const grpc::ServerContextBase& context,
                                        const ExchangeSecret& secret) {
  WEIR_RETURN_IF_ERROR(secret.Check(MetadataOf(context, kSecretKey)));
  uint64_t generation = 0;
  ExchangeHello hello;
  hello.from = WorkerId(std::string(MetadataOf(context, kFromKey)));
  hello.to = WorkerId(std::string(MetadataOf(context, kToKey)));
  if (!absl::SimpleAtoi(MetadataOf(context, kGenerationKey), &generation) || generation == 0 ||
      hello.from.is_none() || hello.to.is_none()) {
    return absl::InvalidArgumentError(
        "a call of the exchange names generation, caller and called worker; one is missing");
  }
  hello.generation = Generation(generation);
  return hello;
}

}  // namespace weir::taskmanager
