#pragma once

#include <bit>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "common/base/stable_hash.h"
#include "common/time/event_time.h"
#include "common/types/byte_reader.h"
#include "common/types/record.h"

/// Keys as bytes. The encoding is frozen, since it decides the key group of a key
/// (docs/formats/key-groups.md). It is injective for each type, and the order of the bytes is the
/// order of the values. Types: bool, integers, enums, float, double, std::string, weir::ByteArray,
/// weir::Timestamp, durations, EventTime, records of WEIR_RECORD, and std::optional, std::pair,
/// std::tuple (of one type or more) and std::vector of these. A row's view (Row<T>,
/// std::string_view) has the bytes of the record it is a view of.
///
/// Doubles: -0.0 is the key 0.0, and every NaN is one key, which comes last.
namespace weir {

namespace internal {

template <class T>
inline constexpr bool kIsOptional = false;
template <class T>
inline constexpr bool kIsOptional<std::optional<T>> = true;
template <class T>
inline constexpr bool kIsPair = false;
template <class A, class B>
inline constexpr bool kIsPair<std::pair<A, B>> = true;
template <class T>
inline constexpr bool kIsTuple = false;
template <class A, class... B>
inline constexpr bool kIsTuple<std::tuple<A, B...>> = true;
template <class T>
inline constexpr bool kIsVector = false;
template <class T>
inline constexpr bool kIsVector<std::vector<T>> = true;
template <class T>
inline constexpr bool kIsDuration = false;
template <class Rep, class Period>
inline constexpr bool kIsDuration<std::chrono::duration<Rep, Period>> = std::integral<Rep>;
template <class T>
inline constexpr bool kUnsupported = false;

/// Any integer as a number whose unsigned order is the integer's. All integers have 8 bytes, so a
/// signed key may become wider.
template <std::integral T>
constexpr uint64_t OrderedBits(T value) {
  if constexpr (std::is_signed_v<T>) {
    return static_cast<uint64_t>(static_cast<int64_t>(value)) ^ (uint64_t{1} << 63);
  } else {
    return value;
  }
}
template <std::integral T>
constexpr bool FromOrderedBits(uint64_t bits, T* value) {
  if constexpr (std::is_signed_v<T>) {
    const auto wide = static_cast<int64_t>(bits ^ (uint64_t{1} << 63));
    *value = static_cast<T>(wide);
    return *value == wide;
  } else {
    *value = static_cast<T>(bits);
    return *value == bits;
  }
}
inline uint64_t OrderedBits(double value) {
  if (value == 0) value = 0;  // also -0.0
  if (value != value) value = std::numeric_limits<double>::quiet_NaN();
  const auto bits = std::bit_cast<uint64_t>(value);
  return (bits >> 63) != 0 ? ~bits : bits | (uint64_t{1} << 63);
}
inline double DoubleOfOrderedBits(uint64_t bits) {
  return std::bit_cast<double>((bits >> 63) != 0 ? bits & ~(uint64_t{1} << 63) : ~bits);
}

inline void AppendBigEndian(uint64_t bits, std::string* out) {
  AppendFixed<uint64_t>(__builtin_bswap64(bits), out);
}
inline bool ReadBigEndian(ByteReader& in, uint64_t* bits) {
  if (!in.ReadFixed(bits)) return false;
  *bits = __builtin_bswap64(*bits);
  return true;
}

/// Bytes in the middle of a key: a 0 byte becomes 0 255, and 0 1 ends them.
void AppendEscaped(absl::string_view bytes, std::string* out);
bool ReadEscaped(ByteReader& in, std::string* bytes);

template <class K>
inline constexpr bool kIsText = std::is_convertible_v<const K&, std::string_view>;
template <class K>
inline constexpr bool kIsBlob = std::is_convertible_v<const K&, std::span<const std::byte>>;

template <class K>
absl::string_view KeyBytesOf(const K& key) {
  if constexpr (kIsText<K>) {
    const std::string_view view = key;
    return {view.data(), view.size()};
  } else {
    const std::span<const std::byte> view = key;
    return {reinterpret_cast<const char*>(view.data()), view.size()};
  }
}

template <bool nested, size_t at, class K>
void AppendKeyTuple(const K& key, std::string* out);

/// Nested: something may follow, so the part must show where it ends.
template <bool nested, class K>
void AppendKeyPart(const K& key, std::string* out) {
  if constexpr (std::is_same_v<K, bool>) {
    out->push_back(key ? 1 : 0);
  } else if constexpr (std::is_enum_v<K>) {
    AppendBigEndian(OrderedBits(static_cast<std::underlying_type_t<K>>(key)), out);
  } else if constexpr (std::integral<K>) {
    AppendBigEndian(OrderedBits(key), out);
  } else if constexpr (std::floating_point<K>) {
    AppendBigEndian(OrderedBits(static_cast<double>(key)), out);
  } else if constexpr (std::is_same_v<K, Timestamp>) {
    AppendBigEndian(OrderedBits(key.time_since_epoch().count()), out);
  } else if constexpr (std::is_same_v<K, EventTime>) {
    AppendBigEndian(OrderedBits(key.micros()), out);
  } else if constexpr (kIsDuration<K>) {
    AppendBigEndian(OrderedBits(key.count()), out);
  } else if constexpr (kIsText<K> || kIsBlob<K>) {
    const absl::string_view bytes = KeyBytesOf(key);
    nested ? AppendEscaped(bytes, out) : static_cast<void>(out->append(bytes.data(), bytes.size()));
  } else if constexpr (kIsOptional<K>) {
    out->push_back(key.has_value() ? 1 : 0);
    if (key.has_value()) AppendKeyPart<nested>(*key, out);
  } else if constexpr (kIsPair<K>) {
    AppendKeyPart<true>(key.first, out);
    AppendKeyPart<nested>(key.second, out);
  } else if constexpr (kIsTuple<K>) {
    AppendKeyTuple<nested, 0>(key, out);
  } else if constexpr (kIsVector<K>) {
    for (const auto& element : key) {
      out->push_back(1);
      AppendKeyPart<true>(element, out);
    }
    out->push_back(0);
  } else if constexpr (RecordType<K>) {
    std::apply([&](const auto&... f) { (AppendKeyPart<true>(key.*(f.member), out), ...); },
               K::WeirFields());
  } else if constexpr (RecordView<K>) {
    std::apply([&](const auto&... f) { (AppendKeyPart<true>(key.*(f.view), out), ...); },
               K::WeirRecord::WeirFields());
  } else {
    static_assert(kUnsupported<K>,
                  "not a type for a key: use bool, an integer, an enum, double, std::string, "
                  "weir::ByteArray, weir::Timestamp, a std::chrono duration, a WEIR_RECORD, or a "
                  "std::optional, std::pair, std::tuple or std::vector of these");
  }
}

// As the pair of the first and all others.
template <bool nested, size_t at, class K>
void AppendKeyTuple(const K& key, std::string* out) {
  constexpr bool last = at + 1 == std::tuple_size_v<K>;
  AppendKeyPart<nested || !last>(std::get<at>(key), out);
  if constexpr (!last) AppendKeyTuple<nested, at + 1>(key, out);
}

bool ReadKeyDouble(ByteReader& in, double* value);

template <class T>
bool ReadKeyInteger(ByteReader& in, T* value) {
  uint64_t bits = 0;
  return ReadBigEndian(in, &bits) && FromOrderedBits(bits, value);
}

template <bool nested>
bool ReadKeyBytes(ByteReader& in, std::string* bytes) {
  if constexpr (nested) return ReadEscaped(in, bytes);
  absl::string_view rest;
  if (!in.ReadBytes(in.left(), &rest)) return false;
  bytes->assign(rest.data(), rest.size());
  return true;
}

template <bool nested, size_t at, class K>
bool ReadKeyTuple(ByteReader& in, K* key);

/// What AppendKeyPart wrote, and nothing else: every key has one encoding.
template <bool nested, class K>
bool ReadKeyPart(ByteReader& in, K* key) {
  if constexpr (std::is_same_v<K, bool>) {
    uint8_t byte = 0;
    if (!in.ReadFixed(&byte) || byte > 1) return false;
    *key = byte == 1;
    return true;
  } else if constexpr (std::is_enum_v<K>) {
    std::underlying_type_t<K> value{};
    if (!ReadKeyInteger(in, &value)) return false;
    *key = static_cast<K>(value);
    return true;
  } else if constexpr (std::integral<K>) {
    return ReadKeyInteger(in, key);
  } else if constexpr (std::floating_point<K>) {
    double value = 0;
    if (!ReadKeyDouble(in, &value)) return false;
    *key = static_cast<K>(value);
    return value != value || static_cast<double>(*key) == value;
  } else if constexpr (std::is_same_v<K, Timestamp>) {
    typename Timestamp::rep count{};
    if (!ReadKeyInteger(in, &count)) return false;
    *key = Timestamp(Timestamp::duration(count));
    return true;
  } else if constexpr (std::is_same_v<K, EventTime>) {
    int64_t micros = 0;
    if (!ReadKeyInteger(in, &micros)) return false;
    *key = EventTime::FromMicros(micros);
    return true;
  } else if constexpr (kIsDuration<K>) {
    typename K::rep count{};
    if (!ReadKeyInteger(in, &count)) return false;
    *key = K(count);
    return true;
  } else if constexpr (std::is_same_v<K, std::string>) {
    return ReadKeyBytes<nested>(in, key);
  } else if constexpr (std::is_same_v<K, ByteArray>) {
    std::string bytes;
    if (!ReadKeyBytes<nested>(in, &bytes)) return false;
    const auto* data = reinterpret_cast<const std::byte*>(bytes.data());
    key->assign(data, data + bytes.size());
    return true;
  } else if constexpr (kIsOptional<K>) {
    bool present = false;
    if (!ReadKeyPart<true>(in, &present)) return false;
    key->reset();
    return !present || ReadKeyPart<nested>(in, &key->emplace());
  } else if constexpr (kIsPair<K>) {
    return ReadKeyPart<true>(in, &key->first) && ReadKeyPart<nested>(in, &key->second);
  } else if constexpr (kIsTuple<K>) {
    return ReadKeyTuple<nested, 0>(in, key);
  } else if constexpr (kIsVector<K>) {
    key->clear();
    for (bool more = false; ReadKeyPart<true>(in, &more);) {
      if (!more) return true;
      typename K::value_type element{};
      if (!ReadKeyPart<true>(in, &element)) return false;
      key->push_back(std::move(element));
    }
    return false;
  } else if constexpr (RecordType<K>) {
    return std::apply(
        [&](const auto&... f) { return (ReadKeyPart<true>(in, &(key->*(f.member))) && ...); },
        K::WeirFields());
  } else {
    static_assert(kUnsupported<K>, "a key of this type cannot be read back: use an owning type");
  }
}

template <bool nested, size_t at, class K>
bool ReadKeyTuple(ByteReader& in, K* key) {
  constexpr bool last = at + 1 == std::tuple_size_v<K>;
  if (!ReadKeyPart < nested || !last > (in, &std::get<at>(*key))) return false;
  if constexpr (last) {
    return true;
  } else {
    return ReadKeyTuple<nested, at + 1>(in, key);
  }
}

}  // namespace internal

/// Appends the bytes of a key.
template <class K>
void EncodeKey(const K& key, std::string* out) {
  internal::AppendKeyPart<false>(key, out);
}

template <class K>
std::string EncodeKey(const K& key) {
  std::string bytes;
  EncodeKey(key, &bytes);
  return bytes;
}

/// DATA_LOSS when these are not the bytes of a K.
template <class K>
absl::StatusOr<K> DecodeKey(absl::string_view bytes) {
  K key{};
  ByteReader in(bytes);
  if (internal::ReadKeyPart<false>(in, &key) && in.done()) return key;
  return absl::DataLossError("these bytes are not a key of this type");
}

/// StableHash64(EncodeKey(key)), for integers and strings without writing the bytes. `scratch` is
/// overwritten.
template <class K>
uint64_t HashKey(const K& key, std::string* scratch) {
  if constexpr (std::integral<K> && !std::is_same_v<K, bool>) {
    return StableHash64(uint64_t{__builtin_bswap64(internal::OrderedBits(key))});
  } else if constexpr (std::is_same_v<K, Timestamp>) {
    return HashKey(key.time_since_epoch().count(), scratch);
  } else if constexpr (internal::kIsText<K> || internal::kIsBlob<K>) {
    return StableHash64(internal::KeyBytesOf(key));
  } else {
    scratch->clear();
    EncodeKey(key, scratch);
    return StableHash64(absl::string_view(*scratch));
  }
}

}  // namespace weir
