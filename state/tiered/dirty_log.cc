#include "state/tiered/dirty_log.h"

#include "absl/strings/str_cat.h"

#include "common/base/check.h"
#include "common/base/stable_hash.h"
#include "common/base/status_macros.h"
#include "common/types/byte_reader.h"

namespace weir {
namespace {

constexpr absl::string_view kMagic = "WEIRDLOG";
constexpr uint8_t kTimers = 1;
constexpr uint8_t kDeleted = 2;
constexpr uint8_t kAppended = 4;
constexpr uint32_t kVersionWithoutAppends = 1;

absl::Status Damaged(absl::string_view what) {
  return absl::DataLossError(absl::StrCat("a dirty log of keyed state is damaged: ", what));
}

uint8_t FlagsOf(const DirtyEntry& entry) {
  const uint8_t family = entry.family == RocksFamily::kTimers ? kTimers : 0;
  if (entry.kind == StoreChange::kAppend) return family | kAppended;
  return entry.kind == StoreChange::kDelete ? family | kDeleted : family;
}

bool ReadFlags(ByteReader& in, uint32_t version, DirtyEntry* entry) {
  uint8_t flags = 0;
  if (!in.ReadFixed(&flags)) return false;
  entry->family = (flags & kTimers) != 0 ? RocksFamily::kTimers : RocksFamily::kState;
  if (flags == kAppended && version > kVersionWithoutAppends) {
    entry->kind = StoreChange::kAppend;
    return true;
  }
  entry->kind = (flags & kDeleted) != 0 ? StoreChange::kDelete : StoreChange::kPut;
  return flags <= (kTimers | kDeleted);
}

bool ReadEntry(ByteReader& in, uint32_t version, DirtyEntry* entry) {
  if (!ReadFlags(in, version, entry) || !in.ReadSized(&entry->key)) return false;
  entry->value = {};
  return entry->kind == StoreChange::kDelete || in.ReadSized(&entry->value);
}

}  // namespace

void DirtyLogEncoder::Begin(uint64_t generation) {
  bytes_.append(kMagic.data(), kMagic.size());
  AppendFixed(kDirtyLogVersion, &bytes_);
  AppendFixed(generation, &bytes_);
}

void DirtyLogEncoder::Add(const DirtyEntry& entry) {
  WEIR_CHECK(entry.key.size() + entry.value.size() <= kLargestEntryBytes)
      << "an entry of a dirty log of " << entry.key.size() + entry.value.size() << " bytes";
  AppendFixed(FlagsOf(entry), &block_);
  AppendSized(entry.key, &block_);
  if (entry.kind != StoreChange::kDelete) AppendSized(entry.value, &block_);
  ++entries_;
  if (block_.size() >= kBlockBytes) EndBlock();
}

void DirtyLogEncoder::EndBlock() {
  AppendFixed(static_cast<uint32_t>(block_.size()), &bytes_);
  AppendFixed(StableHash64(absl::string_view(block_)), &bytes_);
  bytes_ += block_;
  block_.clear();
}

void DirtyLogEncoder::End() {
  if (!block_.empty()) EndBlock();
  // The last block has no size, and says how many entries there are.
  std::string count;
  AppendFixed(entries_, &count);
  AppendFixed(uint32_t{0}, &bytes_);
  AppendFixed(StableHash64(absl::string_view(count)), &bytes_);
  bytes_ += count;
}

absl::StatusOr<uint64_t> ReadDirtyLog(absl::string_view log,
                                      absl::FunctionRef<absl::Status(const DirtyEntry&)> visit) {
  ByteReader in(log);
  absl::string_view magic;
  uint32_t version = 0;
  uint64_t generation = 0;
  if (!in.ReadBytes(kMagic.size(), &magic) || magic != kMagic || !in.ReadFixed(&version)) {
    return Damaged("it does not begin as one");
  }
  if (version == 0 || version > kDirtyLogVersion) {
    return absl::FailedPreconditionError(
        absl::StrCat("a dirty log of keyed state has format version ", version,
                     "; this program reads versions 1 to ", kDirtyLogVersion));
  }
  if (!in.ReadFixed(&generation)) return Damaged("it is too short");
  uint64_t entries = 0;
  while (true) {
    uint32_t size = 0;
    uint64_t checksum = 0;
    absl::string_view block;
    if (!in.ReadFixed(&size) || !in.ReadFixed(&checksum) ||
        !in.ReadBytes(size == 0 ? sizeof(uint64_t) : size, &block)) {
      return Damaged("it is too short");
    }
    if (StableHash64(block) != checksum) return Damaged("a checksum differs");
    ByteReader from(block);
    if (size == 0) {
      uint64_t counted = 0;
      if (!from.ReadFixed(&counted) || counted != entries) return Damaged("entries are missing");
      if (!in.done()) return Damaged("there is more behind its end");
      return generation;
    }
    for (; !from.done(); ++entries) {
      DirtyEntry entry;
      if (!ReadEntry(from, version, &entry)) return Damaged("an entry cannot be decoded");
      WEIR_RETURN_IF_ERROR(visit(entry));
    }
  }
}

}  // namespace weir
