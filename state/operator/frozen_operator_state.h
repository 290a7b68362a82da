#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

#include "state/operator/operator_state_format.h"
#include "state/operator/operator_state_parts.h"
#include "state/operator/operator_state_tables.h"

namespace weir {

/// A state of a checkpoint that nobody has asked for, still encoded.
struct CarriedOperatorState {
  WrittenOperatorState info;
  std::vector<absl::string_view> elements;
  /// What of them this subtask writes: of a union list its share, of others all.
  ElementRange written;
  std::vector<std::shared_ptr<const std::string>> objects;  // which the elements are in
};

/// The operator state of one subtask as it was at Freeze, still to be written.
///
/// Threads: const; any one thread, beside the task that goes on.
/// Lifetime: independent of the backend.
class FrozenOperatorState {
 public:
  struct List {
    WrittenOperatorState info;
    const ListElements* elements = nullptr;
    OperatorListTable::Cell::Reader cell;
  };
  struct Map {
    WrittenOperatorState info;
    const CellType* entry_type = nullptr;
    OperatorMapTable::Map::Reader map;
  };

  FrozenOperatorState(std::vector<List> lists, std::vector<Map> maps,
                      std::vector<std::shared_ptr<const CarriedOperatorState>> carried);

  OperatorStateObjects Write() const;

 private:
  std::string WriteObject(OperatorStateMode mode, ListSizes* sizes) const;

  const std::vector<List> lists_;
  const std::vector<Map> maps_;
  const std::vector<std::shared_ptr<const CarriedOperatorState>> carried_;
};

}  // namespace weir
