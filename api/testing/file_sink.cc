#include "weir/testing/file_sink.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"
#include "common/connector/sink.h"
#include "common/formats/json_format.h"

namespace weir {
namespace internal {
namespace {

class FileSinkWriter final : public SinkWriter {
 public:
  FileSinkWriter(std::string directory, std::string path, SchemaPtr schema)
      : directory_(std::move(directory)), path_(std::move(path)), serializer_(std::move(schema)) {}

  void SetWakeup(std::function<void()>) override {}
  bool HasRoom() override { return true; }

  absl::Status Open(const std::string&) override {
    std::error_code error;
    std::filesystem::create_directories(directory_, error);
    file_.open(path_, std::ios::binary | std::ios::app);
    return Check();
  }

  absl::Status Write(const BatchPtr& batch) override {
    rows_.Clear();
    WEIR_RETURN_IF_ERROR(serializer_.Serialize(*batch, &rows_));
    for (size_t row = 0; row < rows_.size(); ++row) {
      file_.write(rows_[row].data, static_cast<std::streamsize>(rows_[row].size));
      file_.put('\n');
    }
    return Check();
  }

  void PrepareCommit(Epoch, PrepareDone done) override {
    file_.flush();
    const absl::Status status = Check();
    if (!status.ok()) return done(status);
    done(std::vector<std::string>());
  }

 private:
  absl::Status Check() const {
    if (file_.good()) return absl::OkStatus();
    return absl::UnavailableError(absl::StrCat("file '", path_, "' cannot be written"));
  }

  const std::string directory_;
  const std::string path_;
  JsonSerializer serializer_;
  ByteRows rows_;
  std::ofstream file_;
};

class FileSinkOfTests final : public Sink {
 public:
  FileSinkOfTests(std::string directory, SchemaPtr schema)
      : directory_(std::move(directory)), schema_(std::move(schema)) {}
  std::string type() const override { return "FileSink"; }
  std::map<std::string, std::string> Describe() const override {
    return {{"directory", directory_}};
  }
  DeliveryGuarantee delivery() const override { return DeliveryGuarantee::kAtLeastOnce; }
  absl::Status Validate(const Schema&) const override {
    if (std::filesystem::path(directory_).is_absolute()) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat(
        "directory '", directory_, "' is no absolute path: workers run in one of their own"));
  }
  absl::StatusOr<std::unique_ptr<SinkWriter>> MakeWriter(
      const SinkWriterContext& context) const override {
    const std::string path =
        absl::StrCat(directory_, "/", context.identity.job.value(), "-", context.subtask_index, "-",
                     context.generation.value(), ".jsonl");
    return std::make_unique<FileSinkWriter>(directory_, path, schema_);
  }

 private:
  const std::string directory_;
  const SchemaPtr schema_;
};

}  // namespace

std::shared_ptr<const Sink> MakeFileSink(const std::string& directory, SchemaPtr schema) {
  return std::make_shared<FileSinkOfTests>(directory, std::move(schema));
}

}  // namespace internal

std::vector<std::string> testing::ReadFileSink(const std::string& directory) {
  std::vector<std::string> lines;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(directory, ignored)) {
    if (entry.path().extension() != ".jsonl") continue;
    std::ifstream file(entry.path(), std::ios::binary);
    // What has no end yet is being written.
    for (std::string line; std::getline(file, line) && !file.eof();) {
      lines.push_back(std::move(line));
    }
  }
  return lines;
}

}  // namespace weir
