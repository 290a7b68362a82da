#include "state/tiered/tier_key.h"

#include "common/types/byte_reader.h"
#include "common/types/key_codec.h"

namespace weir {
namespace {

constexpr uint32_t kGroups = 1u << 16;

void AppendBigEndian16(uint32_t value, std::string* out) {
  out->push_back(static_cast<char>(value >> 8));
  out->push_back(static_cast<char>(value));
}

uint32_t ReadBigEndian16(absl::string_view bytes) {
  return static_cast<uint32_t>(static_cast<uint8_t>(bytes[0])) << 8 |
         static_cast<uint8_t>(bytes[1]);
}

}  // namespace

void AppendTierPrefix(uint32_t group, uint32_t state, std::string* out) {
  AppendBigEndian16(group, out);
  AppendBigEndian16(state, out);
}

uint32_t GroupOfTierKey(absl::string_view key) { return ReadBigEndian16(key); }

uint32_t StateOfTierKey(absl::string_view key) { return ReadBigEndian16(key.substr(2)); }

void SetStateOfTierKey(uint32_t state, std::string* key) {
  (*key)[2] = static_cast<char>(state >> 8);
  (*key)[3] = static_cast<char>(state);
}

std::string BeginOfGroup(uint32_t group) {
  std::string begin;
  if (group < kGroups) AppendBigEndian16(group, &begin);
  return begin;
}

bool SplitMapKey(absl::string_view key, std::string* user_key, absl::string_view* map_key) {
  ByteReader in(key.substr(kTierPrefixSize));
  if (!internal::ReadEscaped(in, user_key)) return false;
  *map_key = in.rest();
  return true;
}

std::string BeginOfTimers(uint32_t group, TimeDomain domain) {
  std::string key = BeginOfGroup(group);
  key.push_back(static_cast<char>(domain));
  return key;
}

std::string TimerKey(uint32_t group, TimeDomain domain, int64_t time_micros, absl::string_view key,
                     absl::string_view name_space) {
  std::string bytes = BeginOfTimers(group, domain);
  internal::AppendBigEndian(internal::OrderedBits(time_micros), &bytes);
  internal::AppendEscaped(key, &bytes);
  bytes.append(name_space.data(), name_space.size());
  return bytes;
}

bool ReadTimerKey(absl::string_view bytes, TimeDomain* domain, DueTimer* timer) {
  ByteReader in(bytes);
  absl::string_view group;
  uint8_t domain_byte = 0;
  uint64_t time = 0;
  if (!in.ReadBytes(2, &group) || !in.ReadFixed(&domain_byte) || domain_byte > 1 ||
      !internal::ReadBigEndian(in, &time) || !internal::ReadEscaped(in, &timer->key)) {
    return false;
  }
  *domain = static_cast<TimeDomain>(domain_byte);
  timer->group = ReadBigEndian16(group);
  timer->time_micros = static_cast<int64_t>(time ^ (uint64_t{1} << 63));
  timer->name_space = std::string(in.rest());
  return true;
}

}  // namespace weir
