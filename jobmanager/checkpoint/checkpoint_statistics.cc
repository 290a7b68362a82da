#include "jobmanager/checkpoint/checkpoint_statistics.h"

#include <utility>

namespace weir::jobmanager {
namespace {
constexpr size_t kAttemptsKept = 64;
}  // namespace

proto::CheckpointDetails* CheckpointStatistics::Find(Epoch epoch) {
  for (proto::CheckpointDetails& details : newest_) {
    if (details.epoch() == epoch.value()) return &details;
  }
  return nullptr;
}

void CheckpointStatistics::OnTriggered(Epoch epoch, Generation generation, LeaderTerm term,
                                       int64_t now_ms) {
  ++triggered_;
  proto::CheckpointDetails details;
  details.set_epoch(epoch.value());
  details.set_generation(generation.value());
  details.set_term(term.value());
  details.set_state("IN_PROGRESS");
  details.set_triggered_at_ms(now_ms);
  newest_.push_front(std::move(details));
  if (newest_.size() <= kAttemptsKept) return;
  subtasks_.erase(Epoch(newest_.back().epoch()));
  newest_.pop_back();
}

void CheckpointStatistics::OnAnswered(Epoch epoch, Subtasks subtasks) {
  if (Find(epoch) != nullptr) subtasks_[epoch] = std::move(subtasks);
}

std::optional<proto::CheckpointDetails> CheckpointStatistics::Details(Epoch epoch) const {
  for (const proto::CheckpointDetails& details : newest_) {
    if (details.epoch() != epoch.value()) continue;
    proto::CheckpointDetails whole = details;
    const auto found = subtasks_.find(epoch);
    if (found == subtasks_.end()) return whole;
    *whole.mutable_subtasks() = {found->second.begin(), found->second.end()};
    return whole;
  }
  return std::nullopt;
}

proto::CheckpointDetails CheckpointStatistics::OnCompleted(Epoch epoch, int64_t now_ms,
                                                           uint64_t state_bytes) {
  ++completed_;
  latest_ = epoch;
  latest_state_bytes_ = state_bytes;
  proto::CheckpointDetails* details = Find(epoch);
  if (details == nullptr) return {};
  durations_.Record(absl::Milliseconds(now_ms - details->triggered_at_ms()));
  details->set_state("COMPLETED");
  details->set_duration_ms(now_ms - details->triggered_at_ms());
  details->set_state_bytes(state_bytes);
  return *details;
}

proto::CheckpointDetails CheckpointStatistics::OnFailed(Epoch epoch, int64_t now_ms,
                                                        const std::string& why) {
  ++failed_;
  proto::CheckpointDetails* details = Find(epoch);
  if (details == nullptr) return {};
  details->set_state("FAILED");
  details->set_duration_ms(now_ms - details->triggered_at_ms());
  details->set_failure(why);
  return *details;
}

void CheckpointStatistics::OnCommitted(Epoch through) {
  for (proto::CheckpointDetails& details : newest_) {
    if (Epoch(details.epoch()) <= through && details.state() != "FAILED") {
      details.set_committed(true);
    }
  }
}

void CheckpointStatistics::OnRetired(Epoch epoch) {
  if (proto::CheckpointDetails* details = Find(epoch)) details->set_state("RETIRED");
}

proto::CheckpointCounts CheckpointStatistics::Counts() const {
  proto::CheckpointCounts counts;
  counts.set_triggered(triggered_);
  counts.set_completed(completed_);
  counts.set_failed(failed_);
  if (latest_) counts.set_latest_epoch(latest_->value());
  if (restored_) counts.set_restored_epoch(restored_->value());
  return counts;
}

void CheckpointStatistics::FillDetails(proto::ListCheckpointsResponse* response) const {
  for (const proto::CheckpointDetails& details : newest_) {
    *response->add_checkpoints() = details;
  }
}

}  // namespace weir::jobmanager
