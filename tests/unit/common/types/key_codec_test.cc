#include "common/types/key_codec.h"

#include <gmock/gmock.h>
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

namespace weir {
namespace {

struct Place {
  std::string city;
  std::optional<int32_t> gate;
  WEIR_RECORD(Place, city, gate)
};

bool operator==(const Place& a, const Place& b) { return a.city == b.city && a.gate == b.gate; }

/// The values, which rise: their bytes must rise too, and come back.
template <class K>
void ExpectOrdered(const std::vector<K>& values) {
  std::vector<std::string> bytes;
  std::string scratch = "left over";
  for (const K& value : values) {
    bytes.push_back(EncodeKey(value));
    const absl::StatusOr<K> again = DecodeKey<K>(bytes.back());
    ASSERT_TRUE(again.ok()) << bytes.size();
    EXPECT_TRUE(*again == value) << bytes.size();
    EXPECT_EQ(HashKey(value, &scratch), StableHash64(absl::string_view(bytes.back())));
  }
  for (size_t i = 1; i < bytes.size(); ++i) EXPECT_LT(bytes[i - 1], bytes[i]) << i;
}

TEST(KeyCodecTest, Integers) {
  ExpectOrdered<int64_t>({INT64_MIN, -256, -1, 0, 1, 255, 256, INT64_MAX});
  ExpectOrdered<int32_t>({INT32_MIN, -1, 0, 1, INT32_MAX});
  ExpectOrdered<int8_t>({-128, -1, 0, 127});
  ExpectOrdered<uint64_t>({0, 1, 256, UINT64_MAX});
  ExpectOrdered<uint16_t>({0, 1, 256, UINT16_MAX});
  ExpectOrdered<bool>({false, true});
  EXPECT_EQ(EncodeKey(int32_t{-7}), EncodeKey(int64_t{-7}));
  EXPECT_EQ(EncodeKey(uint8_t{7}), EncodeKey(uint64_t{7}));
}

TEST(KeyCodecTest, Doubles) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  ExpectOrdered<double>({-kInfinity, -1e300, -1.5, -1e-300, 0, 1e-300, 1.5, kInfinity});
  EXPECT_EQ(EncodeKey(-0.0), EncodeKey(0.0));
  EXPECT_EQ(EncodeKey(std::nan("1")), EncodeKey(-std::nan("2")));
  EXPECT_LT(EncodeKey(kInfinity), EncodeKey(std::nan("")));
  EXPECT_TRUE(std::isnan(*DecodeKey<double>(EncodeKey(std::nan("")))));
}

TEST(KeyCodecTest, Tuples) {
  using Key = std::tuple<std::string, int32_t, std::string>;
  ExpectOrdered<Key>({{"", 9, "z"}, {"a", -1, ""}, {"a", -1, "b"}, {"a", 0, ""}, {"ab", -5, ""}});
  ExpectOrdered<std::tuple<int64_t>>({{-1}, {7}});
  EXPECT_EQ(EncodeKey(Key("a", 7, "b")),
            EncodeKey(std::pair(std::string("a"), std::pair(7, std::string("b")))));
  EXPECT_FALSE(DecodeKey<Key>(EncodeKey(std::string("a"))).ok());
}

TEST(KeyCodecTest, Times) {
  using std::chrono::microseconds;
  ExpectOrdered<Timestamp>({Timestamp(microseconds(-1)), Timestamp(microseconds(5))});
  ExpectOrdered<EventTime>({EventTime::Min(), EventTime::FromMicros(3), EventTime::Max()});
  ExpectOrdered<std::chrono::milliseconds>(
      {std::chrono::milliseconds(-3), std::chrono::milliseconds(4)});
}

TEST(KeyCodecTest, Strings) {
  ExpectOrdered<std::string>({"", std::string("\0", 1), "a", std::string("a\0", 2), "ab", "\xFF"});
  EXPECT_EQ(EncodeKey(std::string("a\0b", 3)), std::string("a\0b", 3));
  EXPECT_EQ(EncodeKey(std::string_view("abc")), "abc");
  ExpectOrdered<ByteArray>({{}, {std::byte{0}}, {std::byte{0}, std::byte{9}}, {std::byte{1}}});
}

TEST(KeyCodecTest, Composites) {
  using Pair = std::pair<std::string, std::string>;
  ExpectOrdered<Pair>({{"", ""},
                       {"", "b"},
                       {std::string("\0", 1), ""},
                       {"a", ""},
                       {"a", "bc"},
                       {std::string("a\0", 2), "b"},
                       {std::string("a\0b", 3), ""},
                       {"a\x01", ""},
                       {"ab", "c"}});
  ExpectOrdered<std::optional<std::string>>({std::nullopt, "", "a"});
  ExpectOrdered<std::vector<std::string>>(
      {{}, {""}, {"", ""}, {"a"}, {"a", ""}, {"a", "b"}, {"b"}});
  ExpectOrdered<Place>({{"", std::nullopt}, {"a", std::nullopt}, {"a", -1}, {"a", 1}, {"b", 0}});
}

TEST(KeyCodecTest, AViewHasTheBytesOfItsRecord) {
  Place::View view;
  view.city = "Aberdeen";
  view.gate = 5;
  EXPECT_EQ(EncodeKey(view), EncodeKey(Place{"Aberdeen", 5}));
  const std::optional<std::string_view> name = "x";
  EXPECT_EQ(EncodeKey(name), EncodeKey(std::optional<std::string>("x")));
}

TEST(KeyCodecTest, OtherBytesAreRefused) {
  EXPECT_FALSE(DecodeKey<int64_t>("").ok());
  EXPECT_FALSE(DecodeKey<int64_t>("123456789").ok());
  EXPECT_FALSE(DecodeKey<int32_t>(EncodeKey(int64_t{1} << 40)).ok());
  EXPECT_FALSE(DecodeKey<bool>("\x02").ok());
  EXPECT_FALSE((DecodeKey<std::pair<std::string, bool>>("abc").ok()));
  EXPECT_FALSE((DecodeKey<std::pair<std::string, bool>>(std::string("a\0\x02\x01", 4)).ok()));
  // The bits of -0.0.
  EXPECT_FALSE(DecodeKey<double>(std::string("\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 8)).ok());
  EXPECT_FALSE(DecodeKey<std::vector<bool>>("\x01\x01").ok());
}

}  // namespace
}  // namespace weir
