#include "client/cli/flags.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir::cli {
namespace {

using testing::ElementsAre;
using testing::Pair;

const std::vector<FlagSpec> kSpecs = {{"output", "o", true, "FORMAT", "How."},
                                      {"detach", "d", false, "", "Whether."},
                                      {"checkpoint.interval", "", true, "DURATION", "How often."}};

std::string ErrorOf(const std::vector<std::string>& arguments) {
  return std::string(ParseFlags(kSpecs, arguments).status().message());
}

TEST(Flags, AllFormsOfAValue) {
  for (const auto& arguments : std::vector<std::vector<std::string>>{
           {"--output=json"}, {"--output", "json"}, {"-o", "json"}, {"-ojson"}, {"-o=json"}}) {
    const auto flags = ParseFlags(kSpecs, arguments);
    ASSERT_TRUE(flags.ok()) << flags.status();
    EXPECT_THAT(flags->values, ElementsAre(Pair("output", "json")));
  }
}

TEST(Flags, MayStandAmongPositionals) {
  const auto flags = ParseFlags(kSpecs, {"a", "-d", "b", "--", "--output", "-x", "--"});
  ASSERT_TRUE(flags.ok()) << flags.status();
  EXPECT_THAT(flags->positionals, ElementsAre("a", "b"));
  EXPECT_THAT(flags->job_arguments, ElementsAre("--output", "-x", "--"));
  EXPECT_TRUE(flags->Has("detach"));
}

TEST(Flags, UnknownOneIsNamedWithTheNearest) {
  EXPECT_EQ(ErrorOf({"--ouput=json"}), "unknown flag '--ouput'; did you mean '--output'?");
  EXPECT_EQ(ErrorOf({"-x"}), "unknown flag '-x'");
}

TEST(Flags, MissingSuperfluousAndRepeatedValues) {
  EXPECT_EQ(ErrorOf({"-o"}), "-o needs a value");
  EXPECT_EQ(ErrorOf({"--detach=yes"}), "--detach takes no value");
  EXPECT_EQ(ErrorOf({"-o", "json", "--output=table"}), "--output is given twice");
}

}  // namespace
}  // namespace weir::cli
