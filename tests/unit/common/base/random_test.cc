#include "common/base/random.h"

#include <gtest/gtest.h>

#include "common/base/seeded_random.h"
#include "common/base/system_random.h"

namespace weir {
namespace {

TEST(SeededRandomTest, GivesTheNumbersOfSplitMix64) {
  // rosettacode.org/wiki/Pseudo-random_numbers/Splitmix64
  SeededRandom random(1234567);
  EXPECT_EQ(random.Next(), 6457827717110365317u);
  EXPECT_EQ(random.Next(), 3203168211198807973u);
  EXPECT_EQ(random.Next(), 9817491932198370423u);
  EXPECT_EQ(random.Next(), 4593380528125082431u);
  EXPECT_EQ(random.Next(), 16408922859458223821u);
}

TEST(SeededRandomTest, BelowStaysBelow) {
  SeededRandom random(1);
  for (int i = 0; i < 1000; ++i) EXPECT_LT(random.Below(7), 7u);
}

TEST(RandomTest, HexIdIs32DigitsAfterThePrefix) {
  SeededRandom random(1);
  const std::string id = random.HexId("worker-");
  EXPECT_EQ(id.substr(0, 7), "worker-");
  EXPECT_EQ(id.size(), 7u + 32u);
  EXPECT_EQ(id.find_first_not_of("0123456789abcdef", 7), std::string::npos);
  EXPECT_NE(id, random.HexId("worker-"));
}

TEST(SystemRandomTest, DiffersFromCallToCall) {
  SystemRandom random;
  EXPECT_NE(random.Next(), random.Next());
}

}  // namespace
}  // namespace weir
