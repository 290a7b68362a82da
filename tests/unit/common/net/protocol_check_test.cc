#include "common/net/protocol_check.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

#include "common/base/protocol_version.h"

namespace weir {
namespace {

constexpr uint32_t kNext = kProtocolVersion + 1;

TEST(ProtocolCheckTest, OverlappingRangesGoTogether) {
  EXPECT_TRUE(CheckProtocolVersions(kProtocolVersion, kNext, "the client", "this").ok());
  EXPECT_TRUE(CheckProtocolVersions(0, kProtocolVersionMin, "the client", "this").ok());
  EXPECT_TRUE(CheckProtocolHeader(ProtocolHeaderValue(), "the client", "this").ok());
}

TEST(ProtocolCheckTest, OthersAreRefusedNamingBothSides) {
  const std::string sentence =
      absl::StrCat("the client speaks protocol versions ", kNext, " to ", kNext + 1,
                   ", this JobManager ", kProtocolVersionMin, " to ", kProtocolVersion,
                   "; they have to be of releases that go together");
  EXPECT_EQ(
      CheckProtocolHeader(absl::StrCat(kNext, "-", kNext + 1), "the client", "this JobManager"),
      absl::FailedPreconditionError(sentence));
}

TEST(ProtocolCheckTest, WhoSaysNothingIsAdmitted) {
  for (const char* value : {"", "-", "1", "a-b", "1-2-3"}) {
    EXPECT_TRUE(CheckProtocolHeader(value, "the client", "this").ok()) << value;
  }
}

}  // namespace
}  // namespace weir
