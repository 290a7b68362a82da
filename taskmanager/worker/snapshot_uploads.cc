#include "taskmanager/worker/snapshot_uploads.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

namespace weir::taskmanager {

void SnapshotUploads::Begin(SubtaskId task, SnapshotUpload upload, const std::string& job_directory,
                            WrittenSnapshot written, std::function<void(WrittenSnapshot)> done) {
  size_t& under_way = under_way_[task];
  if (under_way >= kMaxPerTask) {
    return done({absl::ResourceExhaustedError(absl::StrCat("the state of ", under_way,
                                                           " earlier checkpoints is still being "
                                                           "written to storage"))});
  }
  ++under_way;
  pool_.Run<WrittenSnapshot>(
      executor_,
      [&files = files_, &clock = clock_, job_directory, upload = std::move(upload),
       written = std::move(written)]() mutable {
        const absl::Duration start = clock.Monotonic();
        written.status = upload.Write(files, job_directory, &written.snapshot);
        written.statistics.set_async_us(absl::ToInt64Microseconds(clock.Monotonic() - start));
        AddSizes(written.snapshot, &written.statistics);
        return std::move(written);
      },
      lifetime_.Guard([this, task, done = std::move(done)](WrittenSnapshot uploaded) {
        --under_way_[task];
        done(std::move(uploaded));
      }));
}

void SnapshotUploads::Clear() {
  under_way_.clear();
  lifetime_.Reset();
}

}  // namespace weir::taskmanager
