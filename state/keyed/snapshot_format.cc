#include "state/keyed/snapshot_format.h"

#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/stable_hash.h"
#include "common/base/status_macros.h"
#include "common/types/byte_reader.h"

namespace weir {
namespace {

constexpr absl::string_view kMagic = "WEIRKEYS";
// Magic, version, size of the header, checksum of the header.
constexpr size_t kPreambleSize = 8 + 4 + 4 + 8;
constexpr uint8_t kStamped = 1;

absl::Status Damaged(absl::string_view what) {
  return absl::DataLossError(absl::StrCat("a snapshot of keyed state is damaged: ", what));
}

void AppendState(const SnapshotState& state, std::string* out) {
  AppendSized(state.name, out);
  AppendFixed(static_cast<uint8_t>(state.kind), out);
  AppendFixed(state.stamped ? kStamped : uint8_t{0}, out);
  state.schema.AppendTo(out);
  if (state.kind == StateKind::kMap) state.map_key_schema.AppendTo(out);
}

bool ReadState(ByteReader& in, SnapshotState* state) {
  absl::string_view name;
  uint8_t kind = 0;
  uint8_t flags = 0;
  if (!in.ReadSized(&name) || !in.ReadFixed(&kind) || !in.ReadFixed(&flags)) return false;
  if (kind < static_cast<uint8_t>(StateKind::kValue) ||
      kind > static_cast<uint8_t>(StateKind::kAggregating) || flags > kStamped) {
    return false;
  }
  state->name = std::string(name);
  state->kind = static_cast<StateKind>(kind);
  state->stamped = flags == kStamped;
  if (!StateSchema::ReadFrom(in, &state->schema)) return false;
  return state->kind != StateKind::kMap || StateSchema::ReadFrom(in, &state->map_key_schema);
}

bool ReadGroups(ByteReader& in, SnapshotHeader* header) {
  uint32_t count = 0;
  if (!in.ReadFixed(&count) || count > header->range.size()) return false;
  uint64_t offset = 0;
  uint32_t next = header->range.first;
  for (; count > 0; --count) {
    SnapshotHeader::Group group;
    if (!in.ReadFixed(&group.group) || !in.ReadFixed(&group.offset) || !in.ReadFixed(&group.size) ||
        !in.ReadFixed(&group.checksum)) {
      return false;
    }
    if (group.group < next || group.group >= header->range.end || group.offset != offset ||
        group.size > UINT64_MAX - offset) {
      return false;
    }
    next = group.group + 1;
    offset += group.size;
    header->groups.push_back(group);
  }
  return true;
}

bool ReadHeader(ByteReader& in, SnapshotHeader* header) {
  if (!in.ReadFixed(&header->max_parallelism) || !in.ReadFixed(&header->range.first) ||
      !in.ReadFixed(&header->range.end)) {
    return false;
  }
  if (header->max_parallelism > kLargestMaxParallelism ||
      header->range.end > header->max_parallelism || header->range.first > header->range.end) {
    return false;
  }
  uint64_t states = 0;
  if (!StateSchema::ReadFrom(in, &header->key_schema) || !in.ReadVarint(&states)) return false;
  if (states > in.left()) return false;
  for (; states > 0; --states) {
    if (!ReadState(in, &header->states.emplace_back())) return false;
  }
  return ReadGroups(in, header) && in.done();
}

absl::StatusOr<size_t> SectionsBegin(absl::string_view snapshot) {
  ByteReader in(snapshot);
  absl::string_view magic;
  uint32_t version = 0;
  uint32_t header_size = 0;
  if (!in.ReadBytes(kMagic.size(), &magic) || magic != kMagic || !in.ReadFixed(&version)) {
    return Damaged("it does not begin as one");
  }
  if (version != kKeyedSnapshotVersion) {
    return absl::FailedPreconditionError(
        absl::StrCat("a snapshot of keyed state has format version ", version,
                     "; this program reads version ", kKeyedSnapshotVersion));
  }
  if (!in.ReadFixed(&header_size) || header_size > in.left()) return Damaged("it is too short");
  return kPreambleSize + header_size;
}

template <class F>
absl::Status ReadCounted(ByteReader& in, absl::string_view what, F read_one) {
  uint64_t count = 0;
  if (!in.ReadVarint(&count) || count > in.left()) return Damaged(what);
  for (; count > 0; --count) WEIR_RETURN_IF_ERROR(read_one());
  return absl::OkStatus();
}

}  // namespace

SnapshotSectionWriter::SnapshotSectionWriter(EventTime watermark) {
  AppendFixed(watermark.micros(), &bytes_);
}

void SnapshotSectionWriter::BeginState(uint64_t entries) { AppendVarint(entries, &bytes_); }

std::string& SnapshotSectionWriter::BeginEntry(StateKind kind, absl::string_view key,
                                               absl::string_view map_key) {
  AppendSized(key, &bytes_);
  if (kind == StateKind::kMap) AppendSized(map_key, &bytes_);
  value_.clear();
  return value_;
}

void SnapshotSectionWriter::EndEntry() { AppendSized(value_, &bytes_); }

void SnapshotSectionWriter::BeginTimers(uint64_t timers) { AppendVarint(timers, &bytes_); }

void SnapshotSectionWriter::AddTimer(const SnapshotTimer& timer) {
  AppendFixed(timer.time_micros, &bytes_);
  AppendSized(timer.key, &bytes_);
  AppendSized(timer.name_space, &bytes_);
}

std::string JoinSnapshot(SnapshotHeader header, const std::vector<std::string>& sections) {
  std::string body;
  AppendFixed(header.max_parallelism, &body);
  AppendFixed(header.range.first, &body);
  AppendFixed(header.range.end, &body);
  header.key_schema.AppendTo(&body);
  AppendVarint(header.states.size(), &body);
  for (const SnapshotState& state : header.states) AppendState(state, &body);
  AppendFixed(static_cast<uint32_t>(header.groups.size()), &body);
  uint64_t offset = 0;
  for (size_t i = 0; i < header.groups.size(); ++i) {
    AppendFixed(header.groups[i].group, &body);
    AppendFixed(offset, &body);
    AppendFixed(static_cast<uint64_t>(sections[i].size()), &body);
    AppendFixed(StableHash64(absl::string_view(sections[i])), &body);
    offset += sections[i].size();
  }
  std::string snapshot;
  snapshot.reserve(kPreambleSize + body.size() + offset);
  snapshot.append(kMagic.data(), kMagic.size());
  AppendFixed(kKeyedSnapshotVersion, &snapshot);
  AppendFixed(static_cast<uint32_t>(body.size()), &snapshot);
  AppendFixed(StableHash64(absl::string_view(body)), &snapshot);
  snapshot += body;
  for (const std::string& section : sections) snapshot += section;
  return snapshot;
}

bool IsCanonicalSnapshot(absl::string_view bytes) {
  return bytes.substr(0, kMagic.size()) == kMagic;
}

absl::StatusOr<SnapshotHeader> DecodeSnapshotHeader(absl::string_view bytes) {
  SnapshotHeader header;
  ByteReader in(bytes);
  if (!ReadHeader(in, &header)) return Damaged("its header cannot be decoded");
  return header;
}

absl::StatusOr<SnapshotHeader> ReadSnapshotHeader(absl::string_view snapshot) {
  WEIR_ASSIGN_OR_RETURN(const size_t begin, SectionsBegin(snapshot));
  if (snapshot.size() < begin) return Damaged("it is too short");
  const absl::string_view body = snapshot.substr(kPreambleSize, begin - kPreambleSize);
  ByteReader checksum(snapshot.substr(kPreambleSize - sizeof(uint64_t)));
  uint64_t expected = 0;
  if (!checksum.ReadFixed(&expected) || StableHash64(body) != expected) {
    return Damaged("the checksum of its header differs");
  }
  WEIR_ASSIGN_OR_RETURN(SnapshotHeader header, DecodeSnapshotHeader(body));
  const uint64_t size =
      header.groups.empty() ? 0 : header.groups.back().offset + header.groups.back().size;
  if (snapshot.size() - begin != size) return Damaged("it has not the size it says");
  return header;
}

absl::StatusOr<absl::string_view> ReadSnapshotSection(absl::string_view snapshot,
                                                      const SnapshotHeader::Group& group) {
  WEIR_ASSIGN_OR_RETURN(const size_t begin, SectionsBegin(snapshot));
  if (snapshot.size() < begin || snapshot.size() - begin < group.offset ||
      snapshot.size() - begin - group.offset < group.size) {
    return Damaged("it is too short");
  }
  const absl::string_view section = snapshot.substr(begin + group.offset, group.size);
  if (StableHash64(section) != group.checksum) {
    return Damaged(absl::StrCat("the checksum of key group ", group.group, " differs"));
  }
  return section;
}

absl::Status DecodeSnapshotSection(const SnapshotHeader& header, absl::string_view section,
                                   SnapshotSectionReader& reader) {
  ByteReader in(section);
  int64_t watermark = 0;
  if (!in.ReadFixed(&watermark)) return Damaged("a watermark");
  WEIR_RETURN_IF_ERROR(reader.OnWatermark(EventTime::FromMicros(watermark)));
  for (size_t state = 0; state < header.states.size(); ++state) {
    const SnapshotState& of = header.states[state];
    WEIR_RETURN_IF_ERROR(ReadCounted(in, of.name, [&]() -> absl::Status {
      SnapshotEntry entry;
      if (!in.ReadSized(&entry.key) ||
          (of.kind == StateKind::kMap && !in.ReadSized(&entry.map_key)) ||
          !in.ReadSized(&entry.value)) {
        return Damaged(absl::StrCat("an entry of state '", of.name, "'"));
      }
      return reader.OnEntry(state, entry);
    }));
  }
  for (const TimeDomain domain : {TimeDomain::kEventTime, TimeDomain::kProcessingTime}) {
    WEIR_RETURN_IF_ERROR(ReadCounted(in, "timers", [&]() -> absl::Status {
      SnapshotTimer timer;
      if (!in.ReadFixed(&timer.time_micros) || !in.ReadSized(&timer.key) ||
          !in.ReadSized(&timer.name_space)) {
        return Damaged("a timer");
      }
      return reader.OnTimer(domain, timer);
    }));
  }
  return in.done() ? absl::OkStatus() : Damaged("there is more behind its end");
}

}  // namespace weir
