#include "tests/sim/checkers/restore_checker.h"

#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"

namespace weir::sim {
namespace {

const proto::TaskSnapshot* FindTask(const proto::CheckpointManifest& manifest,
                                    const proto::TaskDeployment& task) {
  for (const proto::TaskSnapshot& one : manifest.tasks()) {
    if (one.vertex() == task.vertex() && one.index() == task.index()) return &one;
  }
  return nullptr;
}

// It goes with the deployment, of all subtasks.
std::string WithoutOperatorState(proto::TaskSnapshot snapshot) {
  for (proto::OperatorSnapshot& one : *snapshot.mutable_operators()) one.clear_operator_state();
  return snapshot.SerializeAsString();
}

}  // namespace

void RestoreChecker::OnDirective(const proto::Header& header,
                                 const proto::WorkerDirective& directive) {
  const auto job = truth_.jobs.find(header.job());
  if (job == truth_.jobs.end()) {
    return world_.Violate(
        "Restore", absl::StrCat("a worker is told of job ", header.job(), ", which has no log"));
  }
  if (directive.has_permitted_epoch() &&
      job->second.manifests.count(Epoch(directive.permitted_epoch())) == 0) {
    return world_.Violate("Permits", absl::StrCat("epoch ", directive.permitted_epoch(),
                                                  " is permitted and not owned"));
  }
  if (directive.has_deployment()) {
    OnDeployment(job->second, Generation(header.generation()), directive.deployment());
  }
}

void RestoreChecker::OnDeployment(const LogTruth::Job& job, Generation generation,
                                  const proto::Deployment& deployment) {
  const auto started = job.starts.find(generation);
  if (started == job.starts.end()) {
    return world_.Violate("Restore", absl::StrCat("generation ", generation.value(),
                                                  " is deployed and not in the log"));
  }
  const bool restored = started->second.has_restored_epoch();
  if (restored != deployment.restored() ||
      (restored && started->second.restored_epoch() != deployment.restored_epoch())) {
    return world_.Violate("Restore", absl::StrCat("generation ", generation.value(),
                                                  " is deployed from another epoch than logged"));
  }
  if (!restored) return;
  const proto::CheckpointManifest& manifest =
      job.manifests.at(Epoch(started->second.restored_epoch()));
  for (const proto::TaskDeployment& task : deployment.tasks()) {
    const proto::TaskSnapshot* snapshot = FindTask(manifest, task);
    const std::string wanted = snapshot == nullptr ? "" : WithoutOperatorState(*snapshot);
    const std::string given = task.has_restored() ? task.restored().SerializeAsString() : "";
    if (wanted != given) {
      return world_.Violate("Restore",
                            absl::StrCat("task ", task.vertex(), "/", task.index(),
                                         " is not deployed from epoch ", manifest.epoch()));
    }
  }
  CheckOperatorStates(manifest, deployment);
  if (deployment.coordinator()) CheckSplits(manifest, deployment);
}

void RestoreChecker::CheckOperatorStates(const proto::CheckpointManifest& manifest,
                                         const proto::Deployment& deployment) {
  std::set<uint64_t> vertices;
  for (const proto::TaskDeployment& task : deployment.tasks()) vertices.insert(task.vertex());
  std::map<std::pair<std::string, uint32_t>, std::string> wanted;  // by operator and subtask
  for (const proto::TaskSnapshot& task : manifest.tasks()) {
    if (vertices.count(task.vertex()) == 0) continue;
    for (const proto::OperatorSnapshot& one : task.operators()) {
      if (!one.has_operator_state()) continue;
      wanted[{one.uid(), task.index()}] = one.operator_state().SerializeAsString();
    }
  }
  std::map<std::pair<std::string, uint32_t>, std::string> given;
  for (const proto::OperatorStateParts& parts : deployment.operator_states()) {
    for (int i = 0; i < parts.parts_size(); ++i) {
      given[{parts.uid(), static_cast<uint32_t>(i)}] = parts.parts(i).SerializeAsString();
    }
  }
  if (wanted != given) {
    world_.Violate("Restore", absl::StrCat("the operator state deployed is not that of epoch ",
                                           manifest.epoch()));
  }
}

void RestoreChecker::CheckSplits(const proto::CheckpointManifest& manifest,
                                 const proto::Deployment& deployment) {
  std::map<std::string, std::string> wanted;
  for (const proto::SourceCoordinatorState& source : manifest.coordinators()) {
    for (const proto::SplitState& split : source.splits()) {
      wanted[split.id()] = split.SerializeAsString();
    }
  }
  for (const proto::TaskSnapshot& task : manifest.tasks()) {
    for (const proto::OperatorSnapshot& one : task.operators()) {
      for (const proto::SplitState& split : one.splits()) {
        wanted[split.id()] = split.SerializeAsString();
      }
    }
  }
  std::map<std::string, std::string> given;
  for (const proto::SourceCoordinatorState& source : deployment.coordinators()) {
    for (const proto::SplitState& split : source.splits()) {
      given[split.id()] = split.SerializeAsString();
    }
  }
  if (wanted != given) {
    world_.Violate("Restore",
                   absl::StrCat("the splits deployed are not those of epoch ", manifest.epoch()));
  }
}

}  // namespace weir::sim
