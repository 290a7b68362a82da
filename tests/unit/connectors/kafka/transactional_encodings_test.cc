#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/escaping.h"

#include "connectors/kafka/transactional/committable.h"
#include "connectors/kafka/transactional/record_checksum.h"
#include "connectors/kafka/transactional/transaction_marker.h"
#include "connectors/kafka/transactional/transactional_id.h"
#include "connectors/kafka/transactional/writer_instructions.h"

namespace weir::kafka {
namespace {

using testing::HasSubstr;

Payload Bytes(const char* text) { return {text, std::char_traits<char>::length(text), false}; }
constexpr Payload kNull{nullptr, 0, true};

TEST(TransactionalIdTest, IsParsedFromTheRight) {
  const TransactionalId id{"cluster-job~1~2-sink", 7, 3, 0};
  EXPECT_EQ(id.ToString(), "cluster-job~1~2-sink~7~3~0");
  EXPECT_EQ(TransactionalId::Parse(id.ToString(), id.prefix), id);
}

TEST(TransactionalIdTest, TheLargestNumbersFit) {
  const TransactionalId id{"p", 18446744073709551615u, 4294967295u, 4294967295u};
  EXPECT_EQ(TransactionalId::Parse(id.ToString(), "p"), id);
}

TEST(TransactionalIdTest, NothingElseIsTakenForAnId) {
  for (const char* id : {"p~1~2",
                         "p~1~2~",
                         "p~1~2~03",
                         "p~+1~2~3",
                         "p~-1~2~3",
                         "p~ 1~2~3",
                         "p~1~2~3 ",
                         "p~1~~3",
                         "q~1~2~3",
                         "pp~1~2~3",
                         "p~0~1~2~3",
                         "p1~2~3",
                         "~1~2~3",
                         "",
                         "p~owner",
                         "p~replay",
                         "p~1~2~4294967296",
                         "p~1~4294967296~2",
                         "p~18446744073709551616~1~2",
                         "p~0x1~2~3"}) {
    EXPECT_EQ(TransactionalId::Parse(id, "p"), std::nullopt) << id;
  }
}

TEST(TransactionalIdTest, OwnerAndReplayHaveNamesThatNoSlotHas) {
  EXPECT_EQ(OwnerId("p"), "p~owner");
  EXPECT_EQ(ReplayId("p"), "p~replay");
}

TEST(TransactionMarkerTest, IsOneFrozenLine) {
  const TransactionMarker marker{"j-1f", 3, Epoch(12), {4000, 5}};
  EXPECT_EQ(marker.Encode(), "1 3 12 4000 5 j-1f");
  const auto decoded = TransactionMarker::Decode(marker.Encode());
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(*decoded, marker);
}

TEST(TransactionMarkerTest, OtherMetadataIsNoMarker) {
  for (const char* metadata :
       {"", "x", "2 3 12 4000 5 run", "1 3 12 4000 5", "1 3 12 4000 5 ", "1 03 12 4000 5 run",
        "1 3 12 -1 5 run", "1 3 12 4000 32768 run", "1 3  4000 5 run", "1 3 12 4000 5run"}) {
    EXPECT_EQ(TransactionMarker::Decode(metadata).status().code(), absl::StatusCode::kDataLoss)
        << metadata;
  }
}

Committable Sample() {
  Committable committable;
  committable.transactional_id = "p~7~3~0";
  committable.topic = "out";
  committable.marker = {"j-1f", 3, Epoch(12), {4000, 5}};
  committable.started = absl::FromUnixMillis(1700000000123);
  committable.timeout = absl::Minutes(15);
  committable.ranges[0] = {100, 104, 3, 0xfedcba9876543210u};
  committable.ranges[6] = {0, 0, 1, 1};
  return committable;
}

constexpr char kSampleHex[] =
    "0001"                  // version
    "08707e377e337e30"      // transactional id
    "046f7574"              // topic
    "056a2d3166"            // run
    "0000000000000003"      // generation
    "000000000000000c"      // epoch
    "0000000000000fa00005"  // producer id and epoch
    "0000018bcfe5687b"      // start
    "00000000000dbba0"      // timeout
    "03"                    // two ranges
    "00000000"
    "0000000000000064"
    "0000000000000068"
    "0000000000000003"
    "fedcba9876543210"
    "00000006"
    "0000000000000000"
    "0000000000000000"
    "0000000000000001"
    "0000000000000001";

TEST(CommittableTest, VersionOneIsFrozen) {
  EXPECT_EQ(absl::BytesToHexString(Sample().Encode()), kSampleHex);
  const auto decoded = Committable::Decode(absl::HexStringToBytes(kSampleHex));
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(*decoded, Sample());
}

TEST(CommittableTest, EveryCutIsDataLoss) {
  const std::string bytes = Sample().Encode();
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_EQ(Committable::Decode(bytes.substr(0, size)).status().code(),
              absl::StatusCode::kDataLoss)
        << size;
  }
  EXPECT_EQ(Committable::Decode(bytes + "x").status().code(), absl::StatusCode::kDataLoss);
}

TEST(CommittableTest, ANewerVersionIsNamed) {
  std::string bytes = Sample().Encode();
  bytes[1] = 2;
  const absl::Status status = Committable::Decode(bytes).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("version 2"));
}

TEST(CommittableTest, RangesThatCannotBeAreDataLoss) {
  for (const WrittenRange& range : {WrittenRange{5, 4, 1, 0}, WrittenRange{-1, 4, 1, 0},
                                    WrittenRange{0, 1, 3, 0}, WrittenRange{0, 1, 0, 0}}) {
    Committable committable = Sample();
    committable.ranges[0] = range;
    EXPECT_EQ(Committable::Decode(committable.Encode()).status().code(),
              absl::StatusCode::kDataLoss);
  }
}

TEST(WriterInstructionsTest, VersionsAreFrozen) {
  WriterInstructions instructions{9, "c-job-sink", absl::Minutes(15), 4};
  const std::string fields =
      "0000000000000009"
      "0b632d6a6f622d73696e6b"
      "00000000000dbba0";
  EXPECT_EQ(absl::BytesToHexString(instructions.Encode()),
            absl::StrCat("0002", fields, "0000000000000004"));
  auto decoded = WriterInstructions::Decode(instructions.Encode());
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(*decoded, instructions);

  decoded = WriterInstructions::Decode(absl::HexStringToBytes(absl::StrCat("0001", fields)));
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  instructions.generation = 0;  // version 1 does not know it
  EXPECT_EQ(*decoded, instructions);
}

TEST(WriterInstructionsTest, GarbageIsRefused) {
  const std::string bytes = WriterInstructions{9, "p", absl::Minutes(15)}.Encode();
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_EQ(WriterInstructions::Decode(bytes.substr(0, size)).status().code(),
              absl::StatusCode::kDataLoss)
        << size;
  }
  EXPECT_FALSE(
      WriterInstructions::Decode(WriterInstructions{0, "p", absl::Minutes(1)}.Encode()).ok());
  EXPECT_FALSE(
      WriterInstructions::Decode(WriterInstructions{1, "p", absl::ZeroDuration()}.Encode()).ok());
  EXPECT_EQ(WriterInstructions::Decode("\x7f\x7f" + bytes.substr(2)).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

// The sums are in checkpoints: these values never change.
TEST(RecordChecksumTest, IsFrozen) {
  const std::string thousand(1000, 'v');
  EXPECT_EQ(RecordChecksum(kNull, kNull), 0x09327e4bbaabc7b9u);
  EXPECT_EQ(RecordChecksum(kNull, Bytes("")), 0xf6cd81b445543846u);
  EXPECT_EQ(RecordChecksum(Bytes(""), kNull), 0xbed0ed8a1effe80cu);
  EXPECT_EQ(RecordChecksum(Bytes(""), Bytes("")), 0x412f1275e10017f3u);
  EXPECT_EQ(RecordChecksum(Bytes("key"), Bytes("value")), 0xb19fcf792e11118eu);
  EXPECT_EQ(RecordChecksum(Bytes("k"), Bytes(thousand.c_str())), 0x91294cc1badf2a99u);
}

TEST(RecordChecksumTest, TheBorderBetweenKeyAndValueCounts) {
  EXPECT_NE(RecordChecksum(Bytes("a"), Bytes("b")), RecordChecksum(Bytes("ab"), Bytes("")));
  EXPECT_NE(RecordChecksum(Bytes("a"), Bytes("b")), RecordChecksum(Bytes("b"), Bytes("a")));
  EXPECT_NE(RecordChecksum(Bytes("a"), Bytes("")), RecordChecksum(Bytes(""), Bytes("a")));
  EXPECT_NE(RecordChecksum(kNull, Bytes("a")), RecordChecksum(Bytes(""), Bytes("a")));
}

}  // namespace
}  // namespace weir::kafka
