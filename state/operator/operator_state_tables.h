#pragma once

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

#include "state/api/operator_state_store.h"
#include "state/keyed/copy_on_freeze.h"
#include "state/keyed/heap_map.h"
#include "state/operator/owned_cell.h"

namespace weir {

/// What the handles of a list stand on: one cell, without a key.
/// Threads: the task's, but for readers of what is frozen.
class OperatorListTable final : public CellTable {
 public:
  using Cell = CopyOnFreeze<OwnedCell>;
  explicit OperatorListTable(const OperatorStateDefinition& definition);

  const void* Find() override;
  void* FindToChange() override;
  void* FindOrCreate() override;
  void Clear() override { cell_ = Cell(); }

  const ListElements& elements() const { return elements_; }
  Cell::Reader Freeze() const { return cell_.Freeze(); }

 private:
  const ListElements& elements_;
  Cell cell_;
};

/// The same of broadcast state: one map.
class OperatorMapTable final : public MapTable {
 public:
  using Map = CopyOnFreeze<HeapMap>;
  explicit OperatorMapTable(const OperatorStateDefinition& definition);

  const void* Find(absl::string_view map_key) override;
  void* FindToChange(absl::string_view map_key) override;
  void* FindOrCreate(absl::string_view map_key) override;
  void Remove(absl::string_view map_key) override;
  void ForEach(Visitor visit) override;
  void Clear() override { map_ = Map(); }
  void Prefetch(absl::Span<const MapEntryRef>) override {}

  Map::Reader Freeze() const { return map_.Freeze(); }

 private:
  Map map_;
};

}  // namespace weir
