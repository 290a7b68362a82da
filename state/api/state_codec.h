#pragma once

#include <algorithm>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "common/time/event_time.h"
#include "common/types/byte_reader.h"
#include "common/types/record.h"
#include "state/api/state_schema.h"

/// Values of state as bytes. Types: bool, integers, enums, float, double, std::string,
/// weir::ByteArray, weir::Timestamp, std::chrono durations, EventTime, records of WEIR_RECORD, and
/// std::optional, std::vector, std::pair and std::tuple (of one type or more, as the pair of the
/// first and all others) of these, in any depth.
///
/// A type of one's own: specialise StateCodec with the three functions below; Schema() of kind
/// kCustom with a name that changes with the format; the bytes in the form of AppendSized.
namespace weir {

/// Every codec has, as static functions,
///   Schema()                              what is written
///   Append(value, out)                    appends the bytes of one value
///   Read(in, written, value) -> bool      reads one value written as `*written`, or by Append when
///                                         that is null; false, never a crash, for other bytes
/// The form: docs/formats/keyed-state-snapshot.md.
template <class T>
struct StateCodec {
  static_assert(sizeof(T) == 0,
                "not a type for state: use bool, an integer, an enum, double, std::string, "
                "weir::ByteArray, weir::Timestamp, a std::chrono duration, a WEIR_RECORD, a "
                "std::optional, std::vector, std::pair or std::tuple of these, or specialise "
                "weir::StateCodec for it");
};

/// A default-constructible, copyable type with a codec.
template <class T>
concept StateType = std::default_initializable<T> && std::copy_constructible<T> &&
    requires(const T& value, T* target, std::string* out, ByteReader& in,
             const StateSchema* written) {
  { StateCodec<T>::Schema() } -> std::same_as<StateSchema>;
  StateCodec<T>::Append(value, out);
  { StateCodec<T>::Read(in, written, target) } -> std::same_as<bool>;
};

/// Appends the bytes of `value`.
template <class T>
void EncodeState(const T& value, std::string* out) {
  StateCodec<T>::Append(value, out);
}

/// The value of bytes written as `written`, which CompareSchemas accepts; null: by EncodeState<T>.
/// DATA_LOSS when they are not one.
template <class T>
absl::StatusOr<T> DecodeState(absl::string_view bytes, const StateSchema* written = nullptr) {
  T value{};
  ByteReader in(bytes);
  if (StateCodec<T>::Read(in, written, &value) && in.done()) return value;
  return absl::DataLossError("these bytes are not a value of state of this type");
}

namespace internal {

/// Integers narrower than, or as wide as, the one that is wanted.
bool ReadSignedState(ByteReader& in, StateSchema::Kind written, int64_t* value);
bool ReadUnsignedState(ByteReader& in, StateSchema::Kind written, uint64_t* value);

template <std::integral T>
constexpr StateSchema::Kind IntegerKind() {
  constexpr int step = sizeof(T) == 1 ? 0 : sizeof(T) == 2 ? 1 : sizeof(T) == 4 ? 2 : 3;
  return static_cast<StateSchema::Kind>(
      static_cast<int>(std::is_signed_v<T> ? StateSchema::Kind::kInt8 : StateSchema::Kind::kUint8) +
      step);
}

template <class T, StateSchema::Kind kKind>
struct PlainStateCodec {
  static StateSchema Schema() { return {.kind = kKind}; }
  static void Append(const T& value, std::string* out) { AppendFixed(value, out); }
  static bool Read(ByteReader& in, const StateSchema*, T* value) { return in.ReadFixed(value); }
};

}  // namespace internal

template <>
struct StateCodec<bool> : internal::PlainStateCodec<bool, StateSchema::Kind::kBool> {
  static bool Read(ByteReader& in, const StateSchema*, bool* value) {
    uint8_t byte = 0;
    if (!in.ReadFixed(&byte) || byte > 1) return false;
    *value = byte == 1;
    return true;
  }
};
template <>
struct StateCodec<float> : internal::PlainStateCodec<float, StateSchema::Kind::kFloat> {};
template <>
struct StateCodec<double> : internal::PlainStateCodec<double, StateSchema::Kind::kDouble> {};

template <std::integral T>
struct StateCodec<T> {
  static StateSchema Schema() { return {.kind = internal::IntegerKind<T>()}; }
  static void Append(T value, std::string* out) { AppendFixed(value, out); }
  static bool Read(ByteReader& in, const StateSchema* written, T* value) {
    if (written == nullptr || written->kind == internal::IntegerKind<T>()) {
      return in.ReadFixed(value);
    }
    if constexpr (std::is_signed_v<T>) {
      int64_t wide = 0;
      if (!internal::ReadSignedState(in, written->kind, &wide)) return false;
      *value = static_cast<T>(wide);
      return *value == wide;
    } else {
      uint64_t wide = 0;
      if (!internal::ReadUnsignedState(in, written->kind, &wide)) return false;
      *value = static_cast<T>(wide);
      return *value == wide;
    }
  }
};

template <class T>
requires std::is_enum_v<T>
struct StateCodec<T> {
  using Number = std::underlying_type_t<T>;
  static StateSchema Schema() { return StateCodec<Number>::Schema(); }
  static void Append(T value, std::string* out) {
    StateCodec<Number>::Append(static_cast<Number>(value), out);
  }
  static bool Read(ByteReader& in, const StateSchema* written, T* value) {
    Number number{};
    if (!StateCodec<Number>::Read(in, written, &number)) return false;
    *value = static_cast<T>(number);
    return true;
  }
};

template <>
struct StateCodec<Timestamp> {
  static StateSchema Schema() { return {.kind = StateSchema::Kind::kTimestamp}; }
  static void Append(Timestamp value, std::string* out) {
    AppendFixed<int64_t>(value.time_since_epoch().count(), out);
  }
  static bool Read(ByteReader& in, const StateSchema*, Timestamp* value) {
    int64_t micros = 0;
    if (!in.ReadFixed(&micros)) return false;
    *value = Timestamp(std::chrono::microseconds(micros));
    return true;
  }
};

template <>
struct StateCodec<EventTime> {
  static StateSchema Schema() { return {.kind = StateSchema::Kind::kTimestamp}; }
  static void Append(EventTime value, std::string* out) { AppendFixed(value.micros(), out); }
  static bool Read(ByteReader& in, const StateSchema*, EventTime* value) {
    int64_t micros = 0;
    if (!in.ReadFixed(&micros)) return false;
    *value = EventTime::FromMicros(micros);
    return true;
  }
};

template <std::integral Rep, class Period>
struct StateCodec<std::chrono::duration<Rep, Period>> {
  using Duration = std::chrono::duration<Rep, Period>;
  static StateSchema Schema() {
    return {.kind = StateSchema::Kind::kDuration,
            .name = std::to_string(Period::num) + "/" + std::to_string(Period::den)};
  }
  static void Append(Duration value, std::string* out) { AppendFixed<int64_t>(value.count(), out); }
  static bool Read(ByteReader& in, const StateSchema*, Duration* value) {
    int64_t count = 0;
    if (!in.ReadFixed(&count)) return false;
    *value = Duration(static_cast<Rep>(count));
    return value->count() == count;
  }
};

template <>
struct StateCodec<std::string> {
  static StateSchema Schema() { return {.kind = StateSchema::Kind::kString}; }
  static void Append(const std::string& value, std::string* out) { AppendSized(value, out); }
  static bool Read(ByteReader& in, const StateSchema*, std::string* value) {
    absl::string_view bytes;
    if (!in.ReadSized(&bytes)) return false;
    value->assign(bytes.data(), bytes.size());
    return true;
  }
};

template <>
struct StateCodec<ByteArray> {
  static StateSchema Schema() { return {.kind = StateSchema::Kind::kBytes}; }
  static void Append(const ByteArray& value, std::string* out) {
    AppendSized({reinterpret_cast<const char*>(value.data()), value.size()}, out);
  }
  static bool Read(ByteReader& in, const StateSchema*, ByteArray* value) {
    absl::string_view bytes;
    if (!in.ReadSized(&bytes)) return false;
    const auto* data = reinterpret_cast<const std::byte*>(bytes.data());
    value->assign(data, data + bytes.size());
    return true;
  }
};

template <class T>
struct StateCodec<std::optional<T>> {
  static StateSchema Schema() {
    return {.kind = StateSchema::Kind::kOptional, .parts = {StateCodec<T>::Schema()}};
  }
  static void Append(const std::optional<T>& value, std::string* out) {
    out->push_back(value.has_value() ? 1 : 0);
    if (value.has_value()) StateCodec<T>::Append(*value, out);
  }
  static bool Read(ByteReader& in, const StateSchema* written, std::optional<T>* value) {
    bool present = false;
    if (!StateCodec<bool>::Read(in, nullptr, &present)) return false;
    value->reset();
    return !present || StateCodec<T>::Read(in, written == nullptr ? nullptr : &written->parts[0],
                                           &value->emplace());
  }
};

template <class T>
struct StateCodec<std::vector<T>> {
  static StateSchema Schema() {
    return {.kind = StateSchema::Kind::kList, .parts = {StateCodec<T>::Schema()}};
  }
  static void Append(const std::vector<T>& value, std::string* out) {
    AppendVarint(value.size(), out);
    for (const T& element : value) StateCodec<T>::Append(element, out);
  }
  static bool Read(ByteReader& in, const StateSchema* written, std::vector<T>* value) {
    uint64_t count = 0;
    // Every element has a byte at least.
    if (!in.ReadVarint(&count) || count > in.left()) return false;
    value->clear();
    value->reserve(static_cast<size_t>(std::min<uint64_t>(count, 1024)));
    const StateSchema* part = written == nullptr ? nullptr : &written->parts[0];
    for (; count > 0; --count) {
      T element{};
      if (!StateCodec<T>::Read(in, part, &element)) return false;
      value->push_back(std::move(element));
    }
    return true;
  }
};

template <class A, class B>
struct StateCodec<std::pair<A, B>> {
  static StateSchema Schema() {
    return {.kind = StateSchema::Kind::kPair,
            .parts = {StateCodec<A>::Schema(), StateCodec<B>::Schema()}};
  }
  static void Append(const std::pair<A, B>& value, std::string* out) {
    StateCodec<A>::Append(value.first, out);
    StateCodec<B>::Append(value.second, out);
  }
  static bool Read(ByteReader& in, const StateSchema* written, std::pair<A, B>* value) {
    const StateSchema* parts = written == nullptr ? nullptr : written->parts.data();
    return StateCodec<A>::Read(in, parts, &value->first) &&
           StateCodec<B>::Read(in, parts == nullptr ? nullptr : parts + 1, &value->second);
  }
};

template <class A>
struct StateCodec<std::tuple<A>> {
  static StateSchema Schema() { return StateCodec<A>::Schema(); }
  static void Append(const std::tuple<A>& value, std::string* out) {
    StateCodec<A>::Append(std::get<0>(value), out);
  }
  static bool Read(ByteReader& in, const StateSchema* written, std::tuple<A>* value) {
    return StateCodec<A>::Read(in, written, &std::get<0>(*value));
  }
};

template <class A, class B, class... C>
struct StateCodec<std::tuple<A, B, C...>> {
  static StateSchema Schema() { return Codec::Schema(); }
  static void Append(const std::tuple<A, B, C...>& value, std::string* out) {
    std::apply([out](const auto&... part) { (AppendPart(part, out), ...); }, value);
  }
  static bool Read(ByteReader& in, const StateSchema* written, std::tuple<A, B, C...>* value) {
    std::pair<A, std::tuple<B, C...>> parts;
    if (!Codec::Read(in, written, &parts)) return false;
    *value = std::tuple_cat(std::tuple<A>(std::move(parts.first)), std::move(parts.second));
    return true;
  }

 private:
  using Codec = StateCodec<std::pair<A, std::tuple<B, C...>>>;
  template <class T>
  static void AppendPart(const T& part, std::string* out) {
    StateCodec<T>::Append(part, out);
  }
};

template <RecordType T>
struct StateCodec<T> {
  static StateSchema Schema() {
    StateSchema schema{.kind = StateSchema::Kind::kRecord};
    ForFields([&schema](const auto& field) {
      schema.fields.emplace_back(field.name);
      schema.parts.push_back(StateCodec<FieldOf<decltype(field)>>::Schema());
    });
    return schema;
  }
  static void Append(const T& value, std::string* out) {
    ForFields([&](const auto& field) {
      StateCodec<FieldOf<decltype(field)>>::Append(value.*(field.member), out);
    });
  }
  /// Fields that were not written keep what a new T has.
  static bool Read(ByteReader& in, const StateSchema* written, T* value) {
    if (written == nullptr) {
      bool good = true;
      ForFields([&](const auto& field) {
        good = good &&
               StateCodec<FieldOf<decltype(field)>>::Read(in, nullptr, &(value->*(field.member)));
      });
      return good;
    }
    for (size_t i = 0; i < written->fields.size(); ++i) {
      if (!ReadField(in, written->fields[i], written->parts[i], value)) return false;
    }
    return true;
  }

 private:
  template <class Field>
  using FieldOf = typename std::decay_t<Field>::Type;

  template <class F>
  static void ForFields(const F& f) {
    std::apply([&f](const auto&... field) { (f(field), ...); }, T::WeirFields());
  }
  static bool ReadField(ByteReader& in, const std::string& name, const StateSchema& written,
                        T* value) {
    bool found = false;
    bool good = true;
    ForFields([&](const auto& field) {
      if (found || name != field.name) return;
      found = true;
      good = StateCodec<FieldOf<decltype(field)>>::Read(in, &written, &(value->*(field.member)));
    });
    return found ? good : SkipValue(written, in);
  }
};

}  // namespace weir
