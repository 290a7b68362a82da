#include "tests/sim/checkers/manifest_checker.h"

#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

#include "state/checkpoint/state_object_store.h"

namespace weir::sim {

int64_t ManifestChecker::StartOf(uint64_t split) const {
  const auto it = starts_.find(split);
  return it == starts_.end() ? 0 : it->second;
}

void ManifestChecker::OnJobEntry(const std::string& job, const proto::JobLogEntry& entry) {
  if (!entry.has_checkpoint()) return;
  const auto& manifests = truth_.jobs.at(job).manifests;
  const proto::CheckpointManifest& manifest = manifests.at(Epoch(entry.checkpoint().epoch()));
  transactions_.OnOwned(manifest);
  CheckManifest(job, manifest);
}

void ManifestChecker::CheckSplit(const proto::SplitState& state, bool read) {
  const uint64_t number = SplitNumber(state.id());
  int64_t position = 0;
  if (!absl::SimpleAtoi(state.position(), &position)) {
    return world_.Violate("Snapshots", absl::StrCat(state.id(), " has no position"));
  }
  starts_.try_emplace(number, position);
  const auto [it, fresh] = splits_.try_emplace(number);
  Split& split = it->second;
  if (!fresh && position < split.position) {
    // The enumerator keeps the position its generation started from.
    if (!read) return;
    return world_.Violate("Snapshots", absl::StrCat(state.id(), " goes back from ", split.position,
                                                    " to ", position));
  }
  split.position = position;
  if (!read || !config_.watermarks) return;
  const bool has = state.has_watermark_us();
  if (split.watermark_us && (!has || state.watermark_us() < *split.watermark_us)) {
    return world_.Violate("Watermarks", absl::StrCat(state.id(), ": the watermark goes back from ",
                                                     *split.watermark_us));
  }
  if (has) split.watermark_us = state.watermark_us();
}

void ManifestChecker::CheckManifest(const std::string& job,
                                    const proto::CheckpointManifest& manifest) {
  StateObjectStore store(storage_.files(), absl::StrCat("/storage/sim/jobs/", job));
  std::map<uint64_t, bool> known;
  for (const proto::SourceCoordinatorState& source : manifest.coordinators()) {
    for (const proto::SplitState& split : source.splits()) {
      known[SplitNumber(split.id())] = true;
      CheckSplit(split, false);
    }
  }
  std::map<uint32_t, Subtask> subtasks;
  for (const proto::TaskSnapshot& task : manifest.tasks()) {
    Subtask& subtask = subtasks[task.index()];
    for (const proto::OperatorSnapshot& one : task.operators()) {
      if (one.uid() == kSourceUid) {
        subtask.has_source = true;
        ReadSplits(one.splits(), &subtask);
      } else if (one.uid() == kOperatorUid) {
        const absl::StatusOr<std::string> state = store.Read(one.state());
        if (!state.ok()) return world_.Violate("Objects", state.status().ToString());
        subtask.has_operator = true;
        subtask.counted = ModelOperatorState::Decode(*state);
      } else if (one.uid() == kSinkUid) {
        subtask.has_sink = true;
      }
    }
  }
  for (const auto& [number, split] : splits_) {
    if (known.count(number) == 0) {
      return world_.Violate("Snapshots", absl::StrCat("the enumerator's state of epoch ",
                                                      manifest.epoch(), " forgot split ", number));
    }
  }
  if (splits_.size() < config_.splits) {
    return world_.Violate("Snapshots", absl::StrCat("epoch ", manifest.epoch(), " knows ",
                                                    splits_.size(), " splits of ", config_.splits));
  }
  if (manifest.tasks().empty()) return;  // epoch 0
  for (uint32_t index = 0; index < config_.parallelism; ++index) {
    CheckSubtask(job, manifest, index, subtasks[index]);
  }
}

void ManifestChecker::ReadSplits(
    const google::protobuf::RepeatedPtrField<proto::SplitState>& splits, Subtask* subtask) {
  for (const proto::SplitState& split : splits) {
    CheckSplit(split, true);
    if (world_.violated()) return;
    subtask->positions[SplitNumber(split.id())] = splits_.at(SplitNumber(split.id())).position;
  }
}

void ManifestChecker::CheckSubtask(const std::string& job,
                                   const proto::CheckpointManifest& manifest, uint32_t index,
                                   const Subtask& subtask) {
  const std::string where = absl::StrCat("epoch ", manifest.epoch(), ", subtask ", index, ": ");
  if (!subtask.has_source || !subtask.has_operator || !subtask.has_sink) {
    return world_.Violate("Snapshots", absl::StrCat(where, "an operator's answer is missing"));
  }
  // What the sink of this generation's worker had been given when the barrier reached it.
  const proto::JobStarted& started =
      truth_.jobs.at(job).starts.at(Generation(manifest.generation()));
  std::string worker;
  for (const proto::TaskPlacement& place : started.placements()) {
    if (place.index() == index) worker = place.worker();
  }
  const auto barrier = barriers_.positions.find({worker, Epoch(manifest.epoch()), index});
  if (barrier == barriers_.positions.end()) {
    return world_.Violate("Snapshots", absl::StrCat(where, "its sink never saw the barrier"));
  }
  for (const auto& [split, position] : subtask.positions) {
    const int64_t start = StartOf(split);
    const auto counted = subtask.counted.next.find(split);
    const int64_t next = counted == subtask.counted.next.end() ? start : counted->second;
    if (next != position) {
      return world_.Violate("Snapshots", absl::StrCat(where, "split ", split, " stands at ",
                                                      position, ", the operator at ", next));
    }
    if (next > start &&
        subtask.counted.checksum.at(split) != ExpectedChecksum(split, start, next)) {
      return world_.Violate("Snapshots", absl::StrCat(where, "wrong checksum of split ", split));
    }
    const auto written = barrier->second.find(split);
    if (written != barrier->second.end() && written->second != position) {
      return world_.Violate("Snapshots", absl::StrCat(where, "split ", split, " stands at ",
                                                      position, ", its sink at ", written->second));
    }
    if (!config_.transactional && !outside_.Contains(split, start, position)) {
      return world_.Violate("Delivery",
                            absl::StrCat(where, "records of split ", split, " below ", position,
                                         " were acknowledged and are not "
                                         "in the sink"));
    }
  }
}

void ManifestChecker::CheckEnd(const std::string& job) {
  (void)job;
  for (const auto& [number, split] : splits_) {
    const int64_t start = StartOf(number);
    const int64_t end = config_.bounded ? outside_.EndOf(number) : split.position;
    if (split.position != end) {
      return world_.Violate("Delivery", absl::StrCat("the job has finished; split ", number,
                                                     " stands at ", split.position, " of ", end));
    }
    if (!outside_.Contains(number, start, end)) {
      return world_.Violate(
          "Delivery", absl::StrCat("the job has finished; records of split ", number,
                                   " are missing from the sink, which ", "has those from ", start,
                                   " to ", outside_.CommittedThrough(number, start), " of ", end));
    }
    if (config_.transactional && outside_.CommittedThrough(number, start) != end) {
      return world_.Violate("ExactlyOnce", absl::StrCat("the job has finished; split ", number,
                                                        " is committed beyond its position"));
    }
  }
}

}  // namespace weir::sim
