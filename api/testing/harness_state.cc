#include "api/testing/harness_state.h"

#include <fstream>
#include <iterator>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"

#include "api/testing/cluster_directory.h"
#include "common/base/sha256.h"
#include "common/base/status_macros.h"
#include "common/exec/thread_blocking_pool.h"
#include "state/tiered/tiered_keyed_state_backend.h"

namespace weir::internal {

using taskmanager::OperatorSnapshotData;
using taskmanager::TaskSnapshotData;

namespace {

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(in), {}};
  if (in.bad() || !in.is_open()) {
    return absl::UnknownError(absl::StrCat("file '", path, "' cannot be read"));
  }
  return bytes;
}

absl::Status WriteFile(const std::string& path, const std::string& bytes) {
  std::ofstream out(path, std::ios::binary);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  out.close();
  if (out.good()) return absl::OkStatus();
  return absl::UnknownError(absl::StrCat("file '", path, "' cannot be written"));
}

}  // namespace

struct HarnessState::Files {
  ClusterDirectory directory;
  ThreadBlockingPool pool{{.name = "weir-state", .threads = 1}};
  int backends = 0;
  int restored = 0;
};

HarnessState::HarnessState(const testing::HarnessOptions& options)
    : rocks_(options.backend == testing::StateBackend::kRocksDb),
      memory_bytes_(options.state_memory_bytes) {}

HarnessState::~HarnessState() = default;

absl::Status HarnessState::OpenFiles() {
  if (files_ != nullptr) return absl::OkStatus();
  files_ = std::make_unique<Files>();
  return files_->directory.Open("");
}

taskmanager::KeyedStateFactory HarnessState::Factory(const Clock& clock) {
  if (!rocks_) return nullptr;
  return [this, &clock](KeyedStateBackend::Options options, const std::string&,
                        SubtaskId) -> absl::StatusOr<std::unique_ptr<KeyedStateBackend>> {
    WEIR_RETURN_IF_ERROR(OpenFiles());
    const std::string number = absl::StrCat(++files_->backends);
    TieredStateOptions tiered;
    tiered.directory = files_->directory.File(absl::StrCat("state-", number));
    // The folder's name is no other's: snapshots of several harnesses meet in one.
    tiered.instance = absl::StrCat(
        files_->directory.path().substr(files_->directory.path().rfind('/') + 1), "-", number);
    tiered.memory_bytes = memory_bytes_;
    tiered.materialise_bytes = memory_bytes_ / 4;
    WEIR_ASSIGN_OR_RETURN(
        std::unique_ptr<KeyedStateBackend> backend,
        TieredKeyedStateBackend::Open(std::move(options), std::move(tiered), clock, files_->pool));
    return backend;
  };
}

absl::Status HarnessState::Restore(const proto::TaskSnapshot& message, TaskSnapshotData* data) {
  for (const proto::OperatorSnapshot& one : message.operators()) {
    for (const proto::StateFile& file : one.files()) {
      WEIR_RETURN_IF_ERROR(OpenFiles());
      const std::string& bytes = file.object().inlined();
      if (Sha256Hex(bytes) != file.object().sha256()) {
        return absl::DataLossError(
            absl::StrCat("file '", file.name(), "' of the snapshot does not match its SHA-256"));
      }
      KeyedStateFile restored{file.name(), bytes.size(), "", nullptr};
      restored.path = files_->directory.File(absl::StrCat("restored-", ++files_->restored));
      WEIR_RETURN_IF_ERROR(WriteFile(restored.path, bytes));
      for (OperatorSnapshotData& of : data->operators) {
        if (of.uid == one.uid()) of.files.push_back(restored);
      }
    }
  }
  return absl::OkStatus();
}

absl::Status HarnessState::Write(const FrozenState& frozen, OperatorSnapshotData* data) {
  WEIR_ASSIGN_OR_RETURN(KeyedStateIncrement increment, frozen.WriteIncrement());
  data->state = std::move(increment.manifest);
  data->files = std::move(increment.files);
  return absl::OkStatus();
}

absl::Status HarnessState::AddFiles(const TaskSnapshotData& data, proto::TaskSnapshot* message) {
  for (proto::OperatorSnapshot& one : *message->mutable_operators()) {
    const OperatorSnapshotData* of = data.Find(one.uid());
    if (of == nullptr) continue;
    for (const KeyedStateFile& file : of->files) {
      WEIR_ASSIGN_OR_RETURN(std::string bytes, ReadFile(file.path));
      proto::StateFile* written = one.add_files();
      written->set_name(file.name);
      written->mutable_object()->set_size_bytes(bytes.size());
      written->mutable_object()->set_sha256(Sha256Hex(bytes));
      written->mutable_object()->set_inlined(std::move(bytes));
    }
  }
  return absl::OkStatus();
}

}  // namespace weir::internal
