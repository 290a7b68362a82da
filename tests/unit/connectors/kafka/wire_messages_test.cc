// Every message against bytes that Kafka's own classes (kafka-clients 3.9.1,
// MessageUtil.toByteBuffer) made of the same values, and cut off at every byte.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/escaping.h"

#include "connectors/kafka/wire/add_offsets_to_txn_message.h"
#include "connectors/kafka/wire/api_versions_message.h"
#include "connectors/kafka/wire/describe_transactions_message.h"
#include "connectors/kafka/wire/end_txn_message.h"
#include "connectors/kafka/wire/fetch_message.h"
#include "connectors/kafka/wire/find_coordinator_message.h"
#include "connectors/kafka/wire/init_producer_id_message.h"
#include "connectors/kafka/wire/list_offsets_message.h"
#include "connectors/kafka/wire/list_transactions_message.h"
#include "connectors/kafka/wire/metadata_message.h"
#include "connectors/kafka/wire/offset_fetch_message.h"
#include "connectors/kafka/wire/txn_offset_commit_message.h"
#include "connectors/kafka/wire/wire_codec.h"

namespace weir::kafka {
namespace {

using testing::HasSubstr;

template <class Message>
void ExpectGolden(const Message& message, int16_t version, const std::string& hex) {
  SCOPED_TRACE(std::string(Message::kName) + " version " + std::to_string(version));
  const std::string bytes = absl::HexStringToBytes(hex);
  WireWriter writer;
  EncodeMessage(message, version, writer);
  EXPECT_EQ(absl::BytesToHexString(writer.bytes()), hex);
  const auto decoded = DecodeMessage<Message>(version, bytes);
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(*decoded, message);
  for (size_t size = 0; size < bytes.size(); ++size) {
    const auto cut = DecodeMessage<Message>(version, absl::string_view(bytes).substr(0, size));
    ASSERT_EQ(cut.status().code(), absl::StatusCode::kDataLoss) << size << " bytes";
    EXPECT_THAT(std::string(cut.status().message()), HasSubstr(Message::kName));
  }
  EXPECT_EQ(DecodeMessage<Message>(version, bytes + "x").status().code(),
            absl::StatusCode::kDataLoss);
}

TEST(WireMessagesTest, ApiVersions) {
  ExpectGolden(ApiVersionsRequest(), 0, "");
  ApiVersionsResponse response;
  response.api_keys = {{26, 0, 4}};
  ExpectGolden(response, 0, "000000000001001a00000004");
}

TEST(WireMessagesTest, Metadata) {
  MetadataRequest request;
  request.topics.emplace().push_back("out");
  ExpectGolden(request, 4, "0000000100036f757400");
  ExpectGolden(request, 8, "0000000100036f7574000000");
  request.topics = std::nullopt;
  ExpectGolden(request, 4, "ffffffff00");
  MetadataResponse response;
  response.cluster_id = "c";
  response.controller_id = 1;
  response.brokers = {{1, "h", 9092, std::nullopt}};
  MetadataResponse::Topic topic;
  topic.name = "out";
  topic.partitions = {{0, 2, 1, -1, {1, 3}, {1}, {}}};
  response.topics = {topic};
  MetadataResponse::Partition& partition = response.topics[0].partitions[0];
  ExpectGolden(response, 4,
               "00000000000000010000000100016800002384ffff0001630000000100000001000000036f757400"
               "00000001000000000002000000010000000200000001000000030000000100000001");
  partition.offline_replicas = {3};
  ExpectGolden(response, 5,
               "00000000000000010000000100016800002384ffff0001630000000100000001000000036f757400"
               "00000001000000000002000000010000000200000001000000030000000100000001000000010000"
               "0003");
  partition.leader_epoch = 5;
  ExpectGolden(response, 7,
               "00000000000000010000000100016800002384ffff0001630000000100000001000000036f757400"
               "00000001000000000002000000010000000500000002000000010000000300000001000000010000"
               "000100000003");
  ExpectGolden(response, 8,
               "00000000000000010000000100016800002384ffff0001630000000100000001000000036f757400"
               "00000001000000000002000000010000000500000002000000010000000300000001000000010000"
               "0001000000038000000080000000");
}

TEST(WireMessagesTest, FindCoordinator) {
  FindCoordinatorRequest request;
  request.key = "p~1~0~0";
  request.key_type = static_cast<int8_t>(CoordinatorKeyType::kTransaction);
  ExpectGolden(request, 1, "0007707e317e307e3001");
  ExpectGolden(request, 3, "08707e317e307e300100");
  FindCoordinatorResponse response{1, 0, "NONE", 1, "h", 9092};
  ExpectGolden(response, 1, "00000001000000044e4f4e450000000100016800002384");
  ExpectGolden(response, 3, "000000010000054e4f4e450000000102680000238400");
}

TEST(WireMessagesTest, EndTxn) {
  EndTxnRequest request{"p~1~0~0", 4711, 3, true};
  ExpectGolden(request, 1, "0007707e317e307e300000000000001267000301");
  ExpectGolden(request, 2, "0007707e317e307e300000000000001267000301");
  ExpectGolden(request, 3, "08707e317e307e30000000000000126700030100");
  ExpectGolden(request, 4, "08707e317e307e30000000000000126700030100");
  EndTxnResponse response{7, 90};
  ExpectGolden(response, 1, "00000007005a");
  ExpectGolden(response, 4, "00000007005a00");
}

TEST(WireMessagesTest, AddOffsetsToTxn) {
  AddOffsetsToTxnRequest request{"t", 4711, 3, "g"};
  ExpectGolden(request, 0, "00017400000000000012670003000167");
  ExpectGolden(request, 3,
               "0274000000000000126700030267"
               "00");
  AddOffsetsToTxnResponse response{7, 51};
  ExpectGolden(response, 0, "000000070033");
  ExpectGolden(response, 3, "00000007003300");
}

TEST(WireMessagesTest, TxnOffsetCommit) {
  TxnOffsetCommitRequest request;
  request.transactional_id = "t";
  request.group_id = "g";
  request.producer_id = 4711;
  request.producer_epoch = 3;
  request.topics = {{"out", {{0, 7, -1, "m"}}}};
  ExpectGolden(request, 3,
               "0274"
               "0267"
               "0000000000001267"
               "0003"
               "ffffffff"
               "01"
               "00"
               "02"
               "046f7574"
               "02"
               "00000000"
               "0000000000000007"
               "ffffffff"
               "026d"
               "00"
               "00"
               "00");
  TxnOffsetCommitResponse response{7, {{"out", {{0, 16}}}}};
  ExpectGolden(response, 3,
               "00000007"
               "02"
               "046f7574"
               "02"
               "00000000"
               "0010"
               "00"
               "00"
               "00");
}

TEST(WireMessagesTest, InitProducerId) {
  InitProducerIdRequest request;
  request.transactional_id = "p~1~0~0";
  request.transaction_timeout_ms = 60000;
  ExpectGolden(request, 1, "0007707e317e307e300000ea60");
  ExpectGolden(request, 2, "08707e317e307e300000ea6000");
  ExpectGolden(request, 3, "08707e317e307e300000ea60ffffffffffffffffffff00");
  ExpectGolden(request, 4, "08707e317e307e300000ea60ffffffffffffffffffff00");
  InitProducerIdResponse response{7, 0, 4711, 4};
  ExpectGolden(response, 1, "00000007000000000000000012670004");
  ExpectGolden(response, 4, "0000000700000000000000001267000400");
}

TEST(WireMessagesTest, ListTransactions) {
  ListTransactionsRequest request;
  request.state_filters = {"Ongoing"};
  request.producer_id_filters = {4711};
  ExpectGolden(request, 0, "02084f6e676f696e6702000000000000126700");
  ExpectGolden(request, 1, "02084f6e676f696e67020000000000001267ffffffffffffffff00");
  ListTransactionsResponse response{1, 0, {"x"}, {{"t", 4711, "Ongoing"}}};
  ExpectGolden(response, 0, "0000000100000202780202740000000000001267084f6e676f696e670000");
  ExpectGolden(response, 1, "0000000100000202780202740000000000001267084f6e676f696e670000");
}

TEST(WireMessagesTest, DescribeTransactions) {
  DescribeTransactionsRequest request{{"t", "u"}};
  ExpectGolden(request, 0, "030274027500");
  DescribeTransactionsResponse response;
  response.transaction_states = {
      {0, "t", "Ongoing", 60000, 1700000000000, 4711, 3, {{"out", {0, 2}}}}};
  ExpectGolden(response, 0,
               "000000000200000274084f6e676f696e670000ea600000018bcfe568000000000000001267000302"
               "046f7574030000000000000002000000");
}

TEST(WireMessagesTest, OffsetFetch) {
  OffsetFetchRequest request;
  request.group_id = "g";
  request.topics.emplace().push_back({"out", {0}});
  request.require_stable = true;
  ExpectGolden(request, 7, "026702046f75740200000000000100");
  OffsetFetchResponse response;
  response.topics = {{"out", {{0, 12, -1, "run:12", 88}}}};
  ExpectGolden(response, 7,
               "0000000002046f75740200000000000000000000000cffffffff0772756e3a313200580000000000");
}

TEST(WireMessagesTest, Fetch) {
  FetchRequest request;
  request.max_wait_ms = 100;
  request.min_bytes = 1;
  request.max_bytes = 1048576;
  request.topics = {{"out", {{2, -1, 40, -1, 65536}}}};
  ExpectGolden(request, 4,
               "ffffffff000000640000000100100000000000000100036f75740000000100000002000000000000"
               "002800010000");
  ExpectGolden(request, 5,
               "ffffffff000000640000000100100000000000000100036f75740000000100000002000000000000"
               "0028ffffffffffffffff00010000");
  ExpectGolden(request, 7,
               "ffffffff0000006400000001001000000000000000ffffffff0000000100036f7574000000010000"
               "00020000000000000028ffffffffffffffff0001000000000000");
  ExpectGolden(request, 9,
               "ffffffff0000006400000001001000000000000000ffffffff0000000100036f7574000000010000"
               "0002ffffffff0000000000000028ffffffffffffffff0001000000000000");
  ExpectGolden(request, 11,
               "ffffffff0000006400000001001000000000000000ffffffff0000000100036f7574000000010000"
               "0002ffffffff0000000000000028ffffffffffffffff00010000000000000000");
  FetchResponse response;
  response.throttle_time_ms = 1;
  FetchResponse::Partition partition;
  partition.partition_index = 2;
  partition.high_watermark = 43;
  partition.last_stable_offset = 43;
  partition.aborted_transactions = {{4711, 40}};
  response.responses = {{"out", {partition}}};
  ExpectGolden(response, 4,
               "000000010000000100036f757400000001000000020000000000000000002b000000000000002b00"
               "00000100000000000012670000000000000028ffffffff");
  response.responses[0].partitions[0].log_start_offset = 7;
  ExpectGolden(response, 5,
               "000000010000000100036f757400000001000000020000000000000000002b000000000000002b00"
               "000000000000070000000100000000000012670000000000000028ffffffff");
  ExpectGolden(response, 7,
               "000000010000000000000000000100036f757400000001000000020000000000000000002b000000"
               "000000002b00000000000000070000000100000000000012670000000000000028ffffffff");
  ExpectGolden(response, 11,
               "000000010000000000000000000100036f757400000001000000020000000000000000002b000000"
               "000000002b00000000000000070000000100000000000012670000000000000028ffffffffffffff"
               "ff");
}

TEST(WireMessagesTest, ListOffsets) {
  ListOffsetsRequest request;
  request.isolation_level = static_cast<int8_t>(IsolationLevel::kReadCommitted);
  request.topics = {{"out", {{2, -1, kLatestTimestamp}}}};
  ExpectGolden(request, 2, "ffffffff010000000100036f75740000000100000002ffffffffffffffff");
  ExpectGolden(request, 4, "ffffffff010000000100036f75740000000100000002ffffffffffffffffffffffff");
  ExpectGolden(request, 5, "ffffffff010000000100036f75740000000100000002ffffffffffffffffffffffff");
  ListOffsetsResponse response;
  response.throttle_time_ms = 1;
  response.topics = {{"out", {{2, 6, -1, 43, -1}}}};
  ExpectGolden(response, 2,
               "000000010000000100036f757400000001000000020006ffffffffffffffff000000000000002b");
  ExpectGolden(response, 4,
               "000000010000000100036f757400000001000000020006ffffffffffffffff000000000000002bff"
               "ffffff");
  ExpectGolden(response, 5,
               "000000010000000100036f757400000001000000020006ffffffffffffffff000000000000002bff"
               "ffffff");
}

// What is optional in a version is carried by the versions that have it.
TEST(WireMessagesTest, EveryVersionOfFetchRoundTrips) {
  FetchRequest request;
  request.topics = {{"out", {{2, -1, 40, -1, 65536}}}};
  FetchResponse response;
  response.responses = {{"out", {FetchResponse::Partition()}}};
  response.responses[0].partitions[0].records = std::string("\0\1", 2);
  for (int16_t version = kFetchApi.min_version; version <= kFetchApi.max_version; ++version) {
    WireWriter asked, answered;
    EncodeMessage(request, version, asked);
    EncodeMessage(response, version, answered);
    EXPECT_EQ(*DecodeMessage<FetchRequest>(version, asked.bytes()), request) << version;
    EXPECT_EQ(*DecodeMessage<FetchResponse>(version, answered.bytes()), response) << version;
  }
}

// KIP-482: a reader skips tagged fields that it does not know.
TEST(WireMessagesTest, UnknownTaggedFieldsAreSkipped) {
  const auto decoded =
      DecodeMessage<EndTxnResponse>(3, absl::HexStringToBytes("00000007005a0205026162060163"));
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(decoded->error_code, 90);
}

TEST(WireMessagesTest, AFalseCountIsRefusedBeforeAnythingIsAllocated) {
  // A list of 2^31 - 2 transactions in 12 bytes.
  const auto decoded = DecodeMessage<DescribeTransactionsResponse>(
      0, absl::HexStringToBytes("00000000ffffffff0700000000"));
  EXPECT_EQ(decoded.status().code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(decoded.status().message()), HasSubstr("transaction_states: truncated"));
}

}  // namespace
}  // namespace weir::kafka
