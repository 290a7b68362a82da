#include "state/api/state_codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "common/base/seeded_random.h"

namespace weir {

/// A type with a codec of its own.
struct Money {
  int64_t cents = 0;
  bool operator==(const Money&) const = default;
};
template <>
struct StateCodec<Money> {
  static StateSchema Schema() { return {.kind = StateSchema::Kind::kCustom, .name = "Money 1"}; }
  static void Append(const Money& value, std::string* out) {
    AppendSized(std::to_string(value.cents), out);
  }
  static bool Read(ByteReader& in, const StateSchema*, Money* value) {
    absl::string_view text;
    if (!in.ReadSized(&text) || text.empty()) return false;
    value->cents = std::atoll(std::string(text).c_str());
    return true;
  }
};

namespace {

enum class Colour : uint8_t { kRed = 1, kBlue = 2 };

struct Visit {
  int64_t id = 0;
  std::string page;
  std::optional<double> seconds;
  Timestamp at;
  WEIR_RECORD(Visit, id, page, seconds, at)
};
struct VisitNow {
  Timestamp at;
  std::string page = "unknown";
  int64_t id = -1;
  std::optional<std::string> referrer = "none";
  WEIR_RECORD(VisitNow, at, page, id, referrer)
};

template <class T>
void ExpectRoundTrip(const T& value, const char* schema) {
  std::string bytes;
  EncodeState(value, &bytes);
  const absl::StatusOr<T> again = DecodeState<T>(bytes);
  ASSERT_TRUE(again.ok()) << schema;
  EXPECT_TRUE(*again == value) << schema;
  const StateSchema own = StateCodec<T>::Schema();
  EXPECT_EQ(own.ToString(), schema);
  EXPECT_TRUE(*DecodeState<T>(bytes, &own) == value) << schema;
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(DecodeState<T>(absl::string_view(bytes).substr(0, size)).ok()) << size;
  }
  EXPECT_FALSE(DecodeState<T>(bytes + "x").ok());
  ByteReader in(bytes);
  EXPECT_TRUE(SkipValue(own, in) && in.done());
  std::string schema_bytes;
  own.AppendTo(&schema_bytes);
  ByteReader schema_in(schema_bytes);
  StateSchema read;
  EXPECT_TRUE(StateSchema::ReadFrom(schema_in, &read) && schema_in.done());
  EXPECT_EQ(read, own);
}

TEST(StateCodecTest, EveryTypeComesBack) {
  ExpectRoundTrip(true, "bool");
  ExpectRoundTrip(int8_t{-5}, "int8");
  ExpectRoundTrip(int16_t{-500}, "int16");
  ExpectRoundTrip(int32_t{-5}, "int32");
  ExpectRoundTrip(INT64_MIN, "int64");
  ExpectRoundTrip(uint8_t{200}, "uint8");
  ExpectRoundTrip(uint16_t{60000}, "uint16");
  ExpectRoundTrip(UINT32_MAX, "uint32");
  ExpectRoundTrip(UINT64_MAX, "uint64");
  ExpectRoundTrip(1.5f, "float");
  ExpectRoundTrip(-2.25, "double");
  ExpectRoundTrip(Colour::kBlue, "uint8");
  ExpectRoundTrip(std::string("a\0b", 3), "string");
  ExpectRoundTrip(ByteArray{std::byte{1}, std::byte{0}}, "bytes");
  ExpectRoundTrip(Timestamp(std::chrono::microseconds(-7)), "timestamp");
  ExpectRoundTrip(EventTime::FromMicros(9), "timestamp");
  ExpectRoundTrip(std::chrono::milliseconds(4), "duration(1/1000)");
  ExpectRoundTrip(std::optional<int64_t>(4), "optional<int64>");
  ExpectRoundTrip(std::optional<std::string>(), "optional<string>");
  ExpectRoundTrip(std::vector<std::string>{"a", "", "c"}, "list<string>");
  ExpectRoundTrip(std::vector<bool>{true, false}, "list<bool>");
  ExpectRoundTrip(std::tuple<int64_t, std::string, bool>{1, "a", true},
                  "pair<int64, pair<string, bool>>");
  ExpectRoundTrip(std::tuple<std::string>{"a"}, "string");
  ExpectRoundTrip(std::pair<int64_t, std::vector<std::optional<double>>>{1, {2.0, std::nullopt}},
                  "pair<int64, list<optional<double>>>");
  ExpectRoundTrip(std::vector<Money>{{5}, {-3}}, "list<custom(Money 1)>");
}

TEST(StateCodecTest, Records) {
  const Visit visit{7, "/home", 2.5, Timestamp(std::chrono::microseconds(11))};
  std::string bytes;
  EncodeState(visit, &bytes);
  const absl::StatusOr<Visit> again = DecodeState<Visit>(bytes);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->id, 7);
  EXPECT_EQ(again->page, "/home");
  EXPECT_EQ(again->seconds, 2.5);
  EXPECT_EQ(again->at, visit.at);
  EXPECT_EQ(StateCodec<Visit>::Schema().ToString(),
            "record{id int64, page string, seconds optional<double>, at timestamp}");
}

TEST(StateCodecTest, AChangedRecordIsMigrated) {
  const StateSchema written = StateCodec<std::vector<Visit>>::Schema();
  EXPECT_EQ(*CompareSchemas(written, StateCodec<std::vector<VisitNow>>::Schema()),
            SchemaCompatibility::kMigrated);
  std::string bytes;
  EncodeState(std::vector<Visit>{{1, "/a", 0.5, Timestamp(std::chrono::microseconds(1))}, {}},
              &bytes);
  const auto now = DecodeState<std::vector<VisitNow>>(bytes, &written);
  ASSERT_TRUE(now.ok());
  ASSERT_EQ(now->size(), 2u);
  EXPECT_EQ((*now)[0].id, 1);
  EXPECT_EQ((*now)[0].page, "/a");
  EXPECT_EQ((*now)[0].referrer, "none");
  EXPECT_EQ((*now)[1].page, "");
}

TEST(StateCodecTest, GarbageIsRefused) {
  EXPECT_FALSE(DecodeState<bool>("\x02").ok());
  EXPECT_FALSE(DecodeState<std::optional<bool>>("\x02\x01").ok());
  EXPECT_FALSE(DecodeState<std::string>("\xFF\xFF\xFF\xFF\x0F").ok());
  EXPECT_FALSE(DecodeState<std::vector<std::string>>("\xFF\xFF\xFF\xFF\x0F").ok());
  SeededRandom random(1);
  for (int i = 0; i < 10'000; ++i) {
    std::string bytes;
    for (uint64_t size = random.Below(20); size > 0; --size) {
      bytes.push_back(static_cast<char>(random.Below(random.Below(2) == 0 ? 4 : 256)));
    }
    using Nested = std::vector<std::pair<std::string, std::optional<Visit>>>;
    const absl::StatusOr<Nested> value = DecodeState<Nested>(bytes);
    if (!value.ok()) continue;
    std::string again;
    EncodeState(*value, &again);
    EXPECT_EQ(again, bytes);
  }
}

}  // namespace
}  // namespace weir
