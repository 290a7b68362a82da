#include "common/types/column.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"

#include "common/base/seeded_random.h"
#include "common/types/column_builder.h"

namespace weir {
namespace {

using ::testing::HasSubstr;

constexpr DataType kAllTypes[] = {DataType::kBool,     DataType::kInt32,  DataType::kInt64,
                                  DataType::kFloat64,  DataType::kString, DataType::kBytes,
                                  DataType::kTimestamp};

/// One value of any type, as a text; nothing is a null. The reference is a vector of these.
using Cell = std::optional<std::string>;

void AppendCell(ColumnBuilder& builder, const Cell& cell) {
  if (!cell.has_value()) {
    builder.AppendNull();
    return;
  }
  switch (builder.type()) {
    case DataType::kBool:
      builder.AppendBool(*cell == "1");
      break;
    case DataType::kInt32:
      builder.AppendInt32(std::stoi(*cell));
      break;
    case DataType::kInt64:
    case DataType::kTimestamp:
      builder.AppendInt64(std::stoll(*cell));
      break;
    case DataType::kFloat64:
      builder.AppendFloat64(std::stod(*cell));
      break;
    case DataType::kString:
    case DataType::kBytes:
      builder.AppendBytes(*cell);
      break;
  }
}

Cell CellAt(const Column& column, size_t row) {
  if (column.IsNull(row)) return std::nullopt;
  switch (column.type()) {
    case DataType::kBool:
      return std::to_string(static_cast<int>(column.bools()[row]));
    case DataType::kInt32:
      return std::to_string(column.int32s()[row]);
    case DataType::kInt64:
    case DataType::kTimestamp:
      return std::to_string(column.int64s()[row]);
    case DataType::kFloat64:
      return std::to_string(static_cast<int64_t>(column.float64s()[row]));
    case DataType::kString:
    case DataType::kBytes:
      return std::string(column.StringAt(row));
  }
  return std::nullopt;
}

std::vector<Cell> Cells(const Column& column) {
  std::vector<Cell> cells;
  for (size_t row = 0; row < column.length(); ++row) cells.push_back(CellAt(column, row));
  return cells;
}

std::vector<Cell> RandomCells(Random& random, DataType type, size_t count, uint64_t nulls_in_ten) {
  std::vector<Cell> cells;
  for (size_t i = 0; i < count; ++i) {
    if (random.Below(10) < nulls_in_ten) {
      cells.push_back(std::nullopt);
    } else if (type == DataType::kBool) {
      cells.push_back(std::to_string(random.Below(2)));
    } else if (IsVariableWidth(type)) {
      cells.push_back(std::string(random.Below(40), static_cast<char>('a' + random.Below(26))));
    } else {
      cells.push_back(std::to_string(static_cast<int64_t>(random.Below(2'000'000)) - 1'000'000));
    }
  }
  return cells;
}

Column Build(DataType type, const std::vector<Cell>& cells) {
  ColumnBuilder builder(type);
  for (const Cell& cell : cells) AppendCell(builder, cell);
  return builder.Finish();
}

TEST(ColumnTest, HasNoValidityBitmapWithoutNulls) {
  const Column column = Build(DataType::kInt64, {"1", "2"});
  EXPECT_EQ(column.validity(), nullptr);
  EXPECT_EQ(column.int64s()[1], 2);
  EXPECT_EQ(column.size_bytes(), 16u);
}

TEST(ColumnTest, EmptyColumnsOfEveryTypeAreUsable) {
  for (const DataType type : kAllTypes) {
    const Column column = ColumnBuilder(type).Finish();
    EXPECT_EQ(column.length(), 0u);
    EXPECT_EQ(column.size_bytes(), 0u);
    EXPECT_EQ(column.Slice(0, 0).Take({}).length(), 0u);
    EXPECT_TRUE(column.Equals(Column(ColumnBuilder(type).Finish())));
  }
}

TEST(ColumnTest, NullsLieOverZerosAndEmptyStrings) {
  const Column number = Build(DataType::kInt32, {"7", std::nullopt});
  EXPECT_EQ(number.int32s()[1], 0);
  EXPECT_EQ(number.null_count(), 1u);
  const Column text = Build(DataType::kString, {std::nullopt, "x"});
  EXPECT_EQ(text.StringAt(0), "");
  EXPECT_EQ(text.StringAt(1), "x");
}

TEST(ColumnTest, EqualsTellsTypesNullsAndValuesApart) {
  const Column one = Build(DataType::kInt64, {"1", std::nullopt});
  EXPECT_TRUE(one.Equals(Build(DataType::kInt64, {"1", std::nullopt})));
  EXPECT_FALSE(one.Equals(Build(DataType::kTimestamp, {"1", std::nullopt})));
  EXPECT_FALSE(one.Equals(Build(DataType::kInt64, {std::nullopt, "1"})));
  EXPECT_FALSE(one.Equals(Build(DataType::kInt64, {"1", "0"})));
  EXPECT_FALSE(one.Equals(Build(DataType::kInt64, {"2", std::nullopt})));
  EXPECT_FALSE(one.Equals(Build(DataType::kInt64, {"1"})));
}

class ColumnPropertyTest : public ::testing::TestWithParam<DataType> {};

TEST_P(ColumnPropertyTest, BuildSliceTakeAndTruncateAgreeWithAVector) {
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    SeededRandom random(seed);
    const std::vector<Cell> cells =
        RandomCells(random, GetParam(), random.Below(300), random.Below(3) * 3);
    const Column column = Build(GetParam(), cells);
    ASSERT_EQ(Cells(column), cells);

    const size_t first = random.Below(cells.size() + 1);
    const size_t count = random.Below(cells.size() - first + 1);
    const Column slice = column.Slice(first, count);
    const std::vector<Cell> part(cells.begin() + static_cast<ptrdiff_t>(first),
                                 cells.begin() + static_cast<ptrdiff_t>(first + count));
    ASSERT_EQ(Cells(slice), part);
    EXPECT_TRUE(slice.Equals(Build(GetParam(), part)));
    EXPECT_EQ(slice.size_bytes(), Build(GetParam(), part).size_bytes());

    std::vector<uint32_t> rows;
    std::vector<Cell> taken;
    for (size_t i = 0; i < random.Below(100) && count > 0; ++i) {
      rows.push_back(static_cast<uint32_t>(random.Below(count)));
      taken.push_back(part[rows.back()]);
    }
    EXPECT_EQ(Cells(slice.Take(rows)), taken);

    ColumnBuilder builder(GetParam());
    for (const Cell& cell : cells) AppendCell(builder, cell);
    builder.Truncate(first);
    for (size_t row = 0; row < slice.length(); ++row) builder.AppendRow(slice, row);
    std::vector<Cell> expected(cells.begin(), cells.begin() + static_cast<ptrdiff_t>(first));
    expected.insert(expected.end(), part.begin(), part.end());
    EXPECT_EQ(Cells(builder.Finish()), expected);
    EXPECT_EQ(builder.length(), 0u);
  }
}

INSTANTIATE_TEST_SUITE_P(AllTypes, ColumnPropertyTest, ::testing::ValuesIn(kAllTypes),
                         [](const auto& tested) {
                           return std::string(DataTypeName(tested.param));
                         });

TEST(ColumnBuilderTest, GrowBytesThenCommitAppendsWhatWasWritten) {
  ColumnBuilder builder(DataType::kString);
  char* room = builder.GrowBytes(100);
  ASSERT_NE(room, nullptr);
  std::memset(room, 'x', 100 + ColumnBuilder::kGrowSlack);
  builder.CommitBytes(3);
  ASSERT_NE(builder.GrowBytes(10), nullptr);  // dropped
  builder.AppendBytes("y");
  const Column column = builder.Finish();
  EXPECT_EQ(column.length(), 2u);
  EXPECT_EQ(column.StringAt(0), "xxx");
  EXPECT_EQ(column.StringAt(1), "y");
}

TEST(ColumnBuilderTest, RefusesBytesAboveItsLimit) {
  ColumnBuilder builder(DataType::kString, 1000);
  builder.AppendBytes(std::string(600, 'a'));
  builder.AppendBytes(std::string(401, 'b'));
  EXPECT_TRUE(builder.full());
  EXPECT_EQ(builder.length(), 1u);
  EXPECT_EQ(builder.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(builder.status().message()), HasSubstr("1000 bytes after 1 rows"));
  builder.Truncate(1);
  builder.AppendBytes(std::string(400, 'c'));
  EXPECT_FALSE(builder.full());
  EXPECT_EQ(builder.Finish().size_bytes(), 1000u + 12u);
}

TEST(ColumnBuilderTest, RefusesRowsAboveItsLimit) {
  ColumnBuilder builder(DataType::kInt64, 80);
  for (int64_t i = 0; i < 12; ++i) builder.AppendInt64(i);
  EXPECT_EQ(builder.length(), 10u);
  EXPECT_TRUE(builder.full());
  builder.AppendNull();
  EXPECT_EQ(builder.length(), 10u);
  builder.Truncate(10);
  EXPECT_EQ(builder.Finish().length(), 10u);
}

TEST(ColumnBuilderTest, AppendRowsIsAllOrNothing) {
  const Column source = Build(DataType::kString, {std::string(30, 'a'), std::string(30, 'b')});
  ColumnBuilder builder(DataType::kString, 50);
  builder.AppendRows(source, std::vector<uint32_t>{0, 1});
  EXPECT_TRUE(builder.full());
  EXPECT_EQ(builder.length(), 0u);
}

TEST(ColumnBuilderTest, ReserveAboveTheLimitIsOnlyAHint) {
  ColumnBuilder builder(DataType::kInt32, 40);
  builder.Reserve(1'000'000);
  EXPECT_FALSE(builder.full());
  builder.AppendInt32(1);
  EXPECT_EQ(builder.Finish().length(), 1u);
}

class FromBuffersTest : public ::testing::Test {
 protected:
  static std::string Error(DataType type, size_t length, ColumnBuffers buffers) {
    Column column;
    const absl::Status status = Column::FromBuffers(type, length, std::move(buffers), &column);
    EXPECT_TRUE(status.ok() || status.code() == absl::StatusCode::kDataLoss) << status;
    return std::string(status.message());
  }
  static Buffer Offsets(std::vector<int32_t> offsets) {
    return Buffer::FromVector(std::move(offsets));
  }
  static Buffer Bytes(std::vector<uint8_t> bytes) { return Buffer::FromVector(std::move(bytes)); }
};

TEST_F(FromBuffersTest, SharesWhatFits) {
  const Column column = Build(DataType::kString, {"ab", std::nullopt, "c"});
  Column again;
  ASSERT_TRUE(Column::FromBuffers(DataType::kString, 3, column.buffers(), &again).ok());
  EXPECT_TRUE(again.Equals(column));
  EXPECT_EQ(again.bytes(), column.bytes());
}

TEST_F(FromBuffersTest, DropsABitmapThatMarksNoNull) {
  Column column;
  ColumnBuffers buffers{.validity = Bytes({0xff}), .offsets = {}, .values = Bytes({1, 0, 1})};
  ASSERT_TRUE(Column::FromBuffers(DataType::kBool, 3, buffers, &column).ok());
  EXPECT_FALSE(column.has_nulls());
  EXPECT_EQ(column.validity(), nullptr);
}

TEST_F(FromBuffersTest, RefusesShortValues) {
  EXPECT_THAT(Error(DataType::kInt64, 2, {.validity = {}, .offsets = {}, .values = Bytes({1, 2})}),
              HasSubstr("column of type int64 with 2 rows: values have 2 bytes"));
}

TEST_F(FromBuffersTest, RefusesMisalignedValues) {
  const Buffer eight = Offsets({1, 2, 3, 4});
  EXPECT_THAT(
      Error(DataType::kInt32, 1, {.validity = {}, .offsets = {}, .values = eight.Slice(1, 8)}),
      HasSubstr("values not aligned"));
}

TEST_F(FromBuffersTest, RefusesBoolsThatAreNeither) {
  EXPECT_THAT(Error(DataType::kBool, 2, {.validity = {}, .offsets = {}, .values = Bytes({1, 2})}),
              HasSubstr("neither 0 nor 1"));
}

TEST_F(FromBuffersTest, RefusesMissingOffsets) {
  EXPECT_THAT(
      Error(DataType::kString, 2, {.validity = {}, .offsets = Offsets({0, 0}), .values = {}}),
      HasSubstr("offsets have 8 bytes"));
}

TEST_F(FromBuffersTest, RefusesFallingOffsets) {
  EXPECT_THAT(Error(DataType::kString, 2,
                    {.validity = {}, .offsets = Offsets({0, 2, 1}), .values = Bytes({1, 2})}),
              HasSubstr("offsets do not rise"));
  EXPECT_THAT(Error(DataType::kString, 1,
                    {.validity = {}, .offsets = Offsets({-1, 0}), .values = Bytes({1, 2})}),
              HasSubstr("offsets do not rise"));
}

TEST_F(FromBuffersTest, RefusesOffsetsBehindTheEnd) {
  EXPECT_THAT(Error(DataType::kBytes, 1,
                    {.validity = {}, .offsets = Offsets({0, 3}), .values = Bytes({1, 2})}),
              HasSubstr("offsets end at 3 of 2 bytes"));
}

TEST_F(FromBuffersTest, RefusesAShortBitmap) {
  EXPECT_THAT(
      Error(DataType::kBool, 9,
            {.validity = Bytes({1}), .offsets = {}, .values = Bytes({0, 0, 0, 0, 0, 0, 0, 0, 0})}),
      HasSubstr("validity has 1 bytes"));
}

TEST_F(FromBuffersTest, RefusesAbsurdLengths) {
  EXPECT_THAT(Error(DataType::kInt64, SIZE_MAX / 4, {}), HasSubstr("more rows than"));
}

}  // namespace
}  // namespace weir
