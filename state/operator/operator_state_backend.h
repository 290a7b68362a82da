#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"

#include "state/operator/frozen_operator_state.h"
#include "state/operator/operator_state_parts.h"
#include "state/operator/operator_state_tables.h"
#include "state/operator/redistribution.h"

namespace weir {

/// Keeps the operator state of one operator in one subtask, in memory:
/// docs/protocols/operator-state.md.
///
/// Life cycle: Restore at most once, before anything is asked for; then OperatorStateStore, with
/// Freeze in between.
/// Threads: the task's thread, but for FrozenOperatorState.
class OperatorStateBackend final : public OperatorStateStore {
 public:
  /// Takes what is this subtask's. DATA_LOSS: an object is damaged or missing, or has not the
  /// elements that are said of it; FAILED_PRECONDITION: a newer format.
  absl::Status Restore(const OperatorStateParts& parts, const SubtaskPlace& place);
  /// The only part of a snapshot on the task's thread. Null when there is nothing to keep.
  std::shared_ptr<const FrozenOperatorState> Freeze() const;

  bool restored() const override { return restored_; }
  const absl::Status& status() const override { return status_; }

 private:
  struct State {
    OperatorStateDefinition definition;
    std::unique_ptr<OperatorListTable> list;  // or
    std::unique_ptr<OperatorMapTable> map;
  };
  using CarriedPtr = std::shared_ptr<CarriedOperatorState>;

  CellTable* RegisterList(const OperatorStateDefinition& definition) override;
  MapTable* RegisterBroadcast(const OperatorStateDefinition& definition) override;
  State& Register(const OperatorStateDefinition& definition);
  /// Into a state of its own, which is kept nowhere.
  State& Refuse(const OperatorStateDefinition& definition, const absl::Status& status);
  static State MakeState(const OperatorStateDefinition& definition);

  absl::Status RestoreLists(const OperatorStateParts& parts, const SubtaskPlace& place);
  absl::Status RestoreUnionLists(const OperatorStateParts& parts, const SubtaskPlace& place);
  absl::Status RestoreBroadcast(const std::shared_ptr<const std::string>& object);
  void Carry(const EncodedOperatorState& state, const ElementRange& range,
             const std::shared_ptr<const std::string>& object);
  absl::Status TakeCarried(State& state);
  static absl::Status Take(const CarriedOperatorState& carried, State& state);

  bool restored_ = false;
  absl::Status status_;
  std::map<std::string, State> states_;  // by name
  std::vector<std::unique_ptr<State>> refused_;
  std::vector<CarriedPtr> carried_;
};

}  // namespace weir
