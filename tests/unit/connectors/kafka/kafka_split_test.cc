#include "connectors/kafka/kafka_split.h"

#include <gtest/gtest.h>

#include <string>

namespace weir::kafka {
namespace {

TEST(KafkaSplit, PositionIsReadBack) {
  for (const KafkaSplit& split :
       {KafkaSplit{"flights", 3, 42, std::nullopt}, KafkaSplit{"a.b-c_d", 0, 0, 7},
        KafkaSplit{"t", 2147483647, 9223372036854775807, 9223372036854775807}}) {
    const auto decoded = DecodeKafkaPosition(EncodeKafkaPosition(split));
    ASSERT_TRUE(decoded.ok()) << decoded.status();
    EXPECT_EQ(*decoded, split);
  }
}

TEST(KafkaSplit, EncodingIsFrozen) {
  EXPECT_EQ(EncodeKafkaPosition({"flights", 3, 42, std::nullopt}), "1 3 42 - flights");
  EXPECT_EQ(EncodeKafkaPosition({"flights", 3, 42, 100}), "1 3 42 100 flights");
  EXPECT_EQ(ToSourceSplit({"flights", 3, 42, 100}).id, "flights-3");
}

TEST(KafkaSplit, RefusesWhatItDidNotWrite) {
  for (const std::string position :
       {"", "1", "x 3 42 - t", "0 3 42 - t", "1 -3 42 - t", "1 3 -42 - t", "1 3 42 -1 t",
        "1 3 42 x t", "1 3 42 - ", "1 3 42 -"}) {
    EXPECT_EQ(DecodeKafkaPosition(position).status().code(), absl::StatusCode::kInvalidArgument)
        << position;
  }
}

TEST(KafkaSplit, ALaterVersionIsNamed) {
  EXPECT_EQ(DecodeKafkaPosition("2 anything").status().code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST(KafkaSplit, EndIsWhereTheOffsetReachesTheStop) {
  EXPECT_FALSE((KafkaSplit{"t", 0, 41, 42}).AtEnd());
  EXPECT_TRUE((KafkaSplit{"t", 0, 42, 42}).AtEnd());
  EXPECT_FALSE((KafkaSplit{"t", 0, 42, std::nullopt}).AtEnd());
}

}  // namespace
}  // namespace weir::kafka
