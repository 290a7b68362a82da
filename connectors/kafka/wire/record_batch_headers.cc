#include "connectors/kafka/wire/record_batch_headers.h"

#include <limits>

#include "absl/strings/str_cat.h"

#include "connectors/kafka/wire/wire_reader.h"

namespace weir::kafka {
namespace {

// Base offset and length, which the length does not count.
constexpr size_t kPrefixBytes = 12;
constexpr size_t kHeaderBytes = 61;
constexpr size_t kMagicAt = 16;
constexpr int8_t kMagic = 2;
constexpr int16_t kTransactionalBit = 0x10;
constexpr int16_t kControlBit = 0x20;

absl::Status Malformed(size_t at, absl::string_view problem) {
  return absl::DataLossError(absl::StrCat("record batch at byte ", at, ": ", problem));
}

/// `batch` is whole and at least kHeaderBytes long.
RecordBatchHeader ReadHeader(absl::string_view batch) {
  WireReader reader(batch);
  RecordBatchHeader header;
  header.base_offset = reader.Int64("base offset");
  reader.Int32("batch length");
  reader.Int32("partition leader epoch");
  reader.Int8("magic");
  reader.Int32("checksum");
  const int16_t attributes = reader.Int16("attributes");
  header.transactional = (attributes & kTransactionalBit) != 0;
  header.control = (attributes & kControlBit) != 0;
  header.last_offset = reader.Int32("last offset delta");
  reader.Int64("base timestamp");
  reader.Int64("max timestamp");
  header.producer_id = reader.Int64("producer id");
  header.producer_epoch = reader.Int16("producer epoch");
  header.base_sequence = reader.Int32("base sequence");
  header.record_count = reader.Int32("record count");
  return header;
}

}  // namespace

absl::StatusOr<std::vector<RecordBatchHeader>> ReadRecordBatchHeaders(absl::string_view records) {
  std::vector<RecordBatchHeader> headers;
  int64_t next_offset = 0;
  size_t at = 0;
  while (records.size() - at >= kPrefixBytes) {
    const absl::string_view rest = records.substr(at);
    WireReader prefix(rest);
    prefix.Int64("base offset");
    const int32_t length = prefix.Int32("batch length");
    if (length < static_cast<int32_t>(kHeaderBytes - kPrefixBytes)) {
      return Malformed(at, absl::StrCat("a length of ", length));
    }
    if (rest.size() > kMagicAt && rest[kMagicAt] != kMagic) {
      return Malformed(at, absl::StrCat("magic ", static_cast<int>(rest[kMagicAt])));
    }
    const size_t bytes = kPrefixBytes + static_cast<size_t>(length);
    if (bytes > rest.size()) break;  // cut off
    RecordBatchHeader header = ReadHeader(rest.substr(0, bytes));
    const int64_t delta = header.last_offset;
    if (header.base_offset < next_offset || delta < 0 || header.record_count < 0 ||
        header.base_offset > std::numeric_limits<int64_t>::max() - delta - 1) {
      return Malformed(at, absl::StrCat("base offset ", header.base_offset, ", last offset delta ",
                                        delta, ", ", header.record_count, " records"));
    }
    header.last_offset = header.base_offset + delta;
    next_offset = header.last_offset + 1;
    headers.push_back(header);
    at += bytes;
  }
  return headers;
}

}  // namespace weir::kafka
