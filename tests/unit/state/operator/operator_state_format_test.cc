#include "state/operator/operator_state_format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "common/base/stable_hash.h"
#include "common/types/byte_reader.h"
#include "state/api/state_codec.h"

namespace weir {
namespace {

using testing::HasSubstr;

const WrittenOperatorState kList{
    "list", OperatorStateMode::kList, StateCodec<std::string>::Schema(), {}};

/// A body under a right preamble.
std::string ObjectOf(const std::string& body, uint32_t version = kOperatorStateVersion) {
  std::string object = "WEIROPST";
  AppendFixed(version, &object);
  AppendFixed(StableHash64(absl::string_view(body)), &object);
  return object + body;
}

absl::Status Decode(const std::string& object) {
  return DecodeOperatorState(object, OperatorStateMode::kList).status();
}

TEST(OperatorStateFormatTest, WhatIsWrittenIsRead) {
  OperatorStateWriter writer;
  writer.BeginState(kList, 2);
  writer.AddListElement("one");
  writer.AddListElement("");
  const std::string object = writer.Take();
  const auto states = DecodeOperatorState(object, OperatorStateMode::kList);
  ASSERT_TRUE(states.ok()) << states.status();
  ASSERT_EQ(states->size(), 1u);
  EXPECT_EQ((*states)[0].info, kList);
  ASSERT_EQ((*states)[0].elements.size(), 2u);
  absl::string_view value;
  ASSERT_TRUE(ReadListElement((*states)[0].elements[0], &value));
  EXPECT_EQ(value, "one");
  ASSERT_TRUE(ReadListElement((*states)[0].elements[1], &value));
  EXPECT_EQ(value, "");
}

TEST(OperatorStateFormatTest, NoStateIsNoObject) { EXPECT_EQ(OperatorStateWriter().Take(), ""); }

TEST(OperatorStateFormatTest, ANewerVersionIsRefused) {
  const absl::Status status = Decode(ObjectOf("", 2));
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(status.message(),
            "a snapshot of operator state has format version 2; this program reads version 1");
}

// The checksum says that somebody wrote it so: counts and sizes must not be believed all the same.
TEST(OperatorStateFormatTest, ABodyThatCannotBeIsRefused) {
  std::string many;
  AppendVarint(uint64_t{1} << 60, &many);
  EXPECT_THAT(Decode(ObjectOf(many)).message(), HasSubstr("the number of its states"));
  OperatorStateWriter writer;
  writer.BeginState(kList, 3);
  writer.AddListElement("one");
  EXPECT_THAT(Decode(writer.Take()).message(), HasSubstr("the elements of state 'list'"));
  writer.BeginState(kList, 0);
  EXPECT_THAT(Decode(writer.Take()).message(), HasSubstr("the elements of state 'list'"));
  writer.BeginState(kList, 1);
  writer.AddListElement("one");
  writer.AddListElement("two");
  EXPECT_THAT(Decode(writer.Take()).message(), HasSubstr("more behind its end"));
  EXPECT_THAT(Decode("WEIRKEYS").message(), HasSubstr("does not begin as one"));
}

}  // namespace
}  // namespace weir
