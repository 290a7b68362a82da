// The walk over the batches of a Fetch answer.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/escaping.h"

#include "connectors/kafka/wire/record_batch_headers.h"

namespace weir::kafka {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Made by Kafka's MemoryRecords (kafka-clients 3.9.1): two records at offset 40 of producer 4711,
// epoch 3, from sequence 17, transactional, gzip; behind it the abort marker.
constexpr size_t kFirstBytes = 98;
std::string Records() {
  return absl::HexStringToBytes(
      "00000000000000280000005600000000022b4563470011000000010000018bcfe568000000018bcf"
      "e568010000000000001267000300000011000000021f8b08000000000000ff1362606060ca662933"
      "641062606202b18c180061a123d514000000000000000000002a000000420000000002fbdf6e7f00"
      "30000000000000018bcfe568020000018bcfe5680200000000000012670003ffffffff0000000120"
      "00000008000000000c00000000000900");
}

const RecordBatchHeader kData{40, 41, 4711, 3, 17, 2, true, false};
const RecordBatchHeader kMarker{42, 42, 4711, 3, -1, 1, true, true};

TEST(WireRecordBatchHeadersTest, CompressedRecordsAndMarkersOfKafka) {
  EXPECT_THAT(*ReadRecordBatchHeaders(Records()), ElementsAre(kData, kMarker));
  EXPECT_TRUE(ReadRecordBatchHeaders("")->empty());
}

TEST(WireRecordBatchHeadersTest, ACutOffBatchIsLeftOut) {
  const std::string records = Records();
  for (size_t size = 0; size < records.size(); ++size) {
    const auto headers = ReadRecordBatchHeaders(absl::string_view(records).substr(0, size));
    ASSERT_TRUE(headers.ok()) << size << " bytes: " << headers.status();
    EXPECT_EQ(headers->size(), size < kFirstBytes ? 0u : 1u) << size << " bytes";
  }
}

void ExpectMalformed(const std::string& records, const std::string& problem) {
  const auto headers = ReadRecordBatchHeaders(records);
  EXPECT_EQ(headers.status().code(), absl::StatusCode::kDataLoss) << problem;
  EXPECT_THAT(std::string(headers.status().message()), HasSubstr(problem));
}

TEST(WireRecordBatchHeadersTest, WhatIsNoBatchIsAnError) {
  std::string magic = Records();
  magic[kFirstBytes + 16] = 1;
  ExpectMalformed(magic, "record batch at byte 98: magic 1");
  std::string length = Records();
  length[11] = 48;
  ExpectMalformed(length, "record batch at byte 0: a length of 48");
  length[8] = '\xff';
  ExpectMalformed(length, "a length of -");
  std::string delta = Records();
  delta[23] = '\xff';
  ExpectMalformed(delta, "last offset delta -");
  std::string count = Records();
  count[57] = '\xff';
  ExpectMalformed(count, "records");
  std::string base = Records();
  base[0] = '\x7f';
  for (size_t i = 1; i < 8; ++i) base[i] = '\xff';
  ExpectMalformed(base, "base offset 9223372036854775807");
}

TEST(WireRecordBatchHeadersTest, OffsetsGoUp) {
  const std::string records = Records();
  ExpectMalformed(records + records, "record batch at byte 176: base offset 40");
}

}  // namespace
}  // namespace weir::kafka
