#include "common/types/record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/status/status.h"

namespace weir {
namespace {

using ::testing::HasSubstr;

struct Flight {
  int64_t id = 0;
  std::string date;
  int32_t delay = 0;
  std::optional<double> distance;
  std::optional<std::string> origin;
  bool cancelled = false;
  Timestamp scheduled;
  ByteArray raw;
  std::optional<ByteArray> tail;

  bool operator==(const Flight&) const = default;
  WEIR_RECORD(Flight, id, date, delay, distance, origin, cancelled, scheduled, raw, tail)
};

static_assert(RecordType<Flight>);
static_assert(!RecordType<Flight::View>);
static_assert(RecordView<Flight::View>);
static_assert(!RecordView<Flight>);
static_assert(!RecordType<std::string>);
static_assert(RowType<std::string> && RowType<std::optional<int32_t>> && !RowType<float>);
static_assert(std::is_same_v<Row<Flight>, Flight::View>);
static_assert(std::is_same_v<Row<std::string>, std::string_view>);
static_assert(std::is_same_v<decltype(Flight::View::origin), std::optional<std::string_view>>);
static_assert(std::is_aggregate_v<Flight>);
static_assert(std::tuple_size_v<decltype(Flight::WeirFields())> == 9);
static_assert(std::get<2>(Flight::WeirFields()).member == &Flight::delay);

/// As many fields as a record may have.
struct Wide {
  int32_t a0 = 0, a1 = 0, a2 = 0, a3 = 0, a4 = 0, a5 = 0, a6 = 0, a7 = 0;
  int32_t b0 = 0, b1 = 0, b2 = 0, b3 = 0, b4 = 0, b5 = 0, b6 = 0, b7 = 0;
  int32_t c0 = 0, c1 = 0, c2 = 0, c3 = 0, c4 = 0, c5 = 0, c6 = 0, c7 = 0;
  int32_t d0 = 0, d1 = 0, d2 = 0, d3 = 0, d4 = 0, d5 = 0, d6 = 0, d7 = 0;
  int32_t e0 = 0, e1 = 0, e2 = 0, e3 = 0, e4 = 0, e5 = 0, e6 = 0, e7 = 0;
  int32_t f0 = 0, f1 = 0, f2 = 0, f3 = 0, f4 = 0, f5 = 0, f6 = 0, f7 = 0;
  int32_t g0 = 0, g1 = 0, g2 = 0, g3 = 0, g4 = 0, g5 = 0, g6 = 0, g7 = 0;
  int32_t h0 = 0, h1 = 0, h2 = 0, h3 = 0, h4 = 0, h5 = 0, h6 = 0, h7 = 0;
  WEIR_RECORD(Wide, a0, a1, a2, a3, a4, a5, a6, a7, b0, b1, b2, b3, b4, b5, b6, b7, c0, c1, c2, c3,
              c4, c5, c6, c7, d0, d1, d2, d3, d4, d5, d6, d7, e0, e1, e2, e3, e4, e5, e6, e7, f0,
              f1, f2, f3, f4, f5, f6, f7, g0, g1, g2, g3, g4, g5, g6, g7, h0, h1, h2, h3, h4, h5,
              h6, h7)
};

ByteArray Bytes(std::string_view text) {
  const auto* first = reinterpret_cast<const std::byte*>(text.data());
  return ByteArray(first, first + text.size());
}

std::vector<Flight> Flights() {
  Flight full;
  full.id = 1;
  full.date = "2001-01-01 00:01";
  full.delay = -5;
  full.distance = 2176.5;
  full.origin = "LAS";
  full.cancelled = true;
  full.scheduled = Timestamp(std::chrono::microseconds(978307260000000));
  full.raw = Bytes(std::string_view("\0\xff", 2));
  full.tail = Bytes("N1");
  Flight sparse;
  sparse.id = INT64_MIN;
  Flight empty_text;
  empty_text.origin = "";
  empty_text.tail = ByteArray();
  return {full, sparse, empty_text};
}

TEST(RecordTest, SchemaFollowsTheDeclaration) {
  EXPECT_EQ(SchemaOf<Flight>()->ToString(),
            "(id int64, date string, delay int32, distance float64?, origin string?, "
            "cancelled bool, scheduled timestamp, raw bytes, tail bytes?)");
  EXPECT_EQ(SchemaOf<std::string>()->ToString(), "(value string)");
  EXPECT_EQ(SchemaOf<std::optional<double>>()->ToString(), "(value float64?)");
  EXPECT_EQ(SchemaOf<Wide>()->num_fields(), 64u);
  EXPECT_EQ(SchemaOf<Wide>()->field(63).name, "h7");
  EXPECT_EQ(SchemaOf<Flight>().get(), SchemaOf<Flight>().get());
}

TEST(RecordTest, RecordsComeBackFromColumns) {
  RecordBuilder<Flight> builder;
  for (const Flight& flight : Flights()) builder.Append(flight);
  EXPECT_EQ(builder.rows(), 3u);
  const Batch batch = builder.Finish();
  const RecordReader<Flight> reader(batch);
  ASSERT_EQ(reader.rows(), 3u);
  for (size_t row = 0; row < 3; ++row) EXPECT_EQ(reader.Materialize(row), Flights()[row]);
}

TEST(RecordTest, ViewsSeeTheColumns) {
  RecordBuilder<Flight> builder;
  builder.Append(Flights()[0]);
  builder.Append(Flights()[1]);
  const Batch batch = builder.Finish();
  const RecordReader<Flight> reader(batch);
  const Row<Flight> view = reader.View(0);
  EXPECT_EQ(view.date.data(), batch.column(1).StringAt(0).data());
  EXPECT_EQ(view.origin, std::optional<std::string_view>("LAS"));
  EXPECT_EQ(view.raw.size(), 2u);
  EXPECT_EQ(view.distance, std::optional<double>(2176.5));
  EXPECT_EQ(reader.View(1).origin, std::nullopt);
}

TEST(RecordTest, ViewsAreAppendedAsTheyAre) {
  RecordBuilder<Flight> builder;
  for (const Flight& flight : Flights()) builder.Append(flight);
  const Batch batch = builder.Finish();
  const RecordReader<Flight> reader(batch);
  for (size_t row = 0; row < 3; ++row) builder.AppendView(reader.View(row));
  const Batch again = builder.Finish();
  for (size_t i = 0; i < batch.num_columns(); ++i) {
    EXPECT_TRUE(again.column(i).Equals(batch.column(i))) << "column " << i;
  }
}

TEST(RecordTest, ScalarsAreRowsOfOneColumn) {
  RecordBuilder<std::string> builder;
  builder.Append("a");
  builder.AppendView("bc");
  const Batch batch = builder.Finish();
  const RecordReader<std::string> reader(batch);
  EXPECT_EQ(reader.View(1), "bc");
  EXPECT_EQ(reader.Materialize(0), std::string("a"));
}

TEST(RecordTest, OptionalScalarsMayBeNull) {
  RecordBuilder<std::optional<int32_t>> builder;
  builder.Append(std::nullopt);
  builder.Append(4);
  const Batch batch = builder.Finish();
  const RecordReader<std::optional<int32_t>> reader(batch);
  EXPECT_EQ(reader.View(0), std::nullopt);
  EXPECT_EQ(reader.Materialize(1), std::optional<int32_t>(4));
}

TEST(RecordTest, LocalAndWideRecordsWork) {
  struct Pair {
    int64_t left = 0;
    std::string right;
    WEIR_RECORD(Pair, left, right)
  };
  RecordBuilder<Pair> pairs;
  pairs.Append({3, "x"});
  const Batch batch = pairs.Finish();
  EXPECT_EQ(RecordReader<Pair>(batch).View(0).right, "x");

  RecordBuilder<Wide> wides;
  Wide wide;
  wide.h7 = 77;
  wides.Append(wide);
  const Batch wide_batch = wides.Finish();
  EXPECT_EQ(RecordReader<Wide>(wide_batch).View(0).h7, 77);
}

TEST(RecordTest, CheckRecordSchemaNamesTheDifference) {
  const auto message = [](const Schema& have) {
    const Schema want({{"a", DataType::kInt64, false}, {"b", DataType::kString, true}});
    const absl::Status status = CheckRecordSchema(have, want);
    EXPECT_TRUE(status.ok() || status.code() == absl::StatusCode::kInvalidArgument);
    return std::string(status.message());
  };
  EXPECT_EQ(message(Schema({{"a", DataType::kInt64, false}, {"b", DataType::kString, false}})), "");
  EXPECT_THAT(message(Schema({{"a", DataType::kInt64, false}})),
              HasSubstr("1 fields instead of 2"));
  EXPECT_THAT(message(Schema({{"x", DataType::kInt64, false}, {"b", DataType::kString, true}})),
              HasSubstr("field 0 is \"x\" instead of \"a\""));
  EXPECT_THAT(message(Schema({{"a", DataType::kInt32, false}, {"b", DataType::kString, true}})),
              HasSubstr("field \"a\" is int32 instead of int64"));
  EXPECT_THAT(message(Schema({{"a", DataType::kInt64, true}, {"b", DataType::kString, true}})),
              HasSubstr("field \"a\" may be null"));
}

TEST(RecordDeathTest, ReadingAnotherSchemaDies) {
  const Batch batch = RecordBuilder<std::string>().Finish();
  EXPECT_DEATH(RecordReader<Flight>{batch}, "1 fields instead of 9");
}

}  // namespace
}  // namespace weir
