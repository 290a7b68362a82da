#include "connectors/kafka/transactional/transaction_marker.h"

#include <limits>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

#include "connectors/kafka/transactional/metadata_words.h"

namespace weir::kafka {
namespace {

constexpr absl::string_view kVersion = "1";

absl::Status Garbled(const std::string& metadata) {
  // What another program left in the group is not ours to print.
  return absl::DataLossError(absl::StrCat("an offset's metadata of ", metadata.size(),
                                          " bytes is not a transaction marker of this version"));
}

bool TakeNumber(absl::string_view& rest, uint64_t max, uint64_t* number) {
  absl::string_view word;
  if (!TakeWord(rest, &word)) return false;
  return absl::SimpleAtoi(word, number) && *number <= max && absl::StrCat(*number) == word;
}

}  // namespace

// "1 <generation> <epoch> <producer id> <producer epoch> <run>"; frozen.
std::string TransactionMarker::Encode() const {
  return absl::StrCat(kVersion, " ", generation, " ", epoch.value(), " ", producer.producer_id, " ",
                      producer.epoch, " ", run);
}

absl::StatusOr<TransactionMarker> TransactionMarker::Decode(const std::string& metadata) {
  constexpr uint64_t kAny = std::numeric_limits<uint64_t>::max();
  absl::string_view rest = metadata;
  absl::string_view version;
  TransactionMarker marker;
  uint64_t epoch = 0;
  uint64_t producer_id = 0;
  uint64_t producer_epoch = 0;
  if (!TakeWord(rest, &version) || version != kVersion ||
      !TakeNumber(rest, kAny, &marker.generation) || !TakeNumber(rest, kAny, &epoch) ||
      !TakeNumber(rest, std::numeric_limits<int64_t>::max(), &producer_id) ||
      !TakeNumber(rest, std::numeric_limits<int16_t>::max(), &producer_epoch) || rest.empty()) {
    return Garbled(metadata);
  }
  marker.run = std::string(rest);
  marker.epoch = Epoch(epoch);
  marker.producer.producer_id = static_cast<int64_t>(producer_id);
  marker.producer.epoch = static_cast<int16_t>(producer_epoch);
  return marker;
}

}  // namespace weir::kafka
