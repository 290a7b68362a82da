#include "taskmanager/task/task_snapshot_conversion.h"

#include "absl/strings/str_cat.h"

#include "common/base/sha256.h"

namespace weir::taskmanager {

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
    if (!one.state.empty()) {
      target->mutable_state()->set_inlined(one.state);
      target->mutable_state()->set_size_bytes(one.state.size());
      target->mutable_state()->set_sha256(Sha256Hex(one.state));
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
    const proto::StateObject& state = one.state();
    if (state.size_bytes() > 0) {
      if (state.inlined().empty() && !state.blob().empty()) {
        return absl::FailedPreconditionError(absl::StrCat("the state of operator '", one.uid(),
                                                          "' lies in blob ", state.blob(),
                                                          ", which was not loaded"));
      }
      if (state.inlined().size() != state.size_bytes() ||
          Sha256Hex(state.inlined()) != state.sha256()) {
        return absl::DataLossError(absl::StrCat("the state of operator '", one.uid(),
                                                "' does not match its SHA-256 ", state.sha256()));
      }
      data.state = state.inlined();
    }
    for (const std::string& committable : one.committables()) {
      data.committables.push_back(committable);
    }
    result.operators.push_back(std::move(data));
  }
  return result;
}

}  // namespace weir::taskmanager
