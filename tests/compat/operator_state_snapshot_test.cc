// A snapshot of operator state of each format version, as it was written: it must be readable for
// ever (docs/formats/operator-state-snapshot.md).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "common/types/record.h"
#include "state/operator/operator_state_backend.h"

namespace weir {
namespace {

using testing::ElementsAre;
using testing::Pair;

struct Held {
  int32_t id = 0;
  std::string text;
  std::optional<double> weight;
  WEIR_RECORD(Held, id, text, weight)
};
/// What the job may have become.
struct LaterHeld {
  int64_t id = 0;
  std::string note = "none";
  WEIR_RECORD(LaterHeld, id, note)
};

const ListStateDescriptor<Held> kHeld("held");
const ListStateDescriptor<std::string> kNames("names");
const ListStateDescriptor<std::pair<int32_t, int64_t>> kOffsets("offsets");
const MapStateDescriptor<std::string, Held> kRules("rules");

OperatorStateObjects WriteNow() {
  OperatorStateBackend backend;
  backend.GetListState(kHeld).AddAll({{1, "one", 0.5}, {-2, "", std::nullopt}});
  backend.GetListState(kNames).Add("ada");
  backend.GetUnionListState(kOffsets).AddAll({{0, 17}, {3, int64_t{1} << 40}});
  backend.GetBroadcastState(kRules).Put("b", {7, "rule", -1.0});
  backend.GetBroadcastState(kRules).Put("a", {8, "other", std::nullopt});
  return backend.Freeze()->Write();
}

std::string PathOf(const std::string& object) {
  return std::string(std::getenv("WEIR_SOURCE_DIR")) + "/tests/compat/data/operator_state_1." +
         object;
}

std::string ReadFile(const std::string& object) {
  std::ifstream file(PathOf(object), std::ios::binary);
  EXPECT_TRUE(file.good()) << object;
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

OperatorStateParts Version1() {
  return {{std::make_shared<const std::string>(ReadFile("lists")),
           std::make_shared<const std::string>(ReadFile("union_lists")),
           std::make_shared<const std::string>(ReadFile("broadcast")),
           {{"held", 2}, {"names", 1}}}};
}

TEST(OperatorStateSnapshotCompatTest, Version1IsRead) {
  OperatorStateBackend backend;
  ASSERT_EQ(backend.Restore(Version1(), {0, 1}), absl::OkStatus());
  const std::vector<Held> held = backend.GetListState(kHeld).Get();
  ASSERT_EQ(held.size(), 2u);
  EXPECT_EQ(held[0].id, 1);
  EXPECT_EQ(held[0].text, "one");
  EXPECT_EQ(held[0].weight, 0.5);
  EXPECT_EQ(held[1].id, -2);
  EXPECT_EQ(held[1].weight, std::nullopt);
  EXPECT_THAT(backend.GetListState(kNames).Get(), ElementsAre("ada"));
  EXPECT_THAT(backend.GetUnionListState(kOffsets).Get(),
              ElementsAre(Pair(0, 17), Pair(3, int64_t{1} << 40)));
  EXPECT_THAT(backend.GetBroadcastState(kRules).Keys(), ElementsAre("a", "b"));
  EXPECT_EQ(backend.GetBroadcastState(kRules).Get("b")->text, "rule");
  EXPECT_EQ(backend.status(), absl::OkStatus());
}

TEST(OperatorStateSnapshotCompatTest, Version1IsMigrated) {
  OperatorStateBackend backend;
  ASSERT_EQ(backend.Restore(Version1(), {0, 1}), absl::OkStatus());
  const std::vector<LaterHeld> held =
      backend.GetListState(ListStateDescriptor<LaterHeld>("held")).Get();
  ASSERT_EQ(held.size(), 2u);
  EXPECT_EQ(held[1].id, -2);
  EXPECT_EQ(held[1].note, "none");
}

/// As long as version 1 is what is written, the same state has the same bytes.
TEST(OperatorStateSnapshotCompatTest, Version1IsWritten) {
  const OperatorStateObjects now = WriteNow();
  const std::pair<std::string, std::string> objects[] = {
      {"lists", now.lists}, {"union_lists", now.union_lists}, {"broadcast", now.broadcast}};
  for (const auto& [object, bytes] : objects) {
    if (bytes == ReadFile(object)) continue;
    const std::string path = testing::TempDir() + "operator_state_now." + object;
    std::ofstream(path, std::ios::binary) << bytes;
    ADD_FAILURE() << "the format has changed; what is written now is in " << path;
  }
}

}  // namespace
}  // namespace weir
