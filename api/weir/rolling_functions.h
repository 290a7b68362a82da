#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>

#include "common/types/record.h"
#include "weir/key_functions.h"

/// What Sum, Min, Max, MinBy and MaxBy of keyed and windowed streams are, as functions for Reduce:
/// the result so far and the next row give the next result (Flink's SumAggregator and
/// ComparableAggregator).
namespace weir::internal {

template <class K>
inline constexpr bool kCanBeSummed =
    std::is_same_v<K, int32_t> || std::is_same_v<K, int64_t> || std::is_same_v<K, double>;

template <class K>
struct IsNullable : std::false_type {};
template <class K>
struct IsNullable<std::optional<K>> : std::true_type {};

/// As Java's compareTo: NaN is above everything.
template <class K>
bool IsBelow(const K& a, const K& b) {
  if constexpr (std::floating_point<K>) {
    if (a != a) return false;
    if (b != b) return true;
  }
  return a < b;
}

/// The other fields are those of the first row. Integers wrap around, as in Java.
template <RowType T, class K>
struct SumOfField {
  static_assert(kCanBeSummed<K>, "Sum takes a field of type int32_t, int64_t or double");

  K T::*field;
  T operator()(T sum, const T& row) const {
    if constexpr (std::integral<K>) {
      using Unsigned = std::make_unsigned_t<K>;
      sum.*field =
          static_cast<K>(static_cast<Unsigned>(sum.*field) + static_cast<Unsigned>(row.*field));
    } else {
      sum.*field += row.*field;
    }
    return sum;
  }
};

enum class Extreme { kLowest, kHighest };

/// The lowest or highest value of the field; `kWhole`: with the row that it is of, the first of
/// several; else the other fields are those of the first row.
template <RowType T, class K, Extreme kExtreme, bool kWhole>
struct ExtremeOfField {
  static_assert(!IsNullable<K>::value,
                "Min, Max, MinBy and MaxBy take a field that is no std::optional");

  K T::*field;
  T operator()(T best, const T& row) const {
    const bool better = kExtreme == Extreme::kLowest ? IsBelow(row.*field, best.*field)
                                                     : IsBelow(best.*field, row.*field);
    if (!better) return best;
    if constexpr (kWhole) return row;
    best.*field = row.*field;
    return best;
  }
};

template <RowType T, class K>
using MinOfField = ExtremeOfField<T, K, Extreme::kLowest, false>;
template <RowType T, class K>
using MaxOfField = ExtremeOfField<T, K, Extreme::kHighest, false>;
template <RowType T, class K>
using RowOfMin = ExtremeOfField<T, K, Extreme::kLowest, true>;
template <RowType T, class K>
using RowOfMax = ExtremeOfField<T, K, Extreme::kHighest, true>;

/// "" for a member that is not in the WEIR_RECORD.
template <RowType T, class K>
std::string NameOfField(K T::*field) {
  return FieldKey<T, K>(field).Describe();
}

}  // namespace weir::internal
