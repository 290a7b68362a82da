#include "connectors/kafka/transactional/committable.h"

#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

#include "common/base/check.h"
#include "connectors/kafka/wire/wire_reader.h"
#include "connectors/kafka/wire/wire_writer.h"

namespace weir::kafka {
namespace {

constexpr int16_t kVersion = 1;

void WriteRange(int32_t partition, const WrittenRange& range, WireWriter& out) {
  out.Int32(partition);
  out.Int64(range.first_offset);
  out.Int64(range.last_offset);
  out.Int64(static_cast<int64_t>(range.count));
  out.Int64(static_cast<int64_t>(range.checksum));
}

// A transaction's records in a partition are as many as offsets at most.
bool IsSound(const WrittenRange& range) {
  return range.first_offset >= 0 && range.last_offset >= range.first_offset && range.count > 0 &&
         range.count - 1 <= static_cast<uint64_t>(range.last_offset - range.first_offset);
}

void ReadRanges(WireReader& in, std::map<int32_t, WrittenRange>& ranges) {
  const size_t count = in.CompactArrayLength("ranges").value_or(0);
  if (in.ok() && count == 0) in.Fail("ranges", "there is none");
  int32_t before = -1;
  for (size_t i = 0; i < count && in.ok(); ++i) {
    const int32_t partition = in.Int32("partition");
    WrittenRange range;
    range.first_offset = in.Int64("first offset");
    range.last_offset = in.Int64("last offset");
    range.count = static_cast<uint64_t>(in.Int64("count"));
    range.checksum = static_cast<uint64_t>(in.Int64("checksum"));
    if (!in.ok()) return;
    if (partition <= before) in.Fail("partition", "not in order");
    if (!IsSound(range)) in.Fail("range", "cannot hold so many records");
    before = partition;
    ranges.emplace(partition, range);
  }
}

}  // namespace

std::string Committable::Encode() const {
  WEIR_CHECK(!ranges.empty()) << "an empty transaction is nothing to commit: " << transactional_id;
  WireWriter out;
  out.Int16(kVersion);
  out.CompactString(transactional_id);
  out.CompactString(topic);
  out.CompactString(marker.run);
  out.Int64(static_cast<int64_t>(marker.generation));
  out.Int64(static_cast<int64_t>(marker.epoch.value()));
  out.Int64(marker.producer.producer_id);
  out.Int16(marker.producer.epoch);
  out.Int64(absl::ToUnixMillis(started));  // Kafka's own resolution, of both
  out.Int64(absl::ToInt64Milliseconds(timeout));
  out.CompactArrayLength(ranges.size());
  for (const auto& [partition, range] : ranges) WriteRange(partition, range, out);
  return out.Take();
}

std::string Committable::DescribeRanges() const {
  std::string text = absl::StrCat("topic '", topic, "'");
  for (const auto& [partition, range] : ranges) {
    absl::StrAppend(&text, ", partition ", partition, " offsets ", range.first_offset, " to ",
                    range.last_offset, " (", range.count,
                    range.count == 1 ? " record)" : " records)");
  }
  return text;
}

absl::StatusOr<Committable> Committable::Decode(const std::string& bytes) {
  WireReader in(bytes);
  const int16_t version = in.Int16("version");
  if (in.ok() && version > kVersion) {
    return absl::FailedPreconditionError(
        absl::StrCat("a committable of the Kafka sink has version ", version,
                     ", this program knows none above ", kVersion));
  }
  if (in.ok() && version < 1) in.Fail("version", "below 1");
  Committable committable;
  committable.transactional_id = std::string(in.CompactString("transactional id"));
  committable.topic = std::string(in.CompactString("topic"));
  TransactionMarker& marker = committable.marker;
  marker.run = std::string(in.CompactString("run"));
  marker.generation = static_cast<uint64_t>(in.Int64("generation"));
  marker.epoch = Epoch(static_cast<uint64_t>(in.Int64("epoch")));
  marker.producer.producer_id = in.Int64("producer id");
  marker.producer.epoch = in.Int16("producer epoch");
  committable.started = absl::FromUnixMillis(in.Int64("start time"));
  committable.timeout = absl::Milliseconds(in.Int64("timeout"));
  ReadRanges(in, committable.ranges);
  if (in.ok() && in.remaining() > 0) in.Fail("committable", "more bytes than it has fields");
  if (!in.ok()) {
    return absl::DataLossError(
        absl::StrCat("a committable of the Kafka sink cannot be read: ", in.status().message()));
  }
  return committable;
}

}  // namespace weir::kafka
