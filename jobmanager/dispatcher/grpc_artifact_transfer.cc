#include "jobmanager/dispatcher/grpc_artifact_transfer.h"

#include <utility>

#include "common/base/status_macros.h"
#include "common/net/artifact_file.h"
#include "common/net/grpc_status.h"

namespace weir::jobmanager {
namespace {

using proto::ArtifactChunk;

class UploadReactor final : public grpc::ServerReadReactor<ArtifactChunk> {
 public:
  UploadReactor(ArtifactStore& store, BlockingPool& pool, TransferCount transfers,
                proto::UploadArtifactResponse* response)
      : store_(store), pool_(pool), transfers_(std::move(transfers)), response_(response) {
    StartRead(&chunk_);
  }
  ~UploadReactor() override { --*transfers_; }

  void OnReadDone(bool ok) override {
    pool_.Submit([this, ok] {
      const absl::Status status = ok ? TakeChunk() : TakeEnd();
      if (!ok || !status.ok() || response_->existed()) {
        upload_.reset();
        Finish(ToGrpcStatus(status));
      } else {
        StartRead(&chunk_);
      }
    });
  }
  void OnDone() override { delete this; }

 private:
  absl::Status TakeChunk() {
    if (upload_ == nullptr) {
      const ArtifactId id(chunk_.sha256());
      WEIR_ASSIGN_OR_RETURN(const bool existed, store_.Contains(id));
      response_->set_sha256(id.value());
      response_->set_existed(existed);
      if (existed) return absl::OkStatus();
      WEIR_ASSIGN_OR_RETURN(upload_, store_.BeginUpload(id));
    }
    return upload_->Write(chunk_.data());
  }

  absl::Status TakeEnd() {
    if (upload_ == nullptr) return absl::InvalidArgumentError("an upload without a first chunk");
    return upload_->Commit();
  }

  ArtifactStore& store_;
  BlockingPool& pool_;
  const TransferCount transfers_;
  proto::UploadArtifactResponse* const response_;
  ArtifactChunk chunk_;
  std::unique_ptr<ArtifactUpload> upload_;
};

class FetchReactor final : public grpc::ServerWriteReactor<ArtifactChunk> {
 public:
  FetchReactor(ArtifactStore& store, BlockingPool& pool, TransferCount transfers, ArtifactId id)
      : store_(store), pool_(pool), transfers_(std::move(transfers)), id_(std::move(id)) {
    SendNext();
  }
  ~FetchReactor() override { --*transfers_; }

  void OnWriteDone(bool ok) override {
    if (!ok) return Finish(grpc::Status::CANCELLED);
    SendNext();
  }
  void OnDone() override { delete this; }

 private:
  void SendNext() {
    pool_.Submit([this] {
      const absl::Status status = ReadChunk();
      if (!status.ok() || chunk_.data().empty()) {
        Finish(ToGrpcStatus(status));
      } else {
        StartWrite(&chunk_);
      }
    });
  }

  absl::Status ReadChunk() {
    if (reader_ == nullptr) {
      WEIR_ASSIGN_OR_RETURN(reader_, store_.Open(id_));
    }
    WEIR_ASSIGN_OR_RETURN(*chunk_.mutable_data(), reader_->Read(kArtifactChunkBytes));
    return absl::OkStatus();
  }

  ArtifactStore& store_;
  BlockingPool& pool_;
  const TransferCount transfers_;
  const ArtifactId id_;
  ArtifactChunk chunk_;
  std::unique_ptr<ArtifactReader> reader_;
};

class UploadRefusal final : public grpc::ServerReadReactor<ArtifactChunk> {
 public:
  explicit UploadRefusal(const grpc::Status& status) { Finish(status); }
  void OnDone() override { delete this; }
};

class FetchRefusal final : public grpc::ServerWriteReactor<ArtifactChunk> {
 public:
  explicit FetchRefusal(const grpc::Status& status) { Finish(status); }
  void OnDone() override { delete this; }
};

}  // namespace

grpc::ServerReadReactor<ArtifactChunk>* ReceiveArtifact(ArtifactStore& store, BlockingPool& pool,
                                                        TransferCount transfers,
                                                        proto::UploadArtifactResponse* response) {
  return new UploadReactor(store, pool, std::move(transfers), response);
}

grpc::ServerWriteReactor<ArtifactChunk>* SendArtifact(ArtifactStore& store, BlockingPool& pool,
                                                      TransferCount transfers,
                                                      const std::string& sha256) {
  return new FetchReactor(store, pool, std::move(transfers), ArtifactId(sha256));
}

grpc::ServerReadReactor<ArtifactChunk>* RefuseUpload(const grpc::Status& status) {
  return new UploadRefusal(status);
}

grpc::ServerWriteReactor<ArtifactChunk>* RefuseFetch(const grpc::Status& status) {
  return new FetchRefusal(status);
}

}  // namespace weir::jobmanager
