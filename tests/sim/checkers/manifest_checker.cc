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
  // A finished one holds nobody back, and has its own watermark, not what its subtask has sent.
  if (!read || !config_.watermarks || state.finished()) return;
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
  Standing standing;
  for (const proto::TaskSnapshot& task : manifest.tasks()) {
    for (const proto::OperatorSnapshot& one : task.operators()) {
      if (one.uid() == kSourceUid) {
        ++standing.sources;
        ReadSplits(one.splits(), &standing);
      } else if (one.uid() == kOperatorUid) {
        const absl::StatusOr<std::string> state = store.Read(one.state());
        if (!state.ok()) return world_.Violate("Objects", state.status().ToString());
        ++standing.operators;
        if (config_.keyed.on()) continue;  // the ledger tells
        AddCounted(ModelOperatorState::Decode(*state), &standing);
      } else if (one.uid() == kSinkUid) {
        ++standing.sinks;
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
  const std::string where = absl::StrCat("epoch ", manifest.epoch(), ": ");
  if (standing.sources != config_.parallelism || standing.operators != config_.counters() ||
      standing.sinks != config_.parallelism) {
    return world_.Violate("Snapshots", absl::StrCat(where, "an operator's answer is missing"));
  }
  AddWritten(job, manifest, &standing);
  if (!world_.violated() && !config_.keyed.on()) CheckStanding(where, standing);
}

void ManifestChecker::ReadSplits(
    const google::protobuf::RepeatedPtrField<proto::SplitState>& splits, Standing* standing) {
  for (const proto::SplitState& split : splits) {
    CheckSplit(split, true);
    if (world_.violated()) return;
    standing->read[SplitNumber(split.id())] = splits_.at(SplitNumber(split.id())).position;
  }
}

void ManifestChecker::AddCounted(const ModelOperatorState& counted, Standing* standing) {
  for (const auto& [split, next] : counted.next) {
    if (!standing->counted.next.emplace(split, next).second) {
      return world_.Violate("Snapshots",
                            absl::StrCat("split ", split, " is counted by two subtasks"));
    }
    standing->counted.checksum[split] = counted.checksum.at(split);
  }
}

void ManifestChecker::AddWritten(const std::string& job, const proto::CheckpointManifest& manifest,
                                 Standing* standing) {
  const proto::JobStarted& started =
      truth_.jobs.at(job).starts.at(Generation(manifest.generation()));
  std::map<uint32_t, std::string> workers;
  for (const proto::TaskPlacement& place : started.placements()) {
    workers[place.index()] = place.worker();
  }
  for (uint32_t index = 0; index < config_.parallelism; ++index) {
    const auto barrier = barriers_.positions.find({workers[index], Epoch(manifest.epoch()), index});
    if (barrier == barriers_.positions.end()) {
      return world_.Violate(
          "Snapshots", absl::StrCat("epoch ", manifest.epoch(), ": the sink of subtask ", index,
                                    " never saw the barrier"));
    }
    standing->written.insert(barrier->second.begin(), barrier->second.end());
  }
}

void ManifestChecker::CheckStanding(const std::string& where, const Standing& standing) {
  for (const auto& [split, position] : standing.read) {
    const int64_t start = StartOf(split);
    const auto counted = standing.counted.next.find(split);
    const int64_t next = counted == standing.counted.next.end() ? start : counted->second;
    if (next != position) {
      return world_.Violate("Snapshots", absl::StrCat(where, "split ", split, " stands at ",
                                                      position, ", the operator at ", next));
    }
    if (next > start &&
        standing.counted.checksum.at(split) != ExpectedChecksum(split, start, next)) {
      return world_.Violate("Snapshots", absl::StrCat(where, "wrong checksum of split ", split));
    }
    const auto written = standing.written.find(split);
    if (written != standing.written.end() && written->second != position) {
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
    if (config_.keyed.on()) continue;
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
