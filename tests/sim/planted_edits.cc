#include "tests/sim/planted_edits.h"

#include <algorithm>
#include <set>

#include "tests/sim/model_job.h"

namespace weir::sim {

void PlantedEdits::EditControl(bool to_leader, proto::Envelope* envelope) {
  if (to_leader && envelope->has_worker_report()) {
    EditReport(envelope->mutable_header(), envelope->mutable_worker_report());
  }
  if (!to_leader && envelope->has_worker_directive()) {
    EditDirective(envelope->header(), envelope->mutable_worker_directive());
  }
}

void PlantedEdits::EditReport(proto::Header* header, proto::WorkerReport* report) {
  switch (config_.bug) {
    case PlantedBug::kTaskMissing:
      return AddMissingTasks(report);
    case PlantedBug::kAnswerOfOtherAttempt:
      return CreditOldAnswer(header->sender(), report);
    case PlantedBug::kReceiptBeforeCommit: {
      const auto permitted = permitted_.find(header->sender());
      if (permitted != permitted_.end() && report->state() == proto::WorkerReport::RUNNING) {
        report->set_committed_epoch(permitted->second);
      }
      return;
    }
    case PlantedBug::kSplitsLost:
      for (proto::SourceCoordinatorState& source : *report->mutable_coordinators()) {
        if (source.splits_size() > 0) source.mutable_splits()->RemoveLast();
      }
      return;
    default:
      return;
  }
}

void PlantedEdits::AddMissingTasks(proto::WorkerReport* report) {
  for (proto::CheckpointAnswer& answer : *report->mutable_answers()) {
    if (answer.snapshots_size() == 0) continue;
    const uint64_t vertex = answer.snapshots(0).vertex();
    for (uint32_t index = 0; index < config_.parallelism; ++index) {
      const bool there = std::any_of(
          answer.snapshots().begin(), answer.snapshots().end(),
          [&](const auto& one) { return one.vertex() == vertex && one.index() == index; });
      if (there) continue;
      proto::TaskSnapshot* missing = answer.add_snapshots();
      missing->set_vertex(vertex);
      missing->set_index(index);
    }
  }
}

void PlantedEdits::CreditOldAnswer(const std::string& worker, proto::WorkerReport* report) {
  const auto trigger = last_trigger_.find(worker);
  const auto last = last_answer_.find(worker);
  if (report->answers_size() == 0 && trigger != last_trigger_.end() && last != last_answer_.end() &&
      last->second.epoch() < trigger->second.epoch()) {
    proto::CheckpointAnswer* answer = report->add_answers();
    *answer = last->second;
    answer->set_epoch(trigger->second.epoch());
    answer->set_attempt_term(trigger->second.attempt_term());
    return;
  }
  for (const proto::CheckpointAnswer& answer : report->answers()) last_answer_[worker] = answer;
}

void PlantedEdits::EditDirective(const proto::Header& header, proto::WorkerDirective* directive) {
  if (directive->has_trigger()) last_trigger_[header.addressee()] = directive->trigger();
  if (directive->has_permitted_epoch()) {
    permitted_[header.addressee()] = directive->permitted_epoch();
  }
  switch (config_.bug) {
    case PlantedBug::kPermitTooEarly:
      if (directive->has_trigger()) directive->set_permitted_epoch(directive->trigger().epoch());
      return;
    case PlantedBug::kWatermarkReset:
      for (proto::SplitAssignment& assignment : *directive->mutable_assignments()) {
        for (proto::SplitState& split : *assignment.mutable_splits()) split.clear_watermark_us();
      }
      return;
    case PlantedBug::kOwnershipInEnumerator:
      for (proto::SourceCoordinatorState& source :
           *directive->mutable_deployment()->mutable_coordinators()) {
        auto* splits = source.mutable_splits();
        splits->erase(std::remove_if(splits->begin(), splits->end(),
                                     [this](const proto::SplitState& split) {
                                       return SplitNumber(split.id()) % config_.parallelism ==
                                              config_.parallelism - 1;
                                     }),
                      splits->end());
      }
      return;
    case PlantedBug::kUnionListDealtOut:
      if (!directive->has_deployment()) return;
      for (proto::OperatorStateParts& parts :
           *directive->mutable_deployment()->mutable_operator_states()) {
        for (int i = 1; i < parts.parts_size(); ++i) parts.mutable_parts(i)->clear_union_lists();
      }
      return;
    case PlantedBug::kRestoreFromOlderEpoch:
      if (directive->deployment().restored()) {
        RestoreOlder(header.job(), directive->mutable_deployment());
      }
      return;
    default:
      return;
  }
}

void PlantedEdits::RestoreOlder(const std::string& job, proto::Deployment* deployment) {
  const auto& manifests = truth_.jobs.at(job).manifests;
  auto manifest = manifests.find(Epoch(deployment->restored_epoch()));
  if (manifest == manifests.end() || manifest == manifests.begin()) return;
  --manifest;
  for (proto::TaskDeployment& task : *deployment->mutable_tasks()) {
    for (const proto::TaskSnapshot& snapshot : manifest->second.tasks()) {
      if (snapshot.vertex() == task.vertex() && snapshot.index() == task.index()) {
        *task.mutable_restored() = snapshot;
      }
    }
  }
}

void PlantedEdits::EditAtWorker(proto::Envelope* envelope, std::optional<proto::Envelope>* replay) {
  proto::Header* header = envelope->mutable_header();
  const std::string worker = header->addressee();
  if (config_.bug == PlantedBug::kOldTermAccepted) {
    const auto old = idle_directive_.find(worker);
    if (header->generation() != 0 && old != idle_directive_.end() &&
        old->second.header().term() < header->term()) {
      *replay = old->second;
      const TrueOrigin origin{old->second.header().term(), 0};
      *(*replay)->mutable_header() = *header;
      (*replay)->mutable_header()->set_generation(0);
      (*replay)->mutable_header()->set_sequence(header->sequence() + (uint64_t{1} << 32));
      network_.RecordOrigin(header->sender(), (*replay)->header().sequence(), origin);
      idle_directive_.erase(old);
    } else if (header->generation() == 0) {
      idle_directive_[worker] = *envelope;
    }
  }
  if (config_.bug == PlantedBug::kOldGenerationAccepted &&
      envelope->worker_directive().has_deployment()) {
    const auto old = deployment_.find(worker);
    if (old != deployment_.end() && old->second.header().generation() < header->generation()) {
      *envelope->mutable_worker_directive()->mutable_deployment() =
          old->second.worker_directive().deployment();
    } else {
      deployment_[worker] = *envelope;
    }
  }
}

}  // namespace weir::sim
