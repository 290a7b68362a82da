// A watermark generator of the author's own begins anew after a restore; the watermarks of the
// splits do not.

#include <gmock/gmock.h>

#include <algorithm>
#include <cstdlib>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

#include "tests/support/temporary_directory.h"
#include "weir/testing/file_sink.h"
#include "weir/testing/mini_cluster.h"

namespace weir::testing {
namespace {

constexpr int64_t kSpokenAt = 200;

/// A row of generator_job.
struct Seen {
  int64_t id = 0;
  int64_t watermark = 0;
  int64_t process = 0;
};

int64_t NumberIn(absl::string_view line, const std::string& field) {
  const std::string begin = absl::StrCat("\"", field, "\":");
  const size_t at = line.find(begin);
  if (at == absl::string_view::npos) return -2;
  line.remove_prefix(at + begin.size());
  int64_t number = -2;
  EXPECT_TRUE(absl::SimpleAtoi(line.substr(0, line.find_first_of(",}")), &number)) << line;
  return number;
}

std::vector<Seen> Read(const std::string& out) {
  std::vector<Seen> rows;
  for (const std::string& line : ReadFileSink(out)) {
    rows.push_back({NumberIn(line, "id"), NumberIn(line, "watermark"), NumberIn(line, "process")});
  }
  return rows;
}

TEST(MiniClusterWatermarks, OfAnOwnGeneratorAreRestored) {
  TemporaryDirectory directory;
  const std::string out = directory.File("out");
  MiniCluster cluster;
  ASSERT_TRUE(cluster.Start()) << cluster.error();
  MiniClusterJob program;
  program.program = absl::StrCat(std::getenv("WEIR_BINARY_DIR"), "/bin/generator_job");
  program.arguments = {"--out=" + out, absl::StrCat("--speak-at=", kSpokenAt), "--rate=2000"};
  program.configuration = {{"checkpoint.interval", "100ms"}};
  const std::string job = cluster.Submit(program);
  ASSERT_TRUE(cluster.AwaitState(job, "RUNNING")) << cluster.error();
  const auto has = [&](const auto& row) {
    return cluster.Await(job, [&](const MiniClusterJobStatus&) {
      const std::vector<Seen> rows = Read(out);
      return std::any_of(rows.begin(), rows.end(), row);
    });
  };
  // It spoke, and a checkpoint behind that is there.
  ASSERT_TRUE(has([](const Seen& row) { return row.watermark == kSpokenAt; })) << cluster.error();
  ASSERT_TRUE(cluster.AwaitCheckpoint(job)) << cluster.error();
  ASSERT_TRUE(cluster.AwaitCheckpoint(job)) << cluster.error();
  std::set<int64_t> before;
  for (const Seen& row : Read(out)) before.insert(row.process);
  ASSERT_EQ(before.size(), 1u);

  ASSERT_TRUE(cluster.KillWorker(job)) << cluster.error();
  ASSERT_TRUE(cluster.AwaitState(job, "RUNNING")) << cluster.error();
  EXPECT_TRUE(has([&](const Seen& row) {
    return before.count(row.process) == 0 && row.watermark == kSpokenAt;
  })) << "the watermark is not restored";
  ASSERT_TRUE(cluster.Cancel(job)) << cluster.error();
  for (const Seen& row : Read(out)) {
    if (before.count(row.process) > 0) continue;
    EXPECT_GT(row.id, kSpokenAt + 1) << "else the new generators would have spoken again";
  }
}

}  // namespace
}  // namespace weir::testing
