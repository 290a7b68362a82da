#include "state/api/state_schema.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "state/api/state_codec.h"

namespace weir {
namespace {

struct Before {
  int32_t id = 0;
  std::string name;
  WEIR_RECORD(Before, id, name)
};
struct After {
  std::string id;
  std::string name;
  WEIR_RECORD(After, id, name)
};

template <class Written, class Wanted>
std::string Compare() {
  const auto result = CompareSchemas(StateCodec<Written>::Schema(), StateCodec<Wanted>::Schema());
  if (!result.ok()) return std::string(result.status().message());
  return *result == SchemaCompatibility::kSame ? "same" : "migrated";
}

TEST(StateSchemaTest, Integers) {
  EXPECT_EQ((Compare<int32_t, int32_t>()), "same");
  EXPECT_EQ((Compare<int32_t, int64_t>()), "migrated");
  EXPECT_EQ((Compare<int8_t, int16_t>()), "migrated");
  EXPECT_EQ((Compare<uint8_t, uint64_t>()), "migrated");
  EXPECT_EQ((Compare<int64_t, int32_t>()), "it was int64 and is int32");
  EXPECT_EQ((Compare<uint32_t, int64_t>()), "it was uint32 and is int64");
  EXPECT_EQ((Compare<int32_t, uint32_t>()), "it was int32 and is uint32");
  EXPECT_EQ((Compare<bool, int32_t>()), "it was bool and is int32");
  EXPECT_EQ((Compare<float, double>()), "it was float and is double");
}

TEST(StateSchemaTest, Differences) {
  EXPECT_EQ((Compare<std::chrono::seconds, std::chrono::milliseconds>()),
            "it was duration(1/1) and is duration(1/1000)");
  EXPECT_EQ((Compare<int64_t, std::optional<int64_t>>()), "it was int64 and is optional<int64>");
  EXPECT_EQ((Compare<std::vector<std::pair<int64_t, std::string>>,
                     std::vector<std::pair<int64_t, int64_t>>>()),
            "field 'second' was string and is int64");
  EXPECT_EQ((Compare<Before, After>()), "field 'id' was int32 and is string");
  EXPECT_EQ(
      (Compare<std::pair<std::optional<Before>, bool>, std::pair<std::optional<After>, bool>>()),
      "field 'first.id' was int32 and is string");
  EXPECT_EQ((Compare<Before, std::string>()), "it was record{id int32, name string} and is string");
}

TEST(StateSchemaTest, TooDeepIsRefused) {
  const std::string deep(100, static_cast<char>(StateSchema::Kind::kList));
  ByteReader in(deep);
  StateSchema schema;
  EXPECT_FALSE(StateSchema::ReadFrom(in, &schema));
}

TEST(StateSchemaTest, ARecordWithoutFieldsIsRefused) {
  const std::string bytes{static_cast<char>(StateSchema::Kind::kRecord), '\0'};
  ByteReader in(bytes);
  StateSchema schema;
  EXPECT_FALSE(StateSchema::ReadFrom(in, &schema));
}

}  // namespace
}  // namespace weir
