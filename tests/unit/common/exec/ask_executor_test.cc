#include "common/exec/ask_executor.h"

#include <gtest/gtest.h>

#include "common/exec/thread_executor.h"
#include "tests/support/manual_executor.h"

namespace weir {
namespace {

TEST(AskExecutorTest, BringsTheAnswer) {
  ThreadExecutorOptions options;
  options.name = "asked";
  ThreadExecutor executor(options);
  EXPECT_EQ(AskExecutor<int>(executor, absl::Seconds(30), [] { return 7; }), 7);
}

TEST(AskExecutorTest, AnExecutorThatStandsStillGivesNone) {
  ManualExecutor executor;
  EXPECT_EQ(AskExecutor<int>(executor, absl::Milliseconds(1), [] { return 7; }), std::nullopt);
  executor.RunReady();  // too late, and harmless
}

}  // namespace
}  // namespace weir
