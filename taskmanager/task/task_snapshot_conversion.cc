#include "taskmanager/task/task_snapshot_conversion.h"

#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/sha256.h"
#include "common/base/status_macros.h"

namespace weir::taskmanager {
namespace {

void SetOperatorObjects(const OperatorStateObjects& objects, proto::OperatorStateSnapshot* to) {
  if (!objects.lists.empty()) *to->mutable_lists() = InlinedObject(objects.lists);
  if (!objects.union_lists.empty()) *to->mutable_union_lists() = InlinedObject(objects.union_lists);
  if (!objects.broadcast.empty()) *to->mutable_broadcast() = InlinedObject(objects.broadcast);
  SetListSizes(objects.list_sizes, to);
}

// Of an object that is inlined, or is not there.
absl::StatusOr<std::string> InlinedBytes(const proto::StateObject& object, const std::string& uid) {
  if (object.inlined().empty() && !object.blob().empty()) {
    return absl::FailedPreconditionError(absl::StrCat("the state of operator '", uid,
                                                      "' lies in blob ", object.blob(),
                                                      ", which was not loaded"));
  }
  if (object.size_bytes() == 0 && object.inlined().empty()) return std::string();
  if (object.inlined().size() != object.size_bytes() ||
      Sha256Hex(object.inlined()) != object.sha256()) {
    return absl::DataLossError(absl::StrCat("the state of operator '", uid,
                                            "' does not match its SHA-256 ", object.sha256()));
  }
  return object.inlined();
}

absl::StatusOr<OperatorStateObjects> OperatorObjectsOf(const proto::OperatorSnapshot& one) {
  OperatorStateObjects objects;
  const proto::OperatorStateSnapshot& from = one.operator_state();
  WEIR_ASSIGN_OR_RETURN(objects.lists, InlinedBytes(from.lists(), one.uid()));
  WEIR_ASSIGN_OR_RETURN(objects.union_lists, InlinedBytes(from.union_lists(), one.uid()));
  WEIR_ASSIGN_OR_RETURN(objects.broadcast, InlinedBytes(from.broadcast(), one.uid()));
  objects.list_sizes = ListSizesOf(from);
  return objects;
}

}  // namespace

proto::StateObject InlinedObject(std::string bytes) {
  proto::StateObject object;
  object.set_size_bytes(bytes.size());
  object.set_sha256(Sha256Hex(bytes));
  object.set_inlined(std::move(bytes));
  return object;
}

void SetListSizes(const ListSizes& sizes, proto::OperatorStateSnapshot* snapshot) {
  for (const auto& [name, elements] : sizes) {
    proto::ListSize* size = snapshot->add_list_sizes();
    size->set_name(name);
    size->set_elements(elements);
  }
}

ListSizes ListSizesOf(const proto::OperatorStateSnapshot& snapshot) {
  ListSizes sizes;
  for (const proto::ListSize& size : snapshot.list_sizes()) sizes[size.name()] = size.elements();
  return sizes;
}

proto::SplitState ToProto(const SourceSplit& split) {
  proto::SplitState message;
  message.set_id(split.id);
  message.set_position(split.position);
  if (split.watermark_us.has_value()) message.set_watermark_us(*split.watermark_us);
  message.set_finished(split.finished);
  message.set_idle(split.idle);
  return message;
}

SourceSplit FromProto(const proto::SplitState& split) {
  SourceSplit result;
  result.id = split.id();
  result.position = split.position();
  if (split.has_watermark_us()) result.watermark_us = split.watermark_us();
  result.finished = split.finished();
  result.idle = split.idle();
  return result;
}

proto::TaskSnapshot ToProto(SubtaskId subtask, const TaskSnapshotData& snapshot) {
  proto::TaskSnapshot message;
  message.set_vertex(subtask.vertex.value());
  message.set_index(subtask.index);
  if (snapshot.input_watermark.has_value()) {
    message.set_input_watermark_us(snapshot.input_watermark->micros());
  }
  for (const OperatorSnapshotData& one : snapshot.operators) {
    proto::OperatorSnapshot* target = message.add_operators();
    target->set_uid(one.uid);
    target->set_keying(one.keying);
    for (const SourceSplit& split : one.splits) *target->add_splits() = ToProto(split);
    if (!one.state.empty()) *target->mutable_state() = InlinedObject(one.state);
    if (one.operator_objects.has_value()) {
      SetOperatorObjects(*one.operator_objects, target->mutable_operator_state());
    }
    for (const std::string& committable : one.committables) target->add_committables(committable);
    for (const std::string& text : one.committable_texts) target->add_committable_texts(text);
  }
  return message;
}

absl::StatusOr<TaskSnapshotData> FromProto(const proto::TaskSnapshot& snapshot) {
  TaskSnapshotData result;
  if (snapshot.has_input_watermark_us()) {
    result.input_watermark = EventTime::FromMicros(snapshot.input_watermark_us());
  }
  for (const proto::OperatorSnapshot& one : snapshot.operators()) {
    OperatorSnapshotData data;
    data.uid = one.uid();
    data.keying = one.keying();
    for (const proto::SplitState& split : one.splits()) data.splits.push_back(FromProto(split));
    if (one.state().size_bytes() > 0) {
      WEIR_ASSIGN_OR_RETURN(data.state, InlinedBytes(one.state(), one.uid()));
    }
    if (one.has_operator_state()) {
      WEIR_ASSIGN_OR_RETURN(data.operator_objects, OperatorObjectsOf(one));
    }
    for (const std::string& committable : one.committables()) {
      data.committables.push_back(committable);
    }
    result.operators.push_back(std::move(data));
  }
  return result;
}

}  // namespace weir::taskmanager
