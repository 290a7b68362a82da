#include "tests/sim/keyed/planted_keyed_state.h"

#include <functional>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"

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

using IsLost = std::function<bool(const HeapTimer& timer, int64_t watermark_micros)>;

void LoseTimers(HeapFrozenState& frozen, const IsLost& lost) {
  auto& timers = frozen.timers[static_cast<size_t>(TimeDomain::kEventTime)];
  std::vector<CopyOnFreeze<HeapTimerSet>::Reader> left;
  for (size_t group = 0; group < timers.size(); ++group) {
    if (timers[group].get() == nullptr) {
      left.emplace_back();
      continue;
    }
    HeapTimerSet set;
    for (const HeapTimer& timer : *timers[group].get()) {
      if (!lost(timer, frozen.watermarks_micros[group])) set.insert(timer);
    }
    CopyOnFreeze<HeapTimerSet> copy;
    copy.Set(std::move(set));
    left.push_back(copy.Freeze());
  }
  timers = std::move(left);
}

// That have not fired yet.
bool IsDue(const HeapTimer& timer, int64_t watermark_micros) {
  return timer.time_micros <= watermark_micros;
}

// Of windows that fire again (api/weir/window_operator.cc).
bool IsAgain(absl::string_view name_space) { return absl::StartsWith(name_space, "r"); }

/// Every third of the timers of windows that are to fire again is not registered.
class ForgetfulTimers final : public KeyedTimers {
 public:
  explicit ForgetfulTimers(KeyedTimers& timers) : timers_(timers) {}
  void Register(TimeDomain domain, int64_t time_micros, absl::string_view name_space) override {
    if (IsAgain(name_space) && ++again_ % 3 == 0) return;
    timers_.Register(domain, time_micros, name_space);
  }
  void Delete(TimeDomain domain, int64_t time_micros, absl::string_view name_space) override {
    timers_.Delete(domain, time_micros, name_space);
  }
  std::optional<int64_t> NextDue(TimeDomain domain) const override {
    return timers_.NextDue(domain);
  }
  std::optional<DueTimer> FirstOf(TimeDomain domain, uint32_t group) const override {
    return timers_.FirstOf(domain, group);
  }
  std::optional<DueTimer> PopDue(TimeDomain domain, int64_t until_micros) override {
    return timers_.PopDue(domain, until_micros);
  }
  std::optional<DueTimer> PopDueByWatermark() override { return timers_.PopDueByWatermark(); }
  EventTime GroupWatermark(uint32_t group) const override { return timers_.GroupWatermark(group); }
  void AdvanceWatermark(EventTime watermark) override { timers_.AdvanceWatermark(watermark); }

 private:
  KeyedTimers& timers_;
  uint64_t again_ = 0;
};

class PlantedBackend final : public HeapKeyedStateBackend {
 public:
  PlantedBackend(PlantedBug bug, Options options, const Clock& clock)
      : HeapKeyedStateBackend(std::move(options), clock),
        bug_(bug),
        forgetful_(HeapKeyedStateBackend::timers()) {}

  KeyedTimers& timers() override {
    if (bug_ == PlantedBug::kAgainDropped) return forgetful_;
    return HeapKeyedStateBackend::timers();
  }
  absl::StatusOr<std::unique_ptr<FrozenState>> Freeze() override {
    WEIR_ASSIGN_OR_RETURN(std::unique_ptr<FrozenState> frozen, HeapKeyedStateBackend::Freeze());
    auto& heap = static_cast<HeapFrozenState&>(*frozen);
    switch (bug_) {
      case PlantedBug::kKeyGroupLost:
        LoseAGroup(heap);
        break;
      case PlantedBug::kFiringCutShort:
        LoseTimers(heap, IsDue);
        break;
      case PlantedBug::kWalkCutShort:
        LoseTimers(heap,
                   [](const HeapTimer& timer, int64_t) { return IsAgain(timer.name_space()); });
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
    if (bug_ == PlantedBug::kTimersNotRestored) LoseAll(TimeDomain::kEventTime);
    if (bug_ == PlantedBug::kClockTimersNotRestored) LoseAll(TimeDomain::kProcessingTime);
    return absl::OkStatus();
  }

 private:
  void LoseAll(TimeDomain domain) {
    while (timers().PopDue(domain, INT64_MAX).has_value()) {
    }
  }

  const PlantedBug bug_;
  ForgetfulTimers forgetful_;
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
    case PlantedBug::kAgainDropped:
    case PlantedBug::kWalkCutShort:
    case PlantedBug::kClockTimersNotRestored:
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
