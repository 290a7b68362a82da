#include "state/operator/operator_state_format.h"

#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/stable_hash.h"
#include "common/base/status_macros.h"
#include "common/types/byte_reader.h"

namespace weir {
namespace {

constexpr absl::string_view kMagic = "WEIROPST";

absl::Status Damaged(absl::string_view what) {
  return absl::DataLossError(absl::StrCat("a snapshot of operator state is damaged: ", what));
}

absl::StatusOr<absl::string_view> BodyOf(absl::string_view object) {
  ByteReader in(object);
  absl::string_view magic;
  uint32_t version = 0;
  uint64_t hash = 0;
  if (!in.ReadBytes(kMagic.size(), &magic) || magic != kMagic || !in.ReadFixed(&version)) {
    return Damaged("it does not begin as one");
  }
  if (version != kOperatorStateVersion) {
    return absl::FailedPreconditionError(
        absl::StrCat("a snapshot of operator state has format version ", version,
                     "; this program reads version ", kOperatorStateVersion));
  }
  if (!in.ReadFixed(&hash)) return Damaged("it is too short");
  if (StableHash64(in.rest()) != hash) return Damaged("its checksum differs");
  return in.rest();
}

bool ReadInfo(ByteReader& in, WrittenOperatorState* info) {
  absl::string_view name;
  uint8_t mode = 0;
  if (!in.ReadSized(&name) || !in.ReadFixed(&mode)) return false;
  if (mode < static_cast<uint8_t>(OperatorStateMode::kList) ||
      mode > static_cast<uint8_t>(OperatorStateMode::kBroadcast)) {
    return false;
  }
  info->name = std::string(name);
  info->mode = static_cast<OperatorStateMode>(mode);
  if (!StateSchema::ReadFrom(in, &info->schema)) return false;
  return info->mode != OperatorStateMode::kBroadcast ||
         StateSchema::ReadFrom(in, &info->map_key_schema);
}

bool ReadElements(ByteReader& in, EncodedOperatorState* state) {
  uint64_t count = 0;
  if (!in.ReadVarint(&count) || count == 0 || count > in.left()) return false;
  const bool map = state->info.mode == OperatorStateMode::kBroadcast;
  for (; count > 0; --count) {
    const absl::string_view from = in.rest();
    absl::string_view part;
    if (!in.ReadSized(&part) || (map && !in.ReadSized(&part))) return false;
    state->elements.push_back(from.substr(0, from.size() - in.left()));
  }
  return true;
}

}  // namespace

void OperatorStateWriter::BeginState(const WrittenOperatorState& state, uint64_t elements) {
  ++states_;
  AppendSized(state.name, &body_);
  AppendFixed(static_cast<uint8_t>(state.mode), &body_);
  state.schema.AppendTo(&body_);
  if (state.mode == OperatorStateMode::kBroadcast) state.map_key_schema.AppendTo(&body_);
  AppendVarint(elements, &body_);
}

void OperatorStateWriter::AddEncoded(absl::string_view element) {
  body_.append(element.data(), element.size());
}

void OperatorStateWriter::AddListElement(absl::string_view value) { AppendSized(value, &body_); }

void OperatorStateWriter::AddMapEntry(absl::string_view key, absl::string_view value) {
  AppendSized(key, &body_);
  AppendSized(value, &body_);
}

std::string OperatorStateWriter::Take() {
  if (states_ == 0) return std::string();
  std::string count;
  AppendVarint(std::exchange(states_, 0), &count);
  body_.insert(0, count);
  std::string object;
  object.reserve(kMagic.size() + sizeof(uint32_t) + sizeof(uint64_t) + body_.size());
  object.append(kMagic.data(), kMagic.size());
  AppendFixed(kOperatorStateVersion, &object);
  AppendFixed(StableHash64(absl::string_view(body_)), &object);
  object += std::exchange(body_, std::string());
  return object;
}

absl::StatusOr<std::vector<EncodedOperatorState>> DecodeOperatorState(absl::string_view object,
                                                                      OperatorStateMode mode) {
  WEIR_ASSIGN_OR_RETURN(const absl::string_view body, BodyOf(object));
  ByteReader in(body);
  uint64_t states = 0;
  if (!in.ReadVarint(&states) || states > in.left()) return Damaged("the number of its states");
  std::vector<EncodedOperatorState> decoded;
  for (; states > 0; --states) {
    EncodedOperatorState& state = decoded.emplace_back();
    if (!ReadInfo(in, &state.info)) return Damaged("what it says about a state");
    if (state.info.mode != mode) {
      return Damaged(absl::StrCat("state '", state.info.name, "' is in the wrong object"));
    }
    if (!ReadElements(in, &state)) {
      return Damaged(absl::StrCat("the elements of state '", state.info.name, "'"));
    }
  }
  if (!in.done()) return Damaged("there is more behind its end");
  return decoded;
}

bool ReadListElement(absl::string_view element, absl::string_view* value) {
  ByteReader in(element);
  return in.ReadSized(value) && in.done();
}

bool ReadMapEntry(absl::string_view element, absl::string_view* key, absl::string_view* value) {
  ByteReader in(element);
  return in.ReadSized(key) && in.ReadSized(value) && in.done();
}

}  // namespace weir
