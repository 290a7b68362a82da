#pragma once

#include <functional>
#include <optional>
#include <utility>

#include "state/api/state_handle.h"

namespace weir {

/// One value for each key, made of all that were added by the descriptor's function. As ValueState
/// otherwise.
template <class T>
class ReducingState {
 public:
  ReducingState() = default;
  ReducingState(CellTable* table, std::function<T(const T&, const T&)> reduce)
      : cell_(table), reduce_(std::move(reduce)) {}

  /// Nothing when nothing was added, or it has expired.
  std::optional<T> Get() const {
    const T* value = cell_.Find();
    return value == nullptr ? std::nullopt : std::optional<T>(*value);
  }
  void Add(const T& value) {
    bool fresh = false;
    T& held = cell_.FindToWrite(&fresh);
    held = fresh ? value : reduce_(held, value);
  }
  void Clear() { cell_.Clear(); }

 private:
  internal::ValueCellHandle<T> cell_;
  std::function<T(const T&, const T&)> reduce_;
};

}  // namespace weir
