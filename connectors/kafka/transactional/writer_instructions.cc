#include "connectors/kafka/transactional/writer_instructions.h"

#include "absl/strings/str_cat.h"

#include "connectors/kafka/wire/wire_reader.h"
#include "connectors/kafka/wire/wire_writer.h"

namespace weir::kafka {
namespace {

constexpr int16_t kVersion = 2;

}  // namespace

std::string WriterInstructions::Encode() const {
  WireWriter out;
  out.Int16(kVersion);
  out.Int64(static_cast<int64_t>(fence));
  out.CompactString(prefix);
  out.Int64(absl::ToInt64Milliseconds(transaction_timeout));
  out.Int64(static_cast<int64_t>(generation));
  return out.Take();
}

absl::StatusOr<WriterInstructions> WriterInstructions::Decode(const std::string& bytes) {
  WireReader in(bytes);
  const int16_t version = in.Int16("version");
  if (in.ok() && version > kVersion) {
    return absl::FailedPreconditionError(
        absl::StrCat("the instructions for the Kafka sink's writers have version ", version,
                     ", this program knows none above ", kVersion));
  }
  if (in.ok() && version < 1) in.Fail("version", "below 1");
  WriterInstructions instructions;
  instructions.fence = static_cast<uint64_t>(in.Int64("fence"));
  instructions.prefix = std::string(in.CompactString("prefix"));
  const int64_t timeout_ms = in.Int64("transaction timeout");
  if (version >= 2) instructions.generation = static_cast<uint64_t>(in.Int64("generation"));
  if (in.ok() && instructions.fence == 0) in.Fail("fence", "0 is no generation's");
  if (in.ok() && timeout_ms <= 0) in.Fail("transaction timeout", "not above 0");
  if (in.ok() && in.remaining() > 0) in.Fail("instructions", "more bytes than they have fields");
  if (!in.ok()) {
    return absl::DataLossError(absl::StrCat(
        "the instructions for the Kafka sink's writers cannot be read: ", in.status().message()));
  }
  instructions.transaction_timeout = absl::Milliseconds(timeout_ms);
  return instructions;
}

}  // namespace weir::kafka
