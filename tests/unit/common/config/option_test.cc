#include "common/config/option.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(OptionValueTest, ParsesDurations) {
  EXPECT_EQ(ParseOptionDuration("500ms").value(), absl::Milliseconds(500));
  EXPECT_EQ(ParseOptionDuration("10s").value(), absl::Seconds(10));
  EXPECT_EQ(ParseOptionDuration("10 min").value(), absl::Minutes(10));
  EXPECT_EQ(ParseOptionDuration("1h30min").value(), absl::Minutes(90));
  EXPECT_EQ(ParseOptionDuration("1.5s").value(), absl::Milliseconds(1500));
  EXPECT_EQ(ParseOptionDuration("2d").value(), absl::Hours(48));
  EXPECT_EQ(ParseOptionDuration("7us").value(), absl::Microseconds(7));
  EXPECT_EQ(ParseOptionDuration("0").value(), absl::ZeroDuration());
}

TEST(OptionValueTest, RefusesOtherDurations) {
  for (const absl::string_view text :
       {"", "10", "s", "-1s", "1m", "1 fortnight", "1s2", "1..5s", "9999999d"}) {
    EXPECT_EQ(ParseOptionDuration(text).status().code(), absl::StatusCode::kInvalidArgument)
        << text;
  }
}

TEST(OptionValueTest, FormatsDurationsWithTheLargestUnitThatDivides) {
  for (const absl::string_view text : {"0", "500ms", "10s", "90min", "1h", "2d", "7us", "3ns"}) {
    EXPECT_EQ(FormatOptionDuration(ParseOptionDuration(text).value()), text);
  }
}

TEST(OptionValueTest, ParsesTheOtherTypes) {
  EXPECT_TRUE(ParseBool("true").value());
  EXPECT_FALSE(ParseBool("yes").ok());
  EXPECT_EQ(ParseInt("-3").value(), -3);
  EXPECT_FALSE(ParseInt("3x").ok());
  EXPECT_EQ(ParseDouble("2.5").value(), 2.5);
  EXPECT_FALSE(ParseDouble("nan").ok());
  EXPECT_THAT(ParseList(" a, b ,c"), ElementsAre("a", "b", "c"));
  EXPECT_THAT(ParseList(" "), IsEmpty());
}

TEST(OptionTest, EnvironmentNameReplacesDotsAndDashes) {
  EXPECT_EQ(EnvironmentName("checkpoint.min-pause"), "WEIR_CHECKPOINT_MIN_PAUSE");
}

std::string Problem(const OptionSpec& spec, absl::string_view value) {
  return std::string(CheckOptionValue(spec, value).message());
}

TEST(CheckOptionValueTest, NamesKeyValueAndExpectedType) {
  const Option<absl::Duration> duration("a.b", "1s", "Doc.");
  EXPECT_EQ(Problem(duration.spec(), "ten"),
            "option 'a.b' has the value 'ten', expected a duration, such as 500ms, 10s, 5min or "
            "1h");
  EXPECT_EQ(Problem(Option<int64_t>("n", "1", "Doc.").spec(), "x"),
            "option 'n' has the value 'x', expected a whole number");
  EXPECT_EQ(Problem(Option<ByteSize>("m", "1", "Doc.").spec(), "1zb"),
            "option 'm' has the value '1zb', expected a number of bytes, such as 512, 4kb, 64mb "
            "or 1gb");
  EXPECT_EQ(Problem(Option<bool>("f", "false", "Doc.").spec(), "on"),
            "option 'f' has the value 'on', expected true or false");
}

TEST(CheckOptionValueTest, ChecksBounds) {
  const auto slots = Option<int64_t>("slots", "2", "Doc.").AtLeast("1").AtMost("8");
  EXPECT_EQ(Problem(slots.spec(), "8"), "");
  EXPECT_EQ(Problem(slots.spec(), "0"), "option 'slots' has the value '0', expected at least 1");
  EXPECT_EQ(Problem(slots.spec(), "9"), "option 'slots' has the value '9', expected at most 8");
  const auto size = Option<ByteSize>("size", "2kb", "Doc.").AtMost("1mb");
  EXPECT_EQ(Problem(size.spec(), "2mb"), "option 'size' has the value '2mb', expected at most 1mb");
}

TEST(CheckOptionValueTest, ChecksChoices) {
  const auto format = Option<std::string>("format", "text", "Doc.").OneOf("text|json");
  EXPECT_EQ(Problem(format.spec(), "json"), "");
  EXPECT_EQ(Problem(format.spec(), "jsn"),
            "option 'format' has the value 'jsn', expected one of text, json; did you mean "
            "'json'?");
}

}  // namespace
}  // namespace weir
