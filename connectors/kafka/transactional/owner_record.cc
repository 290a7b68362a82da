#include "connectors/kafka/transactional/owner_record.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

#include "connectors/kafka/transactional/metadata_words.h"

namespace weir::kafka {
namespace {

constexpr absl::string_view kWithoutGeneration = "1";
constexpr absl::string_view kVersion = "2";

}  // namespace

// "2 <fence> <held|released> <generation> <job> <cluster>"; frozen, as is version 1, which has no
// generation. Only the cluster's id may hold blanks.
std::string OwnerRecord::Encode() const {
  return absl::StrCat(kVersion, " ", fence, " ", released ? "released" : "held", " ", generation,
                      " ", job, " ", cluster);
}

absl::StatusOr<OwnerRecord> OwnerRecord::Decode(const std::string& metadata) {
  absl::string_view rest = metadata;
  absl::string_view version;
  absl::string_view fence;
  absl::string_view state;
  absl::string_view generation;
  absl::string_view job;
  OwnerRecord record;
  const bool whole =
      TakeWord(rest, &version) && (version == kVersion || version == kWithoutGeneration) &&
      TakeWord(rest, &fence) && absl::SimpleAtoi(fence, &record.fence) && TakeWord(rest, &state) &&
      (state == "held" || state == "released") &&
      (version == kWithoutGeneration ||
       (TakeWord(rest, &generation) && absl::SimpleAtoi(generation, &record.generation))) &&
      TakeWord(rest, &job) && !rest.empty();
  if (!whole) {
    // What another program left in the group is not ours to print.
    return absl::DataLossError(absl::StrCat("an offset's metadata of ", metadata.size(),
                                            " bytes is not an owner record of this version"));
  }
  record.released = state == "released";
  record.job = std::string(job);
  record.cluster = std::string(rest);
  return record;
}

}  // namespace weir::kafka
