#include "taskmanager/agent/grpc_artifact_fetcher.h"

#include <grpcpp/support/sync_stream.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/sha256.h"
#include "common/net/artifact_file.h"
#include "common/net/grpc_status.h"
#include "proto/client.grpc.pb.h"

namespace weir::taskmanager {
namespace {

absl::Status FetchFrom(const GrpcChannelFactory& factory, const std::string& address,
                       const ArtifactId& id, const std::string& path) {
  const auto stub = proto::Client::NewStub(factory.CreateChannel(address));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() +
                       absl::ToChronoMilliseconds(GrpcArtifactFetcher::kTimeout));
  factory.Authorize(context);
  proto::FetchArtifactRequest request;
  request.set_sha256(id.value());
  const auto reader = stub->FetchArtifact(&context, request);
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  Sha256 digest;
  uint64_t bytes = 0;
  proto::ArtifactChunk chunk;
  while (reader->Read(&chunk)) {
    bytes += chunk.data().size();
    if (!file || bytes > kMaxArtifactBytes) break;
    digest.Update(chunk.data());
    file.write(chunk.data().data(), static_cast<std::streamsize>(chunk.data().size()));
  }
  file.close();
  if (!file || bytes > kMaxArtifactBytes) {
    context.TryCancel();
    reader->Finish();
    return absl::ResourceExhaustedError(absl::StrCat("cannot write '", path, "'"));
  }
  const absl::Status status = FromGrpcStatus(reader->Finish());
  if (!status.ok()) return status;
  const std::string found = digest.FinishHex();
  if (found == id.value()) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrCat("artifact ", id.value(), " came from ", address, " with the SHA-256 ", found));
}

// On the pool.
absl::Status FetchFromAny(const GrpcChannelFactory& factory,
                          const std::vector<std::string>& addresses, const ArtifactId& id,
                          const std::string& path) {
  absl::Status status = absl::UnavailableError("no JobManager's address is known");
  for (const std::string& address : addresses) {
    status = FetchFrom(factory, address, id, path);
    if (status.ok()) return status;
    unlink(path.c_str());
    status = absl::Status(status.code(), absl::StrCat("cannot fetch artifact ", id.value(),
                                                      " from ", address, ": ", status.message()));
    if (absl::IsResourceExhausted(status)) return status;
  }
  return status;
}

}  // namespace

GrpcArtifactFetcher::GrpcArtifactFetcher(Executor& executor, BlockingPool& pool,
                                         const GrpcChannelFactory& factory,
                                         std::function<std::vector<std::string>()> addresses)
    : executor_(executor), pool_(pool), factory_(factory), addresses_(std::move(addresses)) {}

void GrpcArtifactFetcher::Fetch(const ArtifactId& id, const std::string& path,
                                std::function<void(absl::Status)> done) {
  pool_.Run<absl::Status>(
      executor_,
      [this, id, path, addresses = addresses_()] {
        return FetchFromAny(factory_, addresses, id, path);
      },
      std::move(done));
}

}  // namespace weir::taskmanager
