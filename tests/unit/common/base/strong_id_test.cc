#include "common/base/strong_id.h"

#include <gtest/gtest.h>

#include <sstream>
#include <type_traits>
#include <unordered_set>

#include "common/base/ids.h"

namespace weir {
namespace {

static_assert(!std::is_convertible_v<Generation, Epoch>);
static_assert(!std::is_convertible_v<uint64_t, Epoch>);
static_assert(!std::is_convertible_v<JobId, WorkerId>);

TEST(StrongIdTest, DefaultIsNone) {
  EXPECT_TRUE(Generation().is_none());
  EXPECT_TRUE(JobId().is_none());
  EXPECT_FALSE(JobId("a").is_none());
}

TEST(StrongIdTest, OrdersAndCounts) {
  EXPECT_LT(Epoch(1), Epoch(2));
  EXPECT_EQ(Epoch(1).Next(), Epoch(2));
  EXPECT_LT(SubtaskId({VertexId(1), 9}), SubtaskId({VertexId(2), 0}));
}

TEST(StrongIdTest, HashesAndPrints) {
  const std::unordered_set<JobId> jobs = {JobId("a"), JobId("b"), JobId("a")};
  EXPECT_EQ(jobs.size(), 2u);
  std::ostringstream out;
  out << JobId("a") << Epoch(7);
  EXPECT_EQ(out.str(), "a7");
}

}  // namespace
}  // namespace weir
