#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/connector/sink.h"
#include "common/connector/source.h"

namespace weir::internal {

/// Where the operators under test begin: it stands in the graph and is never read.
class HarnessInput final : public Source {
 public:
  explicit HarnessInput(SchemaPtr schema, std::optional<TopicPartitioning> topic = std::nullopt)
      : schema_(std::move(schema)), topic_(std::move(topic)) {}
  std::string type() const override { return "HarnessInput"; }
  SchemaPtr schema() const override { return schema_; }
  bool bounded() const override { return false; }
  std::map<std::string, std::string> Describe() const override { return {}; }
  std::optional<TopicPartitioning> partitioning() const override { return topic_; }
  absl::StatusOr<std::unique_ptr<SplitEnumerator>> MakeEnumerator() const override {
    return absl::UnimplementedError("it is no source");
  }
  absl::StatusOr<std::unique_ptr<SourceReader>> MakeReader(uint32_t, uint32_t) const override {
    return absl::UnimplementedError("it is no source");
  }

 private:
  const SchemaPtr schema_;
  const std::optional<TopicPartitioning> topic_;
};

/// Where they end.
class HarnessOutput final : public Sink {
 public:
  std::string type() const override { return "HarnessOutput"; }
  std::map<std::string, std::string> Describe() const override { return {}; }
  DeliveryGuarantee delivery() const override { return DeliveryGuarantee::kNone; }
  absl::Status Validate(const Schema&) const override { return absl::OkStatus(); }
  absl::StatusOr<std::unique_ptr<SinkWriter>> MakeWriter(const SinkWriterContext&) const override {
    return absl::UnimplementedError("it is no sink");
  }
};

/// Keeps what it is given: takes the place of every sink for dead letters, and stands behind side
/// outputs.
class HarnessKeepingSink final : public Sink {
 public:
  using Batches = std::shared_ptr<std::vector<BatchPtr>>;
  explicit HarnessKeepingSink(Batches batches) : batches_(std::move(batches)) {}
  std::string type() const override { return "HarnessKeepingSink"; }
  std::map<std::string, std::string> Describe() const override { return {}; }
  DeliveryGuarantee delivery() const override { return DeliveryGuarantee::kNone; }
  absl::Status Validate(const Schema&) const override { return absl::OkStatus(); }
  absl::StatusOr<std::unique_ptr<SinkWriter>> MakeWriter(const SinkWriterContext&) const override {
    return std::make_unique<Writer>(batches_);
  }

 private:
  class Writer final : public SinkWriter {
   public:
    explicit Writer(Batches batches) : batches_(std::move(batches)) {}
    void SetWakeup(std::function<void()>) override {}
    absl::Status Open(const std::string&) override { return absl::OkStatus(); }
    bool HasRoom() override { return true; }
    absl::Status Write(const BatchPtr& batch) override {
      batches_->push_back(batch);
      return absl::OkStatus();
    }
    void PrepareCommit(Epoch, PrepareDone done) override { done(std::vector<std::string>()); }

   private:
    const Batches batches_;
  };
  const Batches batches_;
};

}  // namespace weir::internal
