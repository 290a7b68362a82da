#include "common/base/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

#include "common/base/ids.h"
#include "tests/support/temporary_directory.h"

namespace weir {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::MatchesRegex;

class LogTest : public testing::Test {
 protected:
  ~LogTest() override {
    EXPECT_TRUE(InitLogging({.level = LogLevel::kWarning, .process_name = "test"}).ok());
  }

  void Init(LogFormat format, LogLevel level = LogLevel::kInfo) {
    LogOptions options;
    options.level = level;
    options.format = format;
    options.process_name = "jobmanager";
    Init(options);
  }
  void Init(LogOptions options) {
    options.file = directory_.File("log");
    ASSERT_TRUE(InitLogging(options).ok());
  }

  std::string Logged() const {
    std::ifstream file(directory_.File("log"));
    return std::string(std::istreambuf_iterator<char>(file), {});
  }

 private:
  TemporaryDirectory directory_;
};

TEST_F(LogTest, TextLineCarriesTimeLevelProcessAndFields) {
  Init(LogFormat::kText);
  LogInfo("job started", {{"job", JobId("j1")}, {"generation", Generation(3)}, {"note", "a b"}});
  EXPECT_THAT(Logged(), MatchesRegex("[0-9-]+T[0-9:.]+Z info    jobmanager\\[[0-9]+\\] "
                                     "job started job=j1 generation=3 note=\"a b\"\n"));
}

TEST_F(LogTest, JsonLineQuotesWhatIsNoNumber) {
  Init(LogFormat::kJson);
  LogError("write failed", {{"path", "a\"b\\c\nd\x01"},
                            {"bytes", 12},
                            {"share", 0.5},
                            {"retry", true},
                            {"status", absl::AbortedError("old term")},
                            {"after", absl::Milliseconds(1500)}});
  EXPECT_THAT(Logged(),
              EndsWith(absl::StrCat(
                  "\"level\":\"error\",\"process\":\"jobmanager\",\"pid\":", getpid(),
                  ",\"message\":\"write failed\",\"path\":\"a\\\"b\\\\c\\nd\\u0001\",\"bytes\":12,"
                  "\"share\":0.5,\"retry\":true,\"status\":\"ABORTED: old term\","
                  "\"after\":\"1.5s\"}\n")));
}

TEST_F(LogTest, KnowsItsOwnLinesBelowWarning) {
  for (const LogFormat format : {LogFormat::kText, LogFormat::kJson}) {
    Init(format);
    LogInfo("reading");
  }
  LogWarning("failing");
  const std::vector<std::string> lines = absl::StrSplit(Logged(), '\n', absl::SkipEmpty());
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_TRUE(IsInfoLine(lines[0]));
  EXPECT_TRUE(IsInfoLine(lines[1]));
  EXPECT_FALSE(IsInfoLine(lines[2]));
  EXPECT_FALSE(IsInfoLine("2026 was a good year"));
}

TEST_F(LogTest, FieldsOfThreadAndProcessComeBehindThoseOfTheLine) {
  LogOptions options;
  options.format = LogFormat::kText;
  options.process_name = "worker";
  options.fields = {{"job", "j1"}, {"worker", "w1"}};
  Init(options);
  const std::vector<LogField> task = {{"generation", 3}, {"task", "copy"}};
  {
    const ScopedLogFields scope(task);
    LogInfo("inside", {{"generation", 4}, {"job", "other"}});
  }
  LogInfo("outside");
  EXPECT_THAT(Logged(), HasSubstr("inside generation=4 job=other task=copy worker=w1\n"));
  EXPECT_THAT(Logged(), HasSubstr("outside job=j1 worker=w1\n"));
}

TEST_F(LogTest, FieldsCannotForgeALine) {
  Init(LogFormat::kText);
  LogInfo("x", {{"name", "a\n2024-01-01 fake"}});
  EXPECT_THAT(Logged(), HasSubstr("name=\"a\\n2024-01-01 fake\""));
}

TEST_F(LogTest, LinesBelowTheLevelAreDropped) {
  Init(LogFormat::kText, LogLevel::kWarning);
  LogDebug("one");
  LogInfo("two");
  LogWarning("three");
  EXPECT_FALSE(LogEnabled(LogLevel::kInfo));
  EXPECT_TRUE(LogEnabled(LogLevel::kError));
  EXPECT_THAT(Logged(), EndsWith("three\n"));
  EXPECT_THAT(Logged(), testing::Not(HasSubstr("two")));
}

TEST_F(LogTest, FileThatCannotBeOpenedIsAnErrorAndChangesNothing) {
  Init(LogFormat::kText);
  LogOptions options;
  options.file = "/dev/null/log";
  EXPECT_EQ(InitLogging(options).code(), absl::StatusCode::kInvalidArgument);
  LogInfo("still here");
  EXPECT_THAT(Logged(), HasSubstr("still here"));
}

TEST(LogOptionsTest, ParsesLevelsAndFormats) {
  EXPECT_EQ(ParseLogLevel("debug").value(), LogLevel::kDebug);
  EXPECT_EQ(ParseLogLevel("error").value(), LogLevel::kError);
  EXPECT_FALSE(ParseLogLevel("loud").ok());
  EXPECT_EQ(ParseLogFormat("json").value(), LogFormat::kJson);
  EXPECT_FALSE(ParseLogFormat("xml").ok());
}

}  // namespace
}  // namespace weir
