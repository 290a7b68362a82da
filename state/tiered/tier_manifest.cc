#include "state/tiered/tier_manifest.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "common/base/stable_hash.h"
#include "common/types/byte_reader.h"
#include "state/tiered/tier_key.h"

namespace weir {
namespace {

constexpr absl::string_view kMagic = "WEIRTIER";
constexpr uint8_t kStamped = 1;

absl::Status Damaged(absl::string_view what) {
  return absl::DataLossError(absl::StrCat("a manifest of keyed state is damaged: ", what));
}

// A name of one folder's file, and nothing that leads out of it.
bool IsFileName(absl::string_view name) {
  return !name.empty() && name != "." && name != ".." && !absl::StrContains(name, '/') &&
         !absl::StrContains(name, '\0');
}

bool ReadText(ByteReader& in, std::string* text) {
  absl::string_view bytes;
  if (!in.ReadSized(&bytes)) return false;
  *text = std::string(bytes);
  return true;
}

// Each element has a byte at least.
bool ReadCount(ByteReader& in, uint64_t* count) {
  return in.ReadVarint(count) && *count <= in.left();
}

void AppendWatermarks(const std::vector<int64_t>& watermarks, std::string* out) {
  for (size_t at = 0; at < watermarks.size();) {
    size_t end = at;
    while (end < watermarks.size() && watermarks[end] == watermarks[at]) ++end;
    AppendVarint(end - at, out);
    AppendFixed(watermarks[at], out);
    at = end;
  }
}

bool ReadWatermarks(ByteReader& in, size_t groups, std::vector<int64_t>* watermarks) {
  while (watermarks->size() < groups) {
    uint64_t count = 0;
    int64_t micros = 0;
    if (!in.ReadVarint(&count) || count == 0 || count > groups - watermarks->size() ||
        !in.ReadFixed(&micros)) {
      return false;
    }
    watermarks->insert(watermarks->end(), static_cast<size_t>(count), micros);
  }
  return true;
}

void AppendState(const TierState& state, std::string* out) {
  AppendFixed(static_cast<uint16_t>(state.id), out);
  AppendSized(state.name, out);
  AppendFixed(static_cast<uint8_t>(state.kind), out);
  AppendVarint(state.formats.size(), out);
  for (const TierFormat& format : state.formats) {
    AppendFixed(format.stamped ? kStamped : uint8_t{0}, out);
    AppendFixed(format.stamp_micros, out);
    format.schema.AppendTo(out);
    if (state.kind == StateKind::kMap) format.map_key_schema.AppendTo(out);
  }
}

bool ReadState(ByteReader& in, TierState* state) {
  uint16_t id = 0;
  uint8_t kind = 0;
  uint64_t formats = 0;
  if (!in.ReadFixed(&id) || id == 0 || !ReadText(in, &state->name) || !in.ReadFixed(&kind) ||
      kind < static_cast<uint8_t>(StateKind::kValue) ||
      kind > static_cast<uint8_t>(StateKind::kAggregating) || !ReadCount(in, &formats) ||
      formats == 0) {
    return false;
  }
  state->id = id;
  state->kind = static_cast<StateKind>(kind);
  for (; formats > 0; --formats) {
    TierFormat& format = state->formats.emplace_back();
    uint8_t flags = 0;
    if (!in.ReadFixed(&flags) || flags > kStamped || !in.ReadFixed(&format.stamp_micros) ||
        !StateSchema::ReadFrom(in, &format.schema)) {
      return false;
    }
    format.stamped = flags == kStamped;
    if (state->kind != StateKind::kMap) continue;
    if (!StateSchema::ReadFrom(in, &format.map_key_schema)) return false;
  }
  return true;
}

bool ReadStates(ByteReader& in, std::vector<TierState>* states) {
  uint64_t count = 0;
  if (!ReadCount(in, &count)) return false;
  for (; count > 0; --count) {
    TierState state;
    if (!ReadState(in, &state)) return false;
    for (const TierState& other : *states) {
      if (other.id == state.id || (other.name == state.name && other.kind == state.kind)) {
        return false;
      }
    }
    states->push_back(std::move(state));
  }
  return true;
}

bool ReadFiles(ByteReader& in, TierManifest* manifest) {
  uint64_t count = 0;
  if (!ReadCount(in, &count)) return false;
  for (; count > 0; --count) {
    TierManifest::File& file = manifest->files.emplace_back();
    if (!ReadText(in, &file.name) || !ReadText(in, &file.local_name) ||
        !IsFileName(file.local_name) || !in.ReadFixed(&file.size_bytes)) {
      return false;
    }
  }
  if (!ReadCount(in, &count)) return false;
  for (; count > 0; --count) {
    TierManifest::Log& log = manifest->logs.emplace_back();
    if (!ReadText(in, &log.name) || !in.ReadFixed(&log.size_bytes)) return false;
  }
  return true;
}

bool ReadBody(absl::string_view body, TierManifest* manifest) {
  ByteReader in(body);
  return in.ReadFixed(&manifest->max_parallelism) && in.ReadFixed(&manifest->range.first) &&
         in.ReadFixed(&manifest->range.end) &&
         manifest->max_parallelism <= kLargestMaxParallelism &&
         manifest->range.end <= manifest->max_parallelism &&
         manifest->range.first <= manifest->range.end &&
         StateSchema::ReadFrom(in, &manifest->key_schema) &&
         ReadWatermarks(in, manifest->range.size(), &manifest->watermarks_micros) &&
         ReadStates(in, &manifest->states) && ReadFiles(in, manifest) && in.done();
}

}  // namespace

bool IsTierManifest(absl::string_view bytes) { return bytes.substr(0, kMagic.size()) == kMagic; }

std::string EncodeTierManifest(const TierManifest& manifest) {
  std::string body;
  AppendFixed(manifest.max_parallelism, &body);
  AppendFixed(manifest.range.first, &body);
  AppendFixed(manifest.range.end, &body);
  manifest.key_schema.AppendTo(&body);
  AppendWatermarks(manifest.watermarks_micros, &body);
  AppendVarint(manifest.states.size(), &body);
  for (const TierState& state : manifest.states) AppendState(state, &body);
  AppendVarint(manifest.files.size(), &body);
  for (const TierManifest::File& file : manifest.files) {
    AppendSized(file.name, &body);
    AppendSized(file.local_name, &body);
    AppendFixed(file.size_bytes, &body);
  }
  AppendVarint(manifest.logs.size(), &body);
  for (const TierManifest::Log& log : manifest.logs) {
    AppendSized(log.name, &body);
    AppendFixed(log.size_bytes, &body);
  }
  std::string bytes(kMagic.data(), kMagic.size());
  AppendFixed(kTierManifestVersion, &bytes);
  AppendFixed(StableHash64(absl::string_view(body)), &bytes);
  return bytes + body;
}

absl::StatusOr<TierManifest> DecodeTierManifest(absl::string_view bytes) {
  ByteReader in(bytes);
  absl::string_view magic;
  uint32_t version = 0;
  uint64_t checksum = 0;
  if (!in.ReadBytes(kMagic.size(), &magic) || magic != kMagic || !in.ReadFixed(&version)) {
    return Damaged("it does not begin as one");
  }
  if (version == 0 || version > kTierManifestVersion) {
    return absl::FailedPreconditionError(
        absl::StrCat("a manifest of keyed state has format version ", version,
                     "; this program reads versions 1 to ", kTierManifestVersion));
  }
  if (!in.ReadFixed(&checksum)) return Damaged("it is too short");
  if (StableHash64(in.rest()) != checksum) return Damaged("its checksum differs");
  TierManifest manifest;
  if (!ReadBody(in.rest(), &manifest)) return Damaged("it cannot be decoded");
  return manifest;
}

}  // namespace weir
