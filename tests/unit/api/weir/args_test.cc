#include "weir/args.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

Args Parse(const std::vector<std::string>& arguments) { return Args(arguments); }

TEST(Args, GivesValuesAndDefaults) {
  const Args args = Parse({"--brokers=kafka:9092", "--parallelism=4", "--ratio=0.5", "--verbose",
                           "--interval=250ms", "--empty="});
  EXPECT_EQ(args.Get("brokers", "localhost:9092"), "kafka:9092");
  EXPECT_EQ(args.Get("input", "flights"), "flights");
  EXPECT_EQ(args.GetInt("parallelism", 1), 4);
  EXPECT_EQ(args.GetInt("other", 7), 7);
  EXPECT_EQ(args.GetDouble("ratio", 1.0), 0.5);
  EXPECT_TRUE(args.GetBool("verbose", false));
  EXPECT_EQ(args.GetDuration("interval", seconds(1)), milliseconds(250));
  EXPECT_EQ(args.Get("empty", "x"), "");
  EXPECT_EQ(args.Error(), std::nullopt);
}

TEST(Args, ValueMayContainAnEqualsSign) {
  const Args args = Parse({"--filter=a=b"});
  EXPECT_EQ(args.Get("filter", ""), "a=b");
}

TEST(Args, UnknownKeyIsAnErrorWithTheNearestName) {
  const Args args = Parse({"--paralelism=4"});
  args.GetInt("parallelism", 1);
  EXPECT_EQ(args.Error(), "the job has no argument --paralelism; did you mean 'parallelism'?");
}

TEST(Args, ValueThatIsNoNumberIsNamed) {
  const Args args = Parse({"--parallelism=four"});
  EXPECT_EQ(args.GetInt("parallelism", 1), 1);
  EXPECT_EQ(args.Error(), "--parallelism=four is not a whole number");
}

TEST(Args, DurationNeedsAUnit) {
  const Args args = Parse({"--interval=10", "--timeout=5min"});
  EXPECT_EQ(args.GetDuration("interval", seconds(3)), seconds(3));
  EXPECT_EQ(args.GetDuration("timeout", seconds(3)), minutes(5));
  EXPECT_TRUE(args.Error().has_value());
}

TEST(Args, RequiredKeyThatIsMissingIsNamed) {
  const Args args = Parse({});
  EXPECT_EQ(args.Require("input"), "");
  EXPECT_EQ(args.Error(), "--input=... is missing");
}

TEST(Args, OtherFormsAndRepetitionsAreErrors) {
  EXPECT_EQ(Parse({"input"}).Error(), "argument 'input' is not of the form --key=value");
  const Args twice = Parse({"--a=1", "--a=2"});
  EXPECT_EQ(twice.Get("a", ""), "1");
  EXPECT_EQ(twice.Error(), "--a is given twice");
}

}  // namespace
}  // namespace weir
