#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "common/types/record.h"
#include "state/api/state_codec.h"

/// About how much memory values of state have outside of themselves, for backends that bound it.
namespace weir::internal {

/// Types whose values never have any.
template <class T>
inline constexpr bool kPlainState = std::is_trivially_copyable_v<T>;

/// Elements of a vector that are looked at: the others count as these do on average.
inline constexpr size_t kMeasuredElements = 16;

template <class T>
struct StateMemory {
  static size_t Outside(const T& value) {
    if constexpr (kPlainState<T>) {
      return 0;
    } else if constexpr (RecordType<T>) {
      size_t bytes = 0;
      std::apply(
          [&](const auto&... field) {
            ((bytes += StateMemory<typename std::decay_t<decltype(field)>::Type>::Outside(
                  value.*(field.member))),
             ...);
          },
          T::WeirFields());
      return bytes;
    } else {
      // A type of somebody else's: as large as its bytes.
      std::string encoded;
      StateCodec<T>::Append(value, &encoded);
      return encoded.size();
    }
  }
};

template <>
struct StateMemory<std::string> {
  static size_t Outside(const std::string& value) {
    return value.capacity() < sizeof(std::string) / 2 ? 0 : value.capacity() + 1;
  }
};
template <class T>
struct StateMemory<std::optional<T>> {
  static size_t Outside(const std::optional<T>& value) {
    return value.has_value() ? StateMemory<T>::Outside(*value) : 0;
  }
};
template <class A, class B>
struct StateMemory<std::pair<A, B>> {
  static size_t Outside(const std::pair<A, B>& value) {
    return StateMemory<A>::Outside(value.first) + StateMemory<B>::Outside(value.second);
  }
};
template <class T>
struct StateMemory<std::vector<T>> {
  static size_t Outside(const std::vector<T>& value) {
    const size_t own = value.capacity() * sizeof(T);
    if (kPlainState<T> || value.empty()) return own;
    const size_t step = std::max<size_t>(value.size() / kMeasuredElements, 1);
    size_t measured = 0;
    size_t bytes = 0;
    for (size_t at = 0; at < value.size(); at += step, ++measured) {
      bytes += StateMemory<T>::Outside(value[at]);
    }
    return own + bytes * value.size() / measured;
  }
};

}  // namespace weir::internal
