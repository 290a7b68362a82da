// weir-jobmanager whose storage stops where the orders in $STEP_STOP_DIRECTORY say: before and
// after the entry by which the log owns a checkpoint with prepared transactions.
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "common/base/system_random.h"
#include "common/config/process_start.h"
#include "common/exec/signal_waiter.h"
#include "common/io/posix_file_system.h"
#include "jobmanager/grpc_job_manager_process.h"
#include "proto/checkpoint.pb.h"
#include "state/checkpoint/checked_file.h"
#include "tests/support/steps/step_stop.h"

namespace {

/// Files on disk. The thread that stops is one of the pool: the JobManager goes on meanwhile.
class StoppingFileSystem final : public weir::FileSystem {
 public:
  StoppingFileSystem(weir::Random& random, const std::string& stops)
      : files_(random), stop_(stops) {}

  absl::Status CreateExclusive(absl::string_view path, absl::string_view contents) override {
    const std::string epoch = OwnedEpoch(path, contents);
    if (epoch.empty()) return files_.CreateExclusive(path, contents);
    stop_.OnStep("before-entry", epoch);
    const absl::Status created = files_.CreateExclusive(path, contents);
    if (created.ok()) stop_.OnStep("after-entry", epoch);
    return created;
  }
  absl::Status Replace(absl::string_view path, absl::string_view contents) override {
    return files_.Replace(path, contents);
  }
  absl::StatusOr<std::string> Read(absl::string_view path) override { return files_.Read(path); }
  absl::Status Remove(absl::string_view path) override { return files_.Remove(path); }
  absl::StatusOr<std::vector<std::string>> List(absl::string_view directory) override {
    return files_.List(directory);
  }
  absl::Status MakeDirectory(absl::string_view directory) override {
    return files_.MakeDirectory(directory);
  }

 private:
  // "epoch 7" for the entry that makes epoch 7 owned; "" for everything else.
  static std::string OwnedEpoch(absl::string_view path, absl::string_view contents) {
    if (!absl::StrContains(path, "/jobs/")) return "";
    const absl::StatusOr<std::string> payload = weir::UnframeChecked(contents, path);
    weir::proto::JobLogEntry entry;
    if (!payload.ok() || !entry.ParseFromString(*payload)) return "";
    if (!entry.has_checkpoint() || !entry.checkpoint().sinks_prepared()) return "";
    return absl::StrCat("epoch ", entry.checkpoint().epoch());
  }

  weir::PosixFileSystem files_;
  weir::StepStop stop_;
};

}  // namespace

int main(int argc, char** argv) {
  weir::SignalWaiter signals;
  const weir::ProcessStart start = weir::StartProcess("step-job-manager", argc, argv);
  if (start.exit_code) return *start.exit_code;
  const char* stops = std::getenv("STEP_STOP_DIRECTORY");
  weir::SystemRandom random;
  StoppingFileSystem files(random, stops == nullptr ? "/nonexistent" : stops);
  return weir::ExitCodeFor("step-job-manager",
                           weir::jobmanager::RunJobManager(start.config, files, signals));
}
