#pragma once

#include <grpcpp/support/server_callback.h>

#include <atomic>
#include <memory>

#include "common/exec/blocking_pool.h"
#include "jobmanager/dispatcher/artifact_store.h"
#include "proto/client.pb.h"

namespace weir::jobmanager {

/// Counts the transfers under way; shared by all of them and their service.
using TransferCount = std::shared_ptr<std::atomic<int>>;

/// The server side of one upload or fetch of an artifact. Deletes itself when the call is over.
/// At any time either gRPC reads or writes one chunk, or one work is on the pool: hence no lock.
/// The pool must run until the server has been shut down.
grpc::ServerReadReactor<proto::ArtifactChunk>* ReceiveArtifact(
    ArtifactStore& store, BlockingPool& pool, TransferCount transfers,
    proto::UploadArtifactResponse* response);

grpc::ServerWriteReactor<proto::ArtifactChunk>* SendArtifact(ArtifactStore& store,
                                                             BlockingPool& pool,
                                                             TransferCount transfers,
                                                             const std::string& sha256);

/// A call that is refused before it began.
grpc::ServerReadReactor<proto::ArtifactChunk>* RefuseUpload(const grpc::Status& status);
grpc::ServerWriteReactor<proto::ArtifactChunk>* RefuseFetch(const grpc::Status& status);

}  // namespace weir::jobmanager
