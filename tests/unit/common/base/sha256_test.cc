#include "common/base/sha256.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/temporary_directory.h"

namespace weir {
namespace {

// FIPS 180-2, appendix B.1 and B.2.
constexpr absl::string_view kAbcHash =
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

TEST(Sha256Test, MatchesTheStandardsExamples) {
  EXPECT_EQ(Sha256Hex("abc"), kAbcHash);
  EXPECT_EQ(Sha256Hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

TEST(Sha256Test, PiecesGiveTheHashOfTheWhole) {
  Sha256 hash;
  hash.Update("a");
  hash.Update("");
  hash.Update("bc");
  EXPECT_EQ(hash.FinishHex(), kAbcHash);
}

TEST(Sha256Test, FileGivesTheHashOfItsBytes) {
  const TemporaryDirectory directory;
  std::ofstream(directory.File("abc")) << "abc";
  EXPECT_EQ(Sha256HexOfFile(directory.File("abc")).value(), kAbcHash);
}

TEST(Sha256Test, MissingFileIsNotFound) {
  const TemporaryDirectory directory;
  const absl::Status status = Sha256HexOfFile(directory.File("missing")).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound) << status;
}

TEST(Sha256Test, DirectoryIsAnError) {
  EXPECT_EQ(Sha256HexOfFile("/").status().code(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace weir
