// Any bytes as one message of Kafka's protocol, or as the batches of a Fetch answer. The first byte
// chooses which, the second the version. What is accepted must come back equal when it is written
// and read again, and every error must name the message.

#include <cstddef>
#include <cstdint>
#include <limits>

#include "absl/status/status.h"
#include "absl/strings/match.h"

#include "common/base/check.h"
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
#include "connectors/kafka/wire/record_batch_headers.h"
#include "connectors/kafka/wire/txn_offset_commit_message.h"
#include "connectors/kafka/wire/wire_codec.h"

namespace weir::kafka {
namespace {

template <class Message>
void DecodeEncodeDecode(uint8_t selector, absl::string_view body) {
  constexpr int versions = Message::kApi.max_version - Message::kApi.min_version + 1;
  const auto version = static_cast<int16_t>(Message::kApi.min_version + selector % versions);
  const auto message = DecodeMessage<Message>(version, body);
  if (!message.ok()) {
    WEIR_CHECK(absl::IsDataLoss(message.status())) << message.status();
    WEIR_CHECK(absl::StartsWith(message.status().message(), Message::kName)) << message.status();
    return;
  }
  WireWriter writer;
  EncodeMessage(*message, version, writer);
  const auto again = DecodeMessage<Message>(version, writer.bytes());
  WEIR_CHECK(again.ok()) << again.status();
  WEIR_CHECK(*again == *message) << Message::kName;
}

void WalkBatches(absl::string_view records) {
  const auto headers = ReadRecordBatchHeaders(records);
  if (!headers.ok()) {
    WEIR_CHECK(absl::IsDataLoss(headers.status())) << headers.status();
    return;
  }
  WEIR_CHECK(headers->size() <= records.size() / 61);
  int64_t next = 0;
  for (const RecordBatchHeader& header : *headers) {
    WEIR_CHECK(header.base_offset >= next && header.last_offset >= header.base_offset);
    WEIR_CHECK(header.last_offset < std::numeric_limits<int64_t>::max());
    next = header.last_offset + 1;
  }
}

template <class... Messages>
void Dispatch(uint8_t choice, uint8_t version, absl::string_view body) {
  uint8_t index = 0;
  const uint8_t chosen = choice % (sizeof...(Messages) + 1);
  ((index++ == chosen ? DecodeEncodeDecode<Messages>(version, body) : void()), ...);
  if (chosen == sizeof...(Messages)) WalkBatches(body);
}

void FuzzOne(uint8_t choice, uint8_t version, absl::string_view body) {
  Dispatch<ApiVersionsRequest, ApiVersionsResponse, MetadataRequest, MetadataResponse,
           FindCoordinatorRequest, FindCoordinatorResponse, EndTxnRequest, EndTxnResponse,
           InitProducerIdRequest, InitProducerIdResponse, ListTransactionsRequest,
           ListTransactionsResponse, DescribeTransactionsRequest, DescribeTransactionsResponse,
           OffsetFetchRequest, OffsetFetchResponse, FetchRequest, FetchResponse, ListOffsetsRequest,
           ListOffsetsResponse, AddOffsetsToTxnRequest, AddOffsetsToTxnResponse,
           TxnOffsetCommitRequest, TxnOffsetCommitResponse>(choice, version, body);
}

}  // namespace
}  // namespace weir::kafka

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  weir::kafka::FuzzOne(data[0], data[1], {reinterpret_cast<const char*>(data) + 2, size - 2});
  return 0;
}
