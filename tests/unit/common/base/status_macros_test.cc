#include "common/base/status_macros.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>

#include "absl/strings/cord.h"

namespace weir {
namespace {

absl::StatusOr<std::unique_ptr<int>> Boxed(int value) {
  if (value < 0) return absl::OutOfRangeError("negative");
  return std::make_unique<int>(value);
}

absl::StatusOr<int> Sum(int a, int b) {
  WEIR_ASSIGN_OR_RETURN(const std::unique_ptr<int> left, Boxed(a));
  std::unique_ptr<int> right;
  WEIR_ASSIGN_OR_RETURN(right, Boxed(b));
  return *left + *right;
}

absl::Status Both(const absl::Status& first, const absl::Status& second) {
  WEIR_RETURN_IF_ERROR(first);
  WEIR_RETURN_IF_ERROR(second);
  return absl::OkStatus();
}

absl::StatusOr<std::map<int, int>> Map() { return std::map<int, int>{{1, 2}}; }

absl::StatusOr<size_t> CommasInTheExpression() {
  WEIR_ASSIGN_OR_RETURN(auto map, absl::StatusOr<std::map<int, int>>(Map()));
  return map.size();
}

TEST(StatusMacrosTest, AssignMovesTheValueOut) { EXPECT_EQ(Sum(1, 2).value(), 3); }

TEST(StatusMacrosTest, AssignReturnsTheError) {
  EXPECT_EQ(Sum(-1, 2).status(), absl::OutOfRangeError("negative"));
  EXPECT_EQ(Sum(1, -2).status(), absl::OutOfRangeError("negative"));
}

TEST(StatusMacrosTest, AssignTakesExpressionsWithCommas) {
  EXPECT_EQ(CommasInTheExpression().value(), 1u);
}

TEST(StatusMacrosTest, ReturnIfErrorReturnsTheFirstError) {
  EXPECT_EQ(Both(absl::OkStatus(), absl::OkStatus()), absl::OkStatus());
  EXPECT_EQ(Both(absl::AbortedError("a"), absl::DataLossError("b")), absl::AbortedError("a"));
  EXPECT_EQ(Both(absl::OkStatus(), absl::DataLossError("b")), absl::DataLossError("b"));
}

TEST(AnnotateTest, KeepsCodeAndPayloadsAndPrefixesTheMessage) {
  absl::Status status = absl::NotFoundError("no such file");
  status.SetPayload("weir/test", absl::Cord("payload"));
  const absl::Status annotated = Annotate(status, "checkpoint 7");
  EXPECT_EQ(annotated.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(annotated.message(), "checkpoint 7: no such file");
  EXPECT_EQ(annotated.GetPayload("weir/test").value_or(absl::Cord()), "payload");
}

TEST(AnnotateTest, OkStaysOk) { EXPECT_TRUE(Annotate(absl::OkStatus(), "x").ok()); }

}  // namespace
}  // namespace weir
