// The bytes, hashes and groups of keys, as they are in checkpoints: none of these may ever change
// (docs/formats/key-groups.md). The values were computed apart, from the page.
#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"

#include "common/types/key_codec.h"
#include "common/types/key_group.h"

namespace weir {
namespace {

struct Place {
  std::string city;
  std::optional<int32_t> gate;
  WEIR_RECORD(Place, city, gate)
};

struct Frozen {
  uint64_t hash = 0;
  uint32_t group_of_1024 = 0;
  uint32_t group_of_100 = 0;
};

template <class K>
void ExpectFrozen(const K& key, const std::string& hex, const Frozen& frozen) {
  const std::string bytes = EncodeKey(key);
  std::string scratch;
  EXPECT_EQ(absl::BytesToHexString(bytes), hex);
  EXPECT_EQ(StableHash64(absl::string_view(bytes)), frozen.hash) << hex;
  EXPECT_EQ(HashKey(key, &scratch), frozen.hash) << hex;
  EXPECT_EQ(KeyGroupOf(bytes, 1024), frozen.group_of_1024) << hex;
  EXPECT_EQ(KeyGroupOf(bytes, 100), frozen.group_of_100) << hex;
}

TEST(KeyGroupsCompatTest, KeysAreWhereTheyWere) {
  ExpectFrozen(int64_t{0}, "8000000000000000", {0xA7299A58D03A1D0C, 668, 65});
  ExpectFrozen(int64_t{1}, "8000000000000001", {0x2DBA37A4E405904F, 182, 17});
  ExpectFrozen(int64_t{-1}, "7fffffffffffffff", {0x043DE1BBAF341994, 16, 1});
  ExpectFrozen(INT64_MAX, "ffffffffffffffff", {0x85D136ADB773C6C9, 535, 52});
  ExpectFrozen(int32_t{-7}, "7ffffffffffffff9", {0x70F1E8C85EC81105, 451, 44});
  ExpectFrozen(uint32_t{7}, "0000000000000007", {0xB194A08F7370A5CF, 710, 69});
  ExpectFrozen(true, "01", {0x8A4127811B21E730, 553, 54});
  ExpectFrozen(1.5, "bff8000000000000", {0xB7E7A9A1BBBBFE32, 735, 71});
  ExpectFrozen(-1.5, "4007ffffffffffff", {0xF60B71F2E4BCFE4A, 984, 96});
  // One key each, however they are written: of zeros the positive one, of NaNs the quiet one.
  ExpectFrozen(0.0, "8000000000000000", {0xA7299A58D03A1D0C, 668, 65});
  ExpectFrozen(-0.0, "8000000000000000", {0xA7299A58D03A1D0C, 668, 65});
  for (const double nan : {std::numeric_limits<double>::quiet_NaN(), -std::nan("7"),
                           std::numeric_limits<double>::signaling_NaN()}) {
    ExpectFrozen(nan, "fff8000000000000", {0xCD91A470DD827258, 822, 80});
  }
  ExpectFrozen(std::numeric_limits<double>::infinity(), "fff0000000000000",
               {0xAC874B183AB0FBF3, 690, 67});
  ExpectFrozen(-std::numeric_limits<double>::infinity(), "000fffffffffffff",
               {0xB7D4BAFBD9430FB9, 735, 71});
  ExpectFrozen(0.1, "bfb999999999999a", {0xEA0B676C3E542377, 936, 91});
  ExpectFrozen(0.1F, "bfb99999a0000000", {0xD2C58971767186FD, 843, 82});
  ExpectFrozen(std::string(), "", {0xEF46DB3751D8E999, 957, 93});
  ExpectFrozen(std::string("a"), "61", {0xD24EC4F1A98C6E5B, 841, 82});
  ExpectFrozen(std::string("a string of more than thirty-two bytes"),
               "6120737472696e67206f66206d6f7265207468616e207468697274792d74776f206279746573",
               {0x376F06A160A40121, 221, 21});
  ExpectFrozen(Timestamp(std::chrono::microseconds(1714564800000000)), "8006176339d93000",
               {0xFAAD8A7143AB883F, 1002, 97});
  ExpectFrozen(std::optional<int64_t>(), "00", {0xE934A84ADB052768, 932, 91});
  ExpectFrozen(std::optional<int64_t>(5), "018000000000000005", {0x4AA1BC39ABBA385B, 298, 29});
  ExpectFrozen(std::pair(std::string("a\0b", 3), int64_t{5}), "6100ff6200018000000000000005",
               {0x976532FB1D1DCF5A, 605, 59});
  ExpectFrozen(std::pair(int64_t{5}, std::string("ab")), "80000000000000056162",
               {0xEC7810EC553D488E, 945, 92});
  ExpectFrozen(std::tuple(std::string("ab"), int32_t{5}, std::string("c")),
               "61620001800000000000000563", {0x6EC2987E7DF1A809, 443, 43});
  ExpectFrozen(std::tuple(int8_t{-1}, true, 1.5), "7fffffffffffffff01bff8000000000000",
               {0xBBC23A978ED4435B, 751, 73});
  ExpectFrozen(std::tuple(int64_t{7}), "8000000000000007", {0x3DC4B3CC2E26F3A6, 247, 24});
  ExpectFrozen(ByteArray{std::byte{0}, std::byte{7}}, "0007", {0x2C1BC603FE31338C, 176, 17});
  ExpectFrozen(std::vector<std::string>{"a", ""}, "0161000101000100",
               {0x53D7493361FBA9CA, 335, 32});
  ExpectFrozen(Place{"Oslo", 12}, "4f736c6f000101800000000000000c", {0x0F73373B02A183EE, 61, 6});
}

TEST(KeyGroupsCompatTest, GroupsAreWhereTheyWere) {
  EXPECT_EQ(DefaultKeyGroupTable({3, 8}), (std::vector<uint32_t>{0, 0, 0, 1, 1, 1, 2, 2}));
  EXPECT_EQ(DefaultKeyGroupTable({5, 8}), (std::vector<uint32_t>{0, 0, 1, 1, 2, 3, 3, 4}));
  EXPECT_EQ(DefaultKeyGroupRange(1, {3, 1024}), (KeyGroupRange{342, 683}));
}

}  // namespace
}  // namespace weir
