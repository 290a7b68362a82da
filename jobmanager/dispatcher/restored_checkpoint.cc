#include "jobmanager/dispatcher/restored_checkpoint.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

#include "common/base/sha256.h"
#include "common/base/status_macros.h"
#include "common/graph/partition_alignment.h"
#include "jobmanager/scheduler/deployment_plan.h"
#include "state/checkpoint/operator_objects.h"
#include "state/checkpoint/state_object_store.h"

namespace weir::jobmanager {
namespace {

using proto::OperatorDescriptor;

struct PlannedOperator {
  const OperatorDescriptor* descriptor = nullptr;
  uint32_t parallelism = 0;
  std::optional<std::string> key;  // by which its input is keyed, in words
  std::string aligned = {};        // with what; empty: by hash
};
using Operators = std::map<std::string, PlannedOperator>;  // by uid

Operators OperatorsOf(const proto::JobGraph& graph) {
  Operators operators;
  for (const proto::JobVertex& vertex : graph.vertices()) {
    for (const OperatorDescriptor& one : vertex.operators()) {
      PlannedOperator& planned = operators[one.uid()];
      planned = {&one, vertex.parallelism(), std::nullopt};
      if (!one.has_partition_keying()) continue;
      const proto::PartitionKeying& keying = one.partition_keying();
      planned.key = keying.key();
      planned.aligned = DescribeKeying(keying.partitions(), keying.partitioner());
    }
  }
  for (const proto::JobEdge& edge : graph.edges()) {
    if (edge.exchange() != proto::JobEdge::HASH) continue;
    for (const proto::JobVertex& vertex : graph.vertices()) {
      if (vertex.id() != edge.target_vertex()) continue;
      operators[vertex.operators(0).uid()].key = edge.key();
    }
  }
  return operators;
}

bool IsSource(const PlannedOperator& one) {
  return one.descriptor->kind() == OperatorDescriptor::SOURCE;
}

// Operator states by uid and subtask; a sink's are its own job's.
using States = std::map<std::string, std::map<uint32_t, proto::OperatorSnapshot>>;

States StatesOf(const proto::CheckpointManifest& manifest, const Operators& operators) {
  States states;
  for (const proto::TaskSnapshot& task : manifest.tasks()) {
    for (const proto::OperatorSnapshot& one : task.operators()) {
      if (one.state().size_bytes() == 0 && !one.has_operator_state()) continue;
      const auto planned = operators.find(one.uid());
      const bool sink = planned != operators.end() &&
                        planned->second.descriptor->kind() == OperatorDescriptor::SINK;
      if (sink) continue;
      proto::OperatorSnapshot& state = states[one.uid()][task.index()];
      state.set_uid(one.uid());
      if (one.has_state()) *state.mutable_state() = one.state();
      if (one.has_operator_state()) *state.mutable_operator_state() = one.operator_state();
      *state.mutable_files() = one.files();
      state.set_keying(one.keying());
    }
  }
  return states;
}

// Of keys, or of an operator itself: where it goes depends on how the operator stands in the job.
// Operator state of a function fits every parallelism.
bool HasPlacedState(const States& states, const std::string& uid) {
  const auto subtasks = states.find(uid);
  return subtasks != states.end() &&
         std::any_of(subtasks->second.begin(), subtasks->second.end(),
                     [](const auto& subtask) { return subtask.second.state().size_bytes() > 0; });
}

std::string NameOf(const std::string& uid, const Operators& operators) {
  const auto it = operators.find(uid);
  const std::string name = it == operators.end() ? "" : it->second.descriptor->name();
  if (name.empty() || name == uid) return absl::StrCat("'", uid, "'");
  return absl::StrCat("'", name, "' (uid '", uid, "')");
}

absl::Status CheckType(const std::string& uid, const Operators& before, const Operators& after) {
  const auto old = before.find(uid);
  const OperatorDescriptor& now = *after.at(uid).descriptor;
  if (old == before.end()) return absl::OkStatus();
  const OperatorDescriptor& then = *old->second.descriptor;
  if (then.kind() == now.kind() && then.type() == now.type()) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat("operator ", NameOf(uid, before), " is a ",
                                                    then.type(), " in the checkpoint and a ",
                                                    now.type(), " in the new job"));
}

// As the plan has it (DescribeWindows, api/weir/environment.cc): the lateness is not part of it.
constexpr char kWindow[] = "window";

// What is cut into slices, or sessions, of the one window cannot be read as those of another.
absl::Status CheckWindow(const std::string& uid, const Operators& before, const Operators& after) {
  const auto old = before.find(uid);
  if (old == before.end()) return absl::OkStatus();
  const auto& then = old->second.descriptor->configuration();
  const auto& now = after.at(uid).descriptor->configuration();
  const auto was = then.find(kWindow);
  const auto is = now.find(kWindow);
  if (was == then.end() || is == now.end() || was->second == is->second) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "operator ", NameOf(uid, before), " has windows '", was->second, "' in the checkpoint and '",
      is->second, "' in the new job, and its state cannot be cut anew"));
}

// As the plan has it (Planner::DescribeWatermarks).
constexpr char kWatermarks[] = "watermarks";

// An operator that assigns watermarks in mid-stream keeps how far it had come, which is of its
// subtask: where there are others it begins anew, and its readers have theirs.
bool BeginsAnew(const std::string& uid, const Operators& before, const Operators& after) {
  const auto then = before.find(uid);
  const auto now = after.find(uid);
  if (then == before.end() || now == after.end()) return false;
  const OperatorDescriptor& one = *now->second.descriptor;
  return one.kind() == OperatorDescriptor::TRANSFORM &&
         one.configuration().count(kWatermarks) > 0 &&
         then->second.parallelism != now->second.parallelism;
}

// The bits of a type of integers as a plan has it (StateSchema::ToString); 0: it is none.
int BitsOf(absl::string_view type, bool* is_signed) {
  *is_signed = !absl::ConsumePrefix(&type, "u");
  int bits = 0;
  return absl::ConsumePrefix(&type, "int") && absl::SimpleAtoi(type, &bits) ? bits : 0;
}

// Of what a plan says of a key (Planner::DescribeKey), "route: int32", the type may become a wider
// integer: what the bytes of keys are does not change. Whether the state was written with that type
// is seen when it is read (CheckKeysCompatible). Records of Kafka have other bytes then, and other
// partitions.
bool SameKey(const PlannedOperator& then, const PlannedOperator& now) {
  if (then.aligned != now.aligned) return false;
  if (then.key == now.key) return true;
  if (!then.key.has_value() || !now.key.has_value() || !now.aligned.empty()) return false;
  const std::pair<absl::string_view, absl::string_view> was =
      absl::StrSplit(*then.key, absl::MaxSplits(": ", 1));
  const std::pair<absl::string_view, absl::string_view> is =
      absl::StrSplit(*now.key, absl::MaxSplits(": ", 1));
  bool was_signed = false;
  bool is_signed = false;
  const int bits_then = BitsOf(was.second, &was_signed);
  const int bits_now = BitsOf(is.second, &is_signed);
  return was.first == is.first && was_signed == is_signed && bits_then > 0 && bits_then < bits_now;
}

absl::Status CheckKey(const std::string& uid, const Operators& before, const Operators& after) {
  const auto old = before.find(uid);
  if (old == before.end()) return absl::OkStatus();
  const PlannedOperator& then = old->second;
  const PlannedOperator& now = after.at(uid);
  if (SameKey(then, now)) return absl::OkStatus();
  const bool hashed = then.aligned.empty() && now.aligned.empty();
  const auto text = [hashed](const PlannedOperator& one) {
    if (!one.key.has_value()) return std::string("not keyed");
    if (hashed) return absl::StrCat("keyed by ", *one.key);
    return absl::StrCat("keyed by ", *one.key,
                        one.aligned.empty() ? ", by hash" : ", aligned with ", one.aligned);
  };
  return absl::FailedPreconditionError(absl::StrCat("operator ", NameOf(uid, before), " is ",
                                                    text(then), " in the checkpoint and ",
                                                    text(now), " in the new job"));
}

absl::Status CheckParallelism(const std::string& uid, const CheckpointTransfer& transfer,
                              const Operators& before, const Operators& after) {
  const auto old = before.find(uid);
  const uint32_t now = after.at(uid).parallelism;
  if (old == before.end()) return absl::OkStatus();
  if (!after.at(uid).aligned.empty()) return absl::OkStatus();  // CheckKey has seen to it
  if (after.at(uid).key.has_value()) {
    // By key groups; how many there are is part of what a key's group is, at any parallelism.
    const uint32_t groups = transfer.from_graph.max_parallelism();
    if (groups == transfer.to_graph.max_parallelism()) return absl::OkStatus();
    return absl::FailedPreconditionError(
        absl::StrCat("operator ", NameOf(uid, before), " has state in ", groups,
                     " key groups in the checkpoint, and the new job has ",
                     transfer.to_graph.max_parallelism(), " (its maximal parallelism)"));
  }
  if (old->second.parallelism == now) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "operator ", NameOf(uid, before), " has state of ", old->second.parallelism,
      " subtasks in the checkpoint and parallelism ", now,
      " in the new job; only keyed state, operator state and the splits of sources can "
      "be dealt out anew"));
}

// The operators that are gone.
absl::StatusOr<std::vector<std::string>> CheckFit(const std::set<std::string>& with_state,
                                                  const States& states,
                                                  const CheckpointTransfer& transfer,
                                                  const Operators& before, const Operators& after) {
  std::vector<std::string> missing;
  for (const std::string& uid : with_state) {
    if (after.count(uid) == 0) {
      missing.push_back(NameOf(uid, before));
      continue;
    }
    WEIR_RETURN_IF_ERROR(CheckType(uid, before, after));
    if (HasPlacedState(states, uid) && !IsSource(after.at(uid))) {
      WEIR_RETURN_IF_ERROR(CheckWindow(uid, before, after));
      WEIR_RETURN_IF_ERROR(CheckKey(uid, before, after));
      WEIR_RETURN_IF_ERROR(CheckParallelism(uid, transfer, before, after));
    }
  }
  if (missing.empty() || transfer.allow_non_restored) return missing;
  return absl::FailedPreconditionError(
      absl::StrCat("the new job has no operator ", absl::StrJoin(missing, ", "),
                   ", whose state is in the checkpoint; --allow-non-restored leaves it out"));
}

// The least of what the subtasks had got that began with this operator; nothing if one had none.
std::optional<int64_t> WatermarkOf(const proto::CheckpointManifest& manifest,
                                   const std::string& first_uid) {
  std::optional<int64_t> least;
  for (const proto::TaskSnapshot& task : manifest.tasks()) {
    if (task.operators().empty() || task.operators(0).uid() != first_uid) continue;
    if (!task.has_input_watermark_us()) return std::nullopt;
    least = std::min(least.value_or(task.input_watermark_us()), task.input_watermark_us());
  }
  return least;
}

// How many subtasks the operators of this vertex had; of those that were in several tasks, the
// first with state that is placed by it. Operator state knows its own.
uint32_t ParallelismThen(const proto::JobVertex& vertex, const States& states,
                         const Operators& before) {
  for (const bool placed : {true, false}) {
    for (const OperatorDescriptor& one : vertex.operators()) {
      if (placed ? !HasPlacedState(states, one.uid()) : states.count(one.uid()) == 0) continue;
      const auto old = before.find(one.uid());
      return old == before.end() ? vertex.parallelism() : old->second.parallelism;
    }
  }
  return vertex.parallelism();
}

// As many as the checkpoint has for the operators of this vertex: where that is not its
// parallelism, the deployment deals their key groups out (jobmanager/scheduler/deployment_plan.h).
void AddTasks(const proto::JobVertex& vertex, const States& states, const Operators& before,
              const proto::CheckpointManifest& manifest, proto::CheckpointManifest* adapted) {
  const uint32_t then = ParallelismThen(vertex, states, before);
  std::map<uint32_t, proto::TaskSnapshot> tasks;
  for (const OperatorDescriptor& one : vertex.operators()) {
    const auto subtasks = states.find(one.uid());
    if (subtasks == states.end()) continue;
    for (const auto& [index, state] : subtasks->second) {
      proto::TaskSnapshot& task = tasks[index];
      *task.add_operators() = state;
      task.set_parallelism(then);
    }
  }
  const std::optional<int64_t> watermark = WatermarkOf(manifest, vertex.operators(0).uid());
  for (auto& [index, task] : tasks) {
    task.set_vertex(vertex.id());
    task.set_index(index);
    if (watermark.has_value()) task.set_input_watermark_us(*watermark);
    *adapted->add_tasks() = std::move(task);
  }
}

}  // namespace

absl::StatusOr<AdaptedManifest> AdaptManifest(const CheckpointTransfer& transfer,
                                              const proto::CheckpointManifest& manifest) {
  const Operators before = OperatorsOf(transfer.from_graph);
  const Operators after = OperatorsOf(transfer.to_graph);
  States states = StatesOf(manifest, before);
  std::vector<proto::SourceCoordinatorState> sources = MergeSourceStates(manifest);
  std::set<std::string> with_state;
  for (const auto& [uid, state] : states) with_state.insert(uid);
  for (const proto::SourceCoordinatorState& source : sources)
    with_state.insert(source.source_uid());
  std::erase_if(states, [&](const auto& one) { return BeginsAnew(one.first, before, after); });
  AdaptedManifest result;
  WEIR_ASSIGN_OR_RETURN(result.left_out, CheckFit(with_state, states, transfer, before, after));

  proto::CheckpointManifest& adapted = result.manifest;
  adapted.set_format_version(1);
  adapted.set_job(transfer.to.value());
  for (proto::SourceCoordinatorState& source : sources) {
    if (after.count(source.source_uid()) > 0) *adapted.add_coordinators() = std::move(source);
  }
  for (const proto::JobVertex& vertex : transfer.to_graph.vertices()) {
    AddTasks(vertex, states, before, manifest, &adapted);
  }
  return result;
}

absl::StatusOr<CopiedCheckpoint> CopyCheckpoint(const CheckpointTransfer& transfer,
                                                FileSystem& files, const StorageLayout& layout,
                                                uint64_t manifest_inline_max_bytes) {
  StateObjectStore from(files, layout.JobDirectory(transfer.from));
  StateObjectStore to(files, layout.JobDirectory(transfer.to));
  WEIR_ASSIGN_OR_RETURN(const proto::CheckpointManifest original,
                        from.ReadManifest(transfer.checkpoint));
  WEIR_ASSIGN_OR_RETURN(AdaptedManifest adapted, AdaptManifest(transfer, original));
  proto::CheckpointManifest& manifest = adapted.manifest;
  uint64_t blobs = 0;
  for (proto::TaskSnapshot& task : *manifest.mutable_tasks()) {
    for (proto::OperatorSnapshot& one : *task.mutable_operators()) {
      std::vector<proto::StateObject*> objects = MutableOwnObjects(&one);
      std::erase_if(objects, [](const auto* object) { return object->blob().empty(); });
      for (proto::StateFile& file : *one.mutable_files()) {
        objects.push_back(file.mutable_object());
        file.set_reused(false);
      }
      for (proto::StateObject* object : objects) {
        WEIR_ASSIGN_OR_RETURN(const std::string bytes, from.Read(*object));
        const std::string blob =
            StorageLayout::BlobObject(WorkerId(transfer.from.value()), Epoch(0), ++blobs);
        WEIR_ASSIGN_OR_RETURN(*object, to.Write(bytes, 0, blob));
      }
    }
  }
  CopiedCheckpoint result;
  result.left_out = std::move(adapted.left_out);
  proto::CheckpointOwned& owned = result.owned;
  owned.set_completed_at_ms(transfer.checkpoint.completed_at_ms());
  const std::string bytes = manifest.SerializeAsString();
  if (bytes.size() <= manifest_inline_max_bytes) {
    *owned.mutable_manifest() = std::move(manifest);
    return result;
  }
  owned.set_manifest_object(StorageLayout::ManifestObject(Epoch(0), transfer.from.value()));
  owned.set_manifest_sha256(Sha256Hex(bytes));
  WEIR_RETURN_IF_ERROR(to.WriteManifest(owned.manifest_object(), bytes));
  return result;
}

}  // namespace weir::jobmanager
