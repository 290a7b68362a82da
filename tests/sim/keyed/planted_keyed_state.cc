#include "tests/sim/keyed/planted_keyed_state.h"

#include <utility>
#include <vector>

#include "common/base/status_macros.h"
#include "state/keyed/heap_keyed_state_backend.h"

namespace weir::sim {
namespace {

/// Written as what is there then, if anything is.
class LateFrozenState final : public FrozenState {
 public:
  LateFrozenState(std::unique_ptr<FrozenState> frozen, HeapKeyedStateBackend& backend,
                  std::weak_ptr<const bool> alive)
      : frozen_(std::move(frozen)), backend_(backend), alive_(std::move(alive)) {}
  absl::StatusOr<std::string> Write() const override {
    if (alive_.expired()) return frozen_->Write();
    WEIR_ASSIGN_OR_RETURN(const auto now, backend_.HeapKeyedStateBackend::Freeze());
    return now->Write();
  }
  absl::StatusOr<KeyedStateIncrement> WriteIncrement() const override {
    WEIR_ASSIGN_OR_RETURN(std::string snapshot, Write());
    return KeyedStateIncrement{std::move(snapshot), {}};
  }

 private:
  const std::unique_ptr<FrozenState> frozen_;
  HeapKeyedStateBackend& backend_;
  const std::weak_ptr<const bool> alive_;
};

// The first group that has anything.
void LoseAGroup(HeapFrozenState& frozen) {
  for (size_t lost = 0; lost < frozen.range.size(); ++lost) {
    bool any = false;
    for (HeapFrozenState::State& state : frozen.states) {
      any = any || (state.groups[lost].get() != nullptr && state.groups[lost].get()->size() > 0);
    }
    if (!any) continue;
    for (HeapFrozenState::State& state : frozen.states) {
      std::vector<HeapTable::Group::Reader> groups;
      for (size_t group = 0; group < state.groups.size(); ++group) {
        if (group == lost) {
          groups.emplace_back();
        } else {
          groups.push_back(std::move(state.groups[group]));
        }
      }
      state.groups = std::move(groups);
    }
    return;
  }
}

// Those that are due and have not fired yet.
void LoseDueTimers(HeapFrozenState& frozen) {
  auto& timers = frozen.timers[static_cast<size_t>(TimeDomain::kEventTime)];
  std::vector<CopyOnFreeze<HeapTimerSet>::Reader> left;
  for (size_t group = 0; group < timers.size(); ++group) {
    if (timers[group].get() == nullptr) {
      left.emplace_back();
      continue;
    }
    HeapTimerSet set;
    for (const HeapTimer& timer : *timers[group].get()) {
      if (timer.time_micros > frozen.watermarks_micros[group]) set.insert(timer);
    }
    CopyOnFreeze<HeapTimerSet> copy;
    copy.Set(std::move(set));
    left.push_back(copy.Freeze());
  }
  timers = std::move(left);
}

class PlantedBackend final : public HeapKeyedStateBackend {
 public:
  PlantedBackend(PlantedBug bug, Options options, const Clock& clock)
      : HeapKeyedStateBackend(std::move(options), clock), bug_(bug) {}

  absl::StatusOr<std::unique_ptr<FrozenState>> Freeze() override {
    WEIR_ASSIGN_OR_RETURN(std::unique_ptr<FrozenState> frozen, HeapKeyedStateBackend::Freeze());
    auto& heap = static_cast<HeapFrozenState&>(*frozen);
    switch (bug_) {
      case PlantedBug::kKeyGroupLost:
        LoseAGroup(heap);
        break;
      case PlantedBug::kFiringCutShort:
        LoseDueTimers(heap);
        break;
      case PlantedBug::kWatermarksForgotten:
        for (int64_t& watermark : heap.watermarks_micros) watermark = EventTime::Min().micros();
        break;
      case PlantedBug::kFrozenSeesLater:
        return std::make_unique<LateFrozenState>(std::move(frozen), *this, alive_);
      default:
        break;
    }
    return frozen;
  }
  absl::Status RestoreIncrements(absl::Span<const KeyedStateIncrement> increments) override {
    WEIR_RETURN_IF_ERROR(HeapKeyedStateBackend::RestoreIncrements(increments));
    while (bug_ == PlantedBug::kTimersNotRestored &&
           timers().PopDue(TimeDomain::kEventTime, INT64_MAX).has_value()) {
    }
    return absl::OkStatus();
  }

 private:
  const PlantedBug bug_;
  const std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
};

}  // namespace

bool IsKeyedBug(PlantedBug bug) {
  switch (bug) {
    case PlantedBug::kTimersNotRestored:
    case PlantedBug::kGateWatermarkLost:
    case PlantedBug::kWatermarksForgotten:
    case PlantedBug::kKeyGroupLost:
    case PlantedBug::kFiringCutShort:
    case PlantedBug::kFrozenSeesLater:
      return true;
    default:
      return false;
  }
}

std::unique_ptr<KeyedStateBackend> MakePlantedKeyedState(PlantedBug bug,
                                                         KeyedStateBackend::Options options,
                                                         const Clock& clock) {
  if (!IsKeyedBug(bug) || bug == PlantedBug::kGateWatermarkLost) return nullptr;
  return std::make_unique<PlantedBackend>(bug, std::move(options), clock);
}

}  // namespace weir::sim
