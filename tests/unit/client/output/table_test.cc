#include "client/output/table.h"

#include <gtest/gtest.h>

namespace weir::cli {
namespace {

TEST(TableTest, ColoursDoNotMoveColumns) {
  const std::vector<Row> rows = {
      {"STATE", "NAME"}, {State("FAILED"), "a"}, {State("CREATED"), "b"}};
  EXPECT_EQ(Table(rows, false), "STATE    NAME\nFAILED   a\nCREATED  b\n");
  EXPECT_EQ(Table(rows, true), "STATE    NAME\n\033[31mFAILED\033[0m   a\nCREATED  b\n");
}

TEST(TableTest, NothingStandsBehindTheLastCell) {
  EXPECT_EQ(Table({{"A", "LONG"}, {"b", ""}}, false), "A  LONG\nb\n");
}

}  // namespace
}  // namespace weir::cli
