#pragma once

#include <optional>
#include <utility>

#include "state/api/state_handle.h"

namespace weir {

/// One value for each key (Flink's ValueState). Got from KeyedStateStore::GetState; small, to be
/// copied freely; works on the current key, on the task's thread.
template <class T>
class ValueState {
 public:
  ValueState() = default;  // not to be used
  explicit ValueState(CellTable* table) : cell_(table) {}

  /// Nothing when there is none, or it has expired.
  std::optional<T> Value() const {
    const T* value = cell_.Find();
    return value == nullptr ? std::nullopt : std::optional<T>(*value);
  }
  /// The same without a copy; null for nothing. Valid until the next use of any state.
  const T* Peek() const { return cell_.Find(); }
  void Update(T value) {
    bool fresh = false;
    cell_.FindToWrite(&fresh) = std::move(value);
  }
  void Clear() { cell_.Clear(); }

 private:
  internal::ValueCellHandle<T> cell_;
};

}  // namespace weir
