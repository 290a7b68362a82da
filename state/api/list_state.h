#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "state/api/state_handle.h"

namespace weir {

/// A list for each key, to whose end elements are added (Flink's ListState). As ValueState
/// otherwise. Elements expire one by one. An empty list and none are the same.
template <class T>
class ListState {
 public:
  ListState() = default;
  explicit ListState(CellTable* table) : handle_(table) {}

  std::vector<T> Get() const {
    const std::vector<T>* values = Peek();
    return values == nullptr ? std::vector<T>() : *values;
  }
  /// Without a copy; null for none. Valid until the next use of any state.
  const std::vector<T>* Peek() const {
    CellTable& table = handle_.table();
    const auto* cell = static_cast<const Cell*>(table.Find());
    if (cell == nullptr || !handle_.has_ttl()) return cell == nullptr ? nullptr : &cell->values;
    if (handle_.update_on_read() || AnyExpired(*cell)) cell = Refresh();
    return cell == nullptr ? nullptr : &cell->values;
  }
  /// Costs as much as the element, however many there are: they are not read.
  void Add(T value) {
    auto* cell = static_cast<Cell*>(handle_.table().FindToAppend());
    cell->values.push_back(std::move(value));
    if (handle_.has_ttl()) cell->stamps_micros.push_back(handle_.stamp_micros());
  }
  void AddAll(const std::vector<T>& values) {
    for (const T& value : values) Add(value);
  }
  /// In place of all that was there, which is not read.
  void Update(std::vector<T> values) {
    Clear();
    if (values.empty()) return;
    auto* cell = static_cast<Cell*>(handle_.table().FindOrCreate());
    cell->values = std::move(values);
    if (handle_.has_ttl()) {
      cell->stamps_micros.assign(cell->values.size(), handle_.stamp_micros());
    }
  }
  void Clear() { handle_.table().Clear(); }

 private:
  using Cell = ListCell<T>;

  bool AnyExpired(const Cell& cell) const {
    for (const int64_t stamp : cell.stamps_micros) {
      if (stamp <= handle_.oldest_micros()) return true;
    }
    return false;
  }
  // Removes what has expired; null when that is all, or the list cannot be read again.
  const Cell* Refresh() const {
    CellTable& table = handle_.table();
    auto* cell = static_cast<Cell*>(table.FindToChange());
    if (cell == nullptr) return nullptr;
    if (CellTypeOf<Cell>().Expire(handle_.oldest_micros(), cell)) {
      table.Clear();
      return nullptr;
    }
    if (handle_.update_on_read()) {
      cell->stamps_micros.assign(cell->values.size(), handle_.stamp_micros());
    }
    return cell;
  }

  internal::StateHandle<CellTable> handle_;
};

}  // namespace weir
