#include "taskmanager/task/crash_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <cstdlib>
#include <exception>
#include <limits>
#include <stdexcept>

#include "common/base/check.h"
#include "common/operator/current_call.h"
#include "taskmanager/task/signal_safe_text.h"
#include "taskmanager/task/watched_call.h"
#include "tests/support/sanitizers.h"
#include "tests/unit/taskmanager/task/testing_task_parts.h"

namespace weir::taskmanager {
namespace {

using testing::KilledBySignal;

class CrashReportDeathTest : public testing::Test {
 protected:
  CrashReportDeathTest() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }

  /// What `crash` does in operator 'Parse' of a task, at row 2 of three.
  template <class Crash>
  void CrashAtRow(const Crash& crash) {
    InstallCrashReports("worker w-12");
    const BatchPtr batch = MakeBatch({1, 2, 3}, {}, 1232);
    WatchedCall watched;
    const std::string name = "Parse";
    const std::string task = "flights -> Parse";
    ThisThreadsCall().task_name = &task;
    ThisThreadsCall().subtask = 1;
    const CallScope scope(watched, name, batch.get());
    ThisThreadsCall().SetRow(2);
    crash();
  }
};

[[gnu::noinline]] void Throw() { throw std::runtime_error("no such airport"); }
[[gnu::noinline]] void WriteTo(volatile int* address) { *address = 1; }

TEST_F(CrashReportDeathTest, NamesSignalOperatorAndRecord) {
  if (kSanitized) GTEST_SKIP() << "the sanitizer reports SIGSEGV itself";
  EXPECT_EXIT(CrashAtRow([] { WriteTo(reinterpret_cast<int*>(0x10)); }), KilledBySignal(SIGSEGV),
              "weir crash report of process [0-9]+: SIGSEGV in operator 'Parse', at topic numbers, "
              "partition 0, offset 1234\n"
              "  worker w-12, thread [0-9]+ '[^']*', task 'flights -> Parse', subtask 1\n"
              "  signal 11, code 1 \\(nothing is at the address\\), fault address 0x10\n"
              "    @ 0x[0-9a-f]+  .*WriteTo");
}

TEST_F(CrashReportDeathTest, NamesTheWholeBatchWhereTheRowIsNotKnown) {
  EXPECT_EXIT(CrashAtRow([] {
                ThisThreadsCall().SetRow(CurrentCall::kNoRow);
                abort();
              }),
              KilledBySignal(SIGABRT), "offset 1232 to offset 1234\n");
}

TEST_F(CrashReportDeathTest, SaysWhatCheckFailed) {
  EXPECT_EXIT(
      CrashAtRow([] { WEIR_CHECK(false) << "slot " << 7; }), KilledBySignal(SIGABRT),
      "SIGABRT \\([^ ]*crash_report_test.cc:[0-9]+: WEIR_CHECK\\(false\\) failed: slot 7\\) "
      "in operator 'Parse'");
}

TEST_F(CrashReportDeathTest, SaysWhatWasThrownAndNotCaught) {
  EXPECT_EXIT(CrashAtRow([]() noexcept { Throw(); }), KilledBySignal(SIGABRT),
              "SIGABRT \\(nobody caught an exception: no such airport\\) in operator 'Parse'");
}

TEST_F(CrashReportDeathTest, NamesTheThreadWhereNoOperatorRuns) {
  EXPECT_EXIT(
      {
        InstallCrashReports("worker w-12");
        abort();
      },
      KilledBySignal(SIGABRT), "SIGABRT in no operator, on thread '");
}

// What a crash leaves behind may be anything; the rest of the report follows.
TEST_F(CrashReportDeathTest, ABatchThatCannotBeReadIsNoLoss) {
  if (kSanitized) GTEST_SKIP() << "the sanitizer reports SIGSEGV itself";
  EXPECT_EXIT(CrashAtRow([] {
                ThisThreadsCall().batch = reinterpret_cast<const Batch*>(0x1000);
                abort();
              }),
              KilledBySignal(SIGABRT),
              "SIGABRT in code that has damaged the memory [^\n]*\n  worker w-12.*\n  signal 6");
}

[[gnu::noinline]] int Recurse(int depth) {
  volatile char frame[4096] = {};
  return depth == std::numeric_limits<int>::max() ? frame[0] : Recurse(depth + 1) + frame[1];
}

TEST_F(CrashReportDeathTest, ReportsAnOverflowOfTheStack) {
  if (kSanitized) GTEST_SKIP() << "the sanitizer reports SIGSEGV itself";
  EXPECT_EXIT(CrashAtRow([] { Recurse(0); }), KilledBySignal(SIGSEGV),
              "SIGSEGV in operator 'Parse'");
}

TEST(SignalSafeTextTest, WritesNumbersAndAddresses) {
  SignalSafeText text;
  text.AddNumber(0).Add(" ").AddNumber(-17).Add(" ");
  text.AddNumber(std::numeric_limits<int64_t>::min()).Add(" ");
  text.AddAddress(nullptr).Add(" ").AddAddress(reinterpret_cast<void*>(0xfedcba9876543210));
  EXPECT_EQ(text.text(), "0 -17 -9223372036854775808 0x0 0xfedcba9876543210");
}

TEST(SignalSafeTextTest, NamesAreCutAndTheirControlCharactersReplaced) {
  SignalSafeText text;
  text.AddName("a\nb\x7f" + std::string(1000, 'x'));
  EXPECT_EQ(text.text().size(), SignalSafeText::kMaxNameBytes);
  EXPECT_EQ(text.text().substr(0, 4), "a?b?");
}

TEST(SignalSafeTextTest, WhatIsTooLongStillEndsTheLine) {
  SignalSafeText text;
  text.Add(std::string(3 * SignalSafeText::kMaxBytes, 'x')).Add("\n");
  EXPECT_EQ(text.text().size(), SignalSafeText::kMaxBytes);
  EXPECT_EQ(text.text().back(), '\n');
}

}  // namespace
}  // namespace weir::taskmanager
