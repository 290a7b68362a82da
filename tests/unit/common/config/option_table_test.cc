#include "common/config/option_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_split.h"

#include "common/config/options.h"

namespace weir {
namespace {

using testing::HasSubstr;

// Making the table checks keys, defaults and bounds of all options.
TEST(WeirOptionsTest, TableIsSound) {
  EXPECT_GT(WeirOptions().keys().size(), 40u);
  for (const std::string& key : WeirOptions().keys()) {
    const OptionSpec* spec = WeirOptions().Find(key);
    ASSERT_NE(spec, nullptr);
    EXPECT_THAT(std::string(spec->doc), testing::EndsWith(".")) << key;
    EXPECT_EQ(WeirOptions().FindByEnvironmentName(EnvironmentName(key)), spec);
  }
}

TEST(WeirOptionsTest, OptionsOfCheckpointsRestartsTasksAndStateAreForJobsAndNoOthers) {
  for (const std::string& key : WeirOptions().keys()) {
    const std::string group = key.substr(0, key.find('.'));
    const bool for_jobs = group == "checkpoint" || group == "restart" || group == "task" ||
                          group == "exchange" || group == "state";
    EXPECT_EQ(WeirOptions().Find(key)->scope == OptionScope::kJob, for_jobs) << key;
  }
}

TEST(OptionTableTest, UnknownOptionSuggestsTheNearest) {
  EXPECT_EQ(WeirOptions().UnknownOption("checkpoint.intervl").message(),
            "unknown option 'checkpoint.intervl'; did you mean 'checkpoint.interval'?");
}

TEST(OptionTableDeathTest, RefusesKeysThatContainEachOther) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const OptionSpec outer = Option<int64_t>("a.b", "1", "Doc.").spec();
  const OptionSpec inner = Option<int64_t>("a.b.c", "1", "Doc.").spec();
  EXPECT_DEATH(OptionTable({{"A", "Doc.", {outer, inner}}}), "'a.b' is the beginning of 'a.b.c'");
}

TEST(OptionTableDeathTest, RefusesADefaultOfTheWrongType) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const OptionSpec wrong = Option<absl::Duration>("a", "10", "Doc.").spec();
  EXPECT_DEATH(OptionTable({{"A", "Doc.", {wrong}}}), "option 'a' has the value '10'");
}

TEST(OptionsHelpTest, ShowsEveryOptionWithinTheWidth) {
  const std::string help = OptionsHelp(WeirOptions(), 80);
  for (const std::string& key : WeirOptions().keys()) EXPECT_THAT(help, HasSubstr("--" + key));
  for (const absl::string_view line : absl::StrSplit(help, '\n')) {
    if (line.substr(0, 6) != "      ") continue;
    EXPECT_LE(line.size(), 80u) << line;
  }
  EXPECT_THAT(help, HasSubstr("--storage.root  (string; required)"));
  EXPECT_THAT(help,
              HasSubstr("--taskmanager.slots  (integer, at least 1, at most 1024; default 2)"));
}

TEST(OptionsMarkdownTest, HasARowForEveryOption) {
  const std::string markdown = OptionsMarkdown(WeirOptions());
  for (const std::string& key : WeirOptions().keys()) {
    EXPECT_THAT(markdown, HasSubstr("| `" + key + "` | "));
  }
  EXPECT_THAT(markdown, HasSubstr("| `checkpoint.interval` | duration, at least 10ms | `10s` | "
                                  "cluster, job | Time from the start"));
}

}  // namespace
}  // namespace weir
