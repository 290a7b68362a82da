#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/types/column.h"
#include "common/types/column_builder.h"
#include "common/types/data_type.h"

namespace weir {

/// A point in event time, as a field of a record.
using Timestamp = std::chrono::time_point<std::chrono::system_clock, std::chrono::microseconds>;
/// Any bytes (Java's byte[]), as a field of a record.
using ByteArray = std::vector<std::byte>;

/// How a C++ type is stored in a column. For every type that a record's field may have:
///   kType, kNullable   the column
///   View               what a row view holds: the value itself, or a view of its bytes
///   Cursor             reads values of one column: Cursor(column).At(row)
///   Append(builder, view), Own(view)
/// Types: bool, int32_t, int64_t, double, std::string, ByteArray, Timestamp, std::optional of
/// these.
template <class T>
struct FieldTraits {
  static constexpr bool kSupported = false;
};

namespace internal {

template <class T, DataType type>
struct PlainFieldTraits {
  static constexpr bool kSupported = true;
  static constexpr bool kNullable = false;
  static constexpr DataType kType = type;
  using View = T;
  static T Own(View view) { return view; }
};

}  // namespace internal

template <>
struct FieldTraits<bool> : internal::PlainFieldTraits<bool, DataType::kBool> {
  struct Cursor {
    explicit Cursor(const Column& column) : values(column.bools()) {}
    [[gnu::always_inline]] bool At(size_t row) const { return values[row] != 0; }
    const uint8_t* values;
  };
  static void Append(ColumnBuilder& builder, bool value) { builder.AppendBool(value); }
};

template <>
struct FieldTraits<int32_t> : internal::PlainFieldTraits<int32_t, DataType::kInt32> {
  struct Cursor {
    explicit Cursor(const Column& column) : values(column.int32s()) {}
    [[gnu::always_inline]] int32_t At(size_t row) const { return values[row]; }
    const int32_t* values;
  };
  static void Append(ColumnBuilder& builder, int32_t value) { builder.AppendInt32(value); }
};

/// int64_t, and whichever of long and long long it is not.
template <class T>
requires(std::signed_integral<T> && sizeof(T) == 8) struct FieldTraits<T>
    : internal::PlainFieldTraits<T, DataType::kInt64> {
  struct Cursor {
    explicit Cursor(const Column& column) : values(column.int64s()) {}
    [[gnu::always_inline]] T At(size_t row) const { return values[row]; }
    const int64_t* values;
  };
  static void Append(ColumnBuilder& builder, T value) { builder.AppendInt64(value); }
};

template <>
struct FieldTraits<double> : internal::PlainFieldTraits<double, DataType::kFloat64> {
  struct Cursor {
    explicit Cursor(const Column& column) : values(column.float64s()) {}
    [[gnu::always_inline]] double At(size_t row) const { return values[row]; }
    const double* values;
  };
  static void Append(ColumnBuilder& builder, double value) { builder.AppendFloat64(value); }
};

template <>
struct FieldTraits<Timestamp> : internal::PlainFieldTraits<Timestamp, DataType::kTimestamp> {
  struct Cursor {
    explicit Cursor(const Column& column) : values(column.int64s()) {}
    [[gnu::always_inline]] Timestamp At(size_t row) const {
      return Timestamp(std::chrono::microseconds(values[row]));
    }
    const int64_t* values;
  };
  static void Append(ColumnBuilder& builder, Timestamp value) {
    builder.AppendInt64(value.time_since_epoch().count());
  }
};

template <>
struct FieldTraits<std::string> {
  static constexpr bool kSupported = true;
  static constexpr bool kNullable = false;
  static constexpr DataType kType = DataType::kString;
  using View = std::string_view;
  struct Cursor {
    explicit Cursor(const Column& column) : offsets(column.offsets()), bytes(column.bytes()) {}
    [[gnu::always_inline]] std::string_view At(size_t row) const {
      return {bytes + offsets[row], static_cast<size_t>(offsets[row + 1] - offsets[row])};
    }
    const int32_t* offsets;
    const char* bytes;
  };
  static std::string Own(View view) { return std::string(view); }
  static void Append(ColumnBuilder& builder, View value) { builder.AppendBytes(value); }
};

template <>
struct FieldTraits<ByteArray> {
  static constexpr bool kSupported = true;
  static constexpr bool kNullable = false;
  static constexpr DataType kType = DataType::kBytes;
  using View = std::span<const std::byte>;
  struct Cursor {
    explicit Cursor(const Column& column) : strings(column) {}
    [[gnu::always_inline]] View At(size_t row) const {
      const std::string_view value = strings.At(row);
      return {reinterpret_cast<const std::byte*>(value.data()), value.size()};
    }
    FieldTraits<std::string>::Cursor strings;
  };
  static ByteArray Own(View view) { return ByteArray(view.begin(), view.end()); }
  static void Append(ColumnBuilder& builder, View value) {
    builder.AppendBytes({reinterpret_cast<const char*>(value.data()), value.size()});
  }
};

template <class T>
requires(FieldTraits<T>::kSupported) struct FieldTraits<std::optional<T>> {
  using Inner = FieldTraits<T>;
  static constexpr bool kSupported = !Inner::kNullable;
  static constexpr bool kNullable = true;
  static constexpr DataType kType = Inner::kType;
  using View = std::optional<typename Inner::View>;
  struct Cursor {
    explicit Cursor(const Column& column) : inner(column), validity(column.validity()) {}
    [[gnu::always_inline]] View At(size_t row) const {
      if (validity != nullptr && ((validity[row >> 3] >> (row & 7)) & 1) == 0) return std::nullopt;
      return inner.At(row);
    }
    typename Inner::Cursor inner;
    const uint8_t* validity;
  };
  static std::optional<T> Own(const View& view) {
    return view.has_value() ? std::optional<T>(Inner::Own(*view)) : std::nullopt;
  }
  static void Append(ColumnBuilder& builder, const View& value) {
    value.has_value() ? Inner::Append(builder, *value) : builder.AppendNull();
  }
  static void Append(ColumnBuilder& builder, const std::optional<T>& value) requires(
      !std::same_as<std::optional<T>, View>) {
    value.has_value() ? Inner::Append(builder, *value) : builder.AppendNull();
  }
};

/// What a row view holds for a field of type T: std::string_view for std::string, and so on.
template <class T>
using ViewOf = typename FieldTraits<T>::View;

template <class T>
concept FieldType = FieldTraits<T>::kSupported;

namespace internal {

/// The view of a field that WEIR_RECORD declares; of any other type, one sentence of the compiler.
template <class T>
struct RecordFieldView {
  static_assert(FieldType<T>,
                "a field of this WEIR_RECORD has a type that no column holds: use bool, int32_t, "
                "int64_t, double, std::string, weir::ByteArray, weir::Timestamp or a std::optional "
                "of one of these");
  using type = T;
};
template <FieldType T>
struct RecordFieldView<T> {
  using type = ViewOf<T>;
};

}  // namespace internal

}  // namespace weir
