#pragma once

#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "common/connector/sink.h"

/// The writer of another sink, which has no room for as long as a file is there. Barriers pass.
/// Threads: as SinkWriter; one of its own looks for the file.
class HeldWriter final : public weir::SinkWriter {
 public:
  HeldWriter(std::unique_ptr<weir::SinkWriter> writer, std::string file)
      : writer_(std::move(writer)), file_(std::move(file)) {}

  void SetWakeup(std::function<void()> wakeup) override {
    writer_->SetWakeup(wakeup);
    watcher_ = std::jthread([this, wakeup = std::move(wakeup)](const std::stop_token& stop) {
      while (!stop.stop_requested()) {
        std::error_code ignored;
        const bool held = std::filesystem::exists(file_, ignored);
        if (held_.exchange(held) && !held) wakeup();
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
      }
    });
  }
  absl::Status Open(const std::string& recovered) override { return writer_->Open(recovered); }
  bool HasRoom() override {
    const bool has_room = writer_->HasRoom();  // takes what was acknowledged, too
    return has_room && !held_;
  }
  absl::Status Write(const weir::BatchPtr& batch) override { return writer_->Write(batch); }
  void PrepareCommit(weir::Epoch epoch, PrepareDone done) override {
    writer_->PrepareCommit(epoch, std::move(done));
  }
  std::shared_ptr<const weir::SinkMetrics> metrics() const override { return writer_->metrics(); }

 private:
  const std::unique_ptr<weir::SinkWriter> writer_;
  const std::string file_;
  std::atomic<bool> held_{false};
  std::jthread watcher_;  // goes first
};

/// A sink without transactions whose writers are held by a file.
class HeldSink final : public weir::Sink {
 public:
  HeldSink(std::shared_ptr<const weir::Sink> sink, std::string file)
      : sink_(std::move(sink)), file_(std::move(file)) {}

  std::string type() const override { return sink_->type(); }
  std::map<std::string, std::string> Describe() const override { return sink_->Describe(); }
  weir::DeliveryGuarantee delivery() const override { return sink_->delivery(); }
  absl::Status Validate(const weir::Schema& input) const override { return sink_->Validate(input); }
  absl::StatusOr<std::vector<std::string>> CheckTarget() const override {
    return sink_->CheckTarget();
  }
  absl::StatusOr<std::unique_ptr<weir::SinkWriter>> MakeWriter(
      const weir::SinkWriterContext& context) const override {
    absl::StatusOr<std::unique_ptr<weir::SinkWriter>> writer = sink_->MakeWriter(context);
    if (!writer.ok()) return writer.status();
    return std::make_unique<HeldWriter>(*std::move(writer), file_);
  }

 private:
  const std::shared_ptr<const weir::Sink> sink_;
  const std::string file_;
};
