#include "common/types/batch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/status/status.h"

#include "common/types/batch_builder.h"

namespace weir {
namespace {

using ::testing::HasSubstr;

SchemaPtr TestSchema() {
  return Schema::Make({{"id", DataType::kInt64, false}, {"origin", DataType::kString, true}});
}

/// Rows (0, "o0"), (1, null), (2, "o2"), ...: odd ones have no origin.
Batch TestBatch(size_t rows, BatchExtras extras = {}) {
  BatchBuilder builder(TestSchema());
  for (size_t i = 0; i < rows; ++i) {
    builder.column(0).AppendInt64(static_cast<int64_t>(i));
    if (i % 2 == 1) {
      builder.column(1).AppendNull();
    } else {
      builder.column(1).AppendBytes("o" + std::to_string(i));
    }
    builder.CommitRow();
  }
  return builder.Finish(std::move(extras));
}

BatchExtras TestExtras() {
  BatchExtras extras;
  extras.event_times = Buffer::FromVector(std::vector<int64_t>{10, 11, 12, 13});
  extras.change_kinds =
      Buffer::FromVector(std::vector<ChangeKind>{ChangeKind::kInsert, ChangeKind::kUpdateBefore,
                                                 ChangeKind::kUpdateAfter, ChangeKind::kDelete});
  auto provenance = std::make_shared<Provenance>();
  provenance->topic = "flights";
  provenance->partition = 3;
  provenance->first_offset = 100;
  extras.provenance = provenance;
  return extras;
}

TEST(SchemaTest, FindsFieldsAndPrintsItself) {
  const SchemaPtr schema = TestSchema();
  EXPECT_EQ(schema->ToString(), "(id int64, origin string?)");
  EXPECT_EQ(schema->IndexOf("origin"), std::optional<size_t>(1));
  EXPECT_EQ(schema->IndexOf("Origin"), std::nullopt);
  EXPECT_EQ(*schema, *TestSchema());
  EXPECT_FALSE(*schema == Schema({{"id", DataType::kInt64, true}}));
  EXPECT_TRUE(schema->Validate().ok());
}

TEST(SchemaTest, ValidateNamesTheFieldThatAppearsTwice) {
  const Schema twice({{"a", DataType::kBool, false}, {"a", DataType::kBytes, false}});
  EXPECT_EQ(twice.Validate().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(twice.Validate().message()), HasSubstr("\"a\" appears twice"));
  EXPECT_FALSE(Schema({{"", DataType::kBool, false}}).Validate().ok());
}

TEST(DataTypeTest, NamesAndNumbersGoBothWays) {
  for (int number = 0; number < 7; ++number) {
    const DataType type = *DataTypeFromNumber(number);
    EXPECT_EQ(DataTypeFromName(DataTypeName(type)), type);
  }
  EXPECT_EQ(DataTypeFromNumber(7), std::nullopt);
  EXPECT_EQ(DataTypeFromNumber(-1), std::nullopt);
  EXPECT_EQ(DataTypeFromName("varchar"), std::nullopt);
}

TEST(BatchTest, CountsTheBytesOfColumnsAndExtras) {
  // 4 ids; offsets 5 * 4, text "o0" "o2", one byte of validity
  const size_t columns = 4 * 8 + 20 + 4 + 1;
  EXPECT_EQ(TestBatch(4).size_bytes(), columns);
  EXPECT_EQ(TestBatch(4, TestExtras()).size_bytes(), columns + 4 * 8 + 4);
}

TEST(BatchTest, SliceKeepsExtrasInStep) {
  const Batch slice = TestBatch(4, TestExtras()).Slice(1, 2);
  ASSERT_EQ(slice.num_rows(), 2u);
  EXPECT_EQ(slice.column(0).int64s()[0], 1);
  EXPECT_TRUE(slice.column(1).IsNull(0));
  EXPECT_EQ(slice.column(1).StringAt(1), "o2");
  EXPECT_EQ(slice.event_times()[1], 12);
  EXPECT_EQ(slice.change_kind(0), ChangeKind::kUpdateBefore);
  EXPECT_EQ(slice.provenance()->Describe(1), "topic flights, partition 3, offset 102");
}

TEST(BatchTest, TakeKeepsExtrasInStep) {
  const Batch taken = TestBatch(4, TestExtras()).Take(std::vector<uint32_t>{3, 0, 0});
  ASSERT_EQ(taken.num_rows(), 3u);
  EXPECT_EQ(taken.column(0).int64s()[0], 3);
  EXPECT_EQ(taken.column(1).StringAt(2), "o0");
  EXPECT_EQ(taken.event_times()[0], 13);
  EXPECT_EQ(taken.change_kind(0), ChangeKind::kDelete);
  EXPECT_EQ(taken.provenance()->OffsetOf(0), 103);
  EXPECT_EQ(taken.provenance()->OffsetOf(2), 100);
  EXPECT_EQ(taken.Slice(1, 1).provenance()->OffsetOf(0), 100);
}

TEST(BatchTest, WithoutExtrasEveryRowIsAnInsertOfUnknownOrigin) {
  const Batch batch = TestBatch(2);
  EXPECT_EQ(batch.event_times(), nullptr);
  EXPECT_EQ(batch.change_kind(1), ChangeKind::kInsert);
  EXPECT_EQ(batch.provenance(), nullptr);
}

TEST(BatchTest, WithExtrasSharesTheColumns) {
  const Batch batch = TestBatch(4);
  const Batch timed = batch.WithExtras(TestExtras());
  EXPECT_EQ(timed.column(0).int64s(), batch.column(0).int64s());
  EXPECT_EQ(timed.event_times()[0], 10);
}

TEST(BatchTest, CheckColumnsNamesTheDifference) {
  const Schema schema = *TestSchema();
  const Batch batch = TestBatch(2);
  const auto message = [&](const std::vector<Column>& columns, size_t rows) {
    return std::string(Batch::CheckColumns(schema, columns, rows).message());
  };
  EXPECT_EQ(message(batch.columns(), 2), "");
  EXPECT_THAT(message({batch.column(0)}, 2), HasSubstr("1 columns for schema (id int64"));
  EXPECT_THAT(message({batch.column(1), batch.column(1)}, 2),
              HasSubstr("\"id\": string instead of int64"));
  EXPECT_THAT(message(batch.columns(), 3), HasSubstr("2 rows instead of 3"));
  const Schema strict({{"origin", DataType::kString, false}});
  EXPECT_THAT(std::string(Batch::CheckColumns(strict, {batch.column(1)}, 2).message()),
              HasSubstr("1 nulls, but the field is not nullable"));
}

TEST(BatchDeathTest, ABatchThatContradictsItsSchemaDies) {
  const Batch batch = TestBatch(2);
  EXPECT_DEATH(Batch(TestSchema(), {batch.column(0)}, 2), "1 columns for schema");
  BatchExtras extras;
  extras.event_times = Buffer::FromVector(std::vector<int64_t>{1});
  EXPECT_DEATH(batch.WithExtras(extras), "8 bytes of event times for 2 rows");
}

TEST(BatchBuilderTest, RollbackTakesBackAHalfWrittenRow) {
  BatchBuilder builder(TestSchema());
  builder.AppendRows(TestBatch(3), std::vector<uint32_t>{2, 1});
  builder.column(0).AppendInt64(99);
  builder.RollbackRow();
  builder.column(0).AppendInt64(7);
  builder.column(1).AppendBytes("seven");
  builder.CommitRow();
  const Batch batch = builder.Finish();
  ASSERT_EQ(batch.num_rows(), 3u);
  EXPECT_EQ(batch.column(0).int64s()[0], 2);
  EXPECT_EQ(batch.column(0).int64s()[2], 7);
  EXPECT_EQ(batch.column(1).StringAt(2), "seven");
  EXPECT_EQ(builder.rows(), 0u);
}

TEST(BatchBuilderTest, StatusNamesTheFieldThatIsFull) {
  BatchBuilder builder(TestSchema(), 100);
  builder.column(1).AppendBytes(std::string(101, 'x'));
  EXPECT_TRUE(builder.full());
  EXPECT_EQ(builder.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(builder.status().message()), HasSubstr("field \"origin\""));
}

TEST(ProvenanceTest, DescribesWhatIsKnown) {
  Provenance provenance;
  provenance.topic = "t";
  EXPECT_EQ(provenance.Describe(0), "topic t");
  EXPECT_EQ(provenance.Take(std::vector<uint32_t>{0})->OffsetOf(0), -1);
  provenance.partition = 0;
  provenance.offsets = {5, 9};
  EXPECT_EQ(provenance.Describe(1), "topic t, partition 0, offset 9");
  EXPECT_EQ(provenance.OffsetOf(2), -1);
  EXPECT_EQ(provenance.Slice(1, 1)->OffsetOf(0), 9);
}

}  // namespace
}  // namespace weir
