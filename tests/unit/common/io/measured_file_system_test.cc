#include "common/io/measured_file_system.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "tests/support/manual_executor.h"
#include "tests/support/testing_file_system.h"

namespace weir {
namespace {

TEST(MeasuredFileSystemTest, CountsCallsByKindAndOutcome) {
  ManualExecutor time;
  ManualClock clock(time);
  TestingFileSystem files;
  MeasuredFileSystem measured(files, clock);
  EXPECT_TRUE(measured.MakeDirectory("/a").ok());
  EXPECT_TRUE(measured.CreateExclusive("/a/1", "x").ok());
  EXPECT_TRUE(absl::IsAlreadyExists(measured.CreateExclusive("/a/1", "y")));
  EXPECT_EQ(measured.Read("/a/1").value(), "x");
  EXPECT_TRUE(absl::IsNotFound(measured.Read("/a/2").status()));
  TestingFileSystem::Fault fault;
  fault.call = TestingFileSystem::Call::kRead;
  fault.status = absl::UnavailableError("gone");
  files.Inject(fault);
  EXPECT_TRUE(absl::IsUnavailable(measured.Read("/a/1").status()));
  std::map<std::string, std::string> counts;
  for (const MeasuredFileSystem::Durations& one : measured.TakeDurations()) {
    counts[std::string(one.operation)] =
        std::to_string(one.succeeded.count) + " " + std::to_string(one.failed.count);
  }
  EXPECT_EQ(counts["create"], "2 0");
  EXPECT_EQ(counts["read"], "2 1");
  EXPECT_EQ(counts["make_directory"], "1 0");
  EXPECT_EQ(counts["list"], "0 0");
}

}  // namespace
}  // namespace weir
