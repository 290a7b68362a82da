#pragma once

#include <cstdint>
#include <limits>

#include "state/api/cell_type.h"
#include "state/api/state_table.h"

namespace weir::internal {

/// Ends the process: a handle that no store has given, or after an error of the store.
[[noreturn]] void FailUnboundState();

/// What handles have in common: the table, and what has expired.
template <class Table>
class StateHandle {
 public:
  StateHandle() = default;
  explicit StateHandle(Table* table) : table_(table) {
    if (table == nullptr) return;
    const StateTtl& ttl = table->definition().ttl;
    ttl_micros_ = ttl.duration.count() > 0 ? ttl.duration.count() : 0;
    update_on_read_ = ttl.update == StateTtl::Update::kOnReadAndWrite;
  }

  Table& table() const {
    if (table_ == nullptr) FailUnboundState();
    return *table_;
  }
  bool has_ttl() const { return ttl_micros_ > 0; }
  bool update_on_read() const { return update_on_read_; }
  /// What was last written at this time or earlier has expired.
  int64_t oldest_micros() const {
    int64_t oldest = 0;
    return __builtin_sub_overflow(table_->now_micros(), ttl_micros_, &oldest)
               ? std::numeric_limits<int64_t>::min()
               : oldest;
  }
  /// For a cell that is written now.
  int64_t stamp_micros() const { return has_ttl() ? table_->now_micros() : kNoStamp; }

 private:
  Table* table_ = nullptr;
  int64_t ttl_micros_ = 0;
  bool update_on_read_ = false;
};

/// The cell of one value under the current key, for value, reducing and aggregating state.
template <class T>
class ValueCellHandle {
 public:
  using Cell = ValueCell<T>;
  ValueCellHandle() = default;
  explicit ValueCellHandle(CellTable* table) : handle_(table) {}

  /// Null when there is none that is alive.
  const T* Find() const {
    CellTable& table = handle_.table();
    const auto* cell = static_cast<const Cell*>(table.Find());
    if (cell == nullptr || !handle_.has_ttl()) return cell == nullptr ? nullptr : &cell->value;
    if (cell->stamp_micros <= handle_.oldest_micros()) {
      table.Clear();
      return nullptr;
    }
    if (!handle_.update_on_read()) return &cell->value;
    // It may have to be read again, and that may fail.
    auto* changed = static_cast<Cell*>(table.FindToChange());
    if (changed == nullptr) return nullptr;
    changed->stamp_micros = handle_.stamp_micros();
    return &changed->value;
  }

  /// To be written now. `fresh`: there was none that is alive, and the value is to be set.
  T& FindToWrite(bool* fresh) const {
    auto* cell = static_cast<Cell*>(handle_.table().FindOrCreate());
    *fresh = cell->stamp_micros == kNewStamp ||
             (handle_.has_ttl() && cell->stamp_micros <= handle_.oldest_micros());
    cell->stamp_micros = handle_.stamp_micros();
    return cell->value;
  }

  void Clear() const { handle_.table().Clear(); }

 private:
  StateHandle<CellTable> handle_;
};

/// A state's definition but for what only maps have.
template <class T, class Cell, class Descriptor>
StateDefinition DefineState(StateKind kind, const Descriptor& descriptor) {
  StateDefinition definition;
  definition.name = descriptor.name;
  definition.kind = kind;
  definition.schema = StateCodec<T>::Schema();
  definition.cell_type = &CellTypeOf<Cell>();
  definition.ttl = descriptor.ttl;
  return definition;
}

}  // namespace weir::internal
