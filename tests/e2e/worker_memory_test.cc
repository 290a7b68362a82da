// Keyed state several times as large as what a worker process may use: the kernel's count of its
// memory stays below the limit, through checkpoints and a restore (event_profiles.cc).

#include <gmock/gmock.h>

#include <algorithm>
#include <fstream>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

#include "tests/e2e/profile_job.h"

namespace weir {
namespace {

constexpr uint64_t kLimit = 128u << 20;
constexpr int64_t kKeys = 200'000;
constexpr int64_t kBytes = 2'000;
constexpr uint64_t kStateBytes = kKeys * kBytes;
static_assert(kStateBytes > 2 * kLimit);

/// The most that a process has had in memory so far; 0 when it is gone.
uint64_t PeakBytes(pid_t pid) {
  std::ifstream status(absl::StrCat("/proc/", pid, "/status"));
  for (std::string line; std::getline(status, line);) {
    absl::string_view rest = line;
    uint64_t kilobytes = 0;
    if (!absl::ConsumePrefix(&rest, "VmHWM:")) continue;
    absl::ConsumeSuffix(&rest, "kB");
    if (absl::SimpleAtoi(rest, &kilobytes)) return kilobytes << 10;
  }
  return 0;
}

class WorkerMemoryTest : public ProfileJobTest {
 protected:
  void ExpectPeakBelowLimit() {
    const proto::JobDetails details = Details();
    ASSERT_EQ(details.workers_size(), 1);
    const uint64_t peak = PeakBytes(static_cast<pid_t>(details.workers(0).pid()));
    EXPECT_GT(peak, 0u);
    EXPECT_LT(peak, kLimit);
    RecordProperty(absl::StrCat("mebibytes of generation ", details.summary().generation()),
                   absl::StrCat(peak >> 20));
  }
};

TEST_F(WorkerMemoryTest, StateOfThreeTimesTheLimit) {
  ASSERT_NO_FATAL_FAILURE(
      StartCluster(1, 2, {{"taskmanager.worker-memory-limit", absl::StrCat(kLimit)}}));
  WeirJob job = OnRocksDb(EventJob("event_profiles", 2), "16mb");
  job.options["checkpoint.interval"] = "500ms";
  job.options["exchange.memory"] = "1mb";
  job.arguments.push_back(absl::StrCat("--bytes=", kBytes));
  Submit(job);
  FeedKeys(0, kKeys / 2, 1);
  AwaitConsumed();
  ExpectPeakBelowLimit();
  FeedKeys(kKeys / 2, kKeys, 1);
  KillWorker(0);
  AwaitConsumed();
  // What was written first is read again, from all over the files.
  FeedKeys(0, kKeys, 20);
  AwaitConsumed();
  ExpectPeakBelowLimit();
  const auto checkpoints = weir().client().ListCheckpoints(job_);
  WEIR_ASSERT_OK(checkpoints);
  uint64_t most = 0;
  for (const proto::CheckpointDetails& one : checkpoints->checkpoints()) {
    most = std::max<uint64_t>(most, one.state_bytes());
  }
  EXPECT_GE(most, kStateBytes) << "no compression makes it smaller";
  EXPECT_EQ(Details().summary().restarts(), 1u) << Details().summary().ShortDebugString();

  StopJob();
  ExpectAllVisits();
}

}  // namespace
}  // namespace weir
