// Counts the records of each split and checks that none is missing, doubled or late. Its operator
// state says the same once more, and has to fit its own after each restore.
#include <limits>
#include <map>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

#include "common/base/check.h"
#include "common/base/stable_hash.h"
#include "state/api/operator_state_store.h"
#include "tests/sim/model_job.h"

namespace weir::sim {
namespace {

class ModelOperator final : public Operator {
 public:
  explicit ModelOperator(ModelContext& context) : context_(context) {}

  absl::Status Open(const OperatorContext& context) override {
    subtask_ = context.subtask_index;
    counted_ = context.operator_state->GetListState(ListStateDescriptor<Count>("counted"));
    known_ = context.operator_state->GetUnionListState(ListStateDescriptor<Count>("known"));
    next_ =
        context.operator_state->GetBroadcastState(MapStateDescriptor<uint64_t, int64_t>("next"));
    return absl::OkStatus();
  }

  absl::Status ProcessBatch(const BatchPtr& batch, Output& out) override {
    before_last_batch_ = state_;
    for (size_t row = 0; row < batch->num_rows(); ++row) {
      const auto split = static_cast<uint64_t>(batch->column(0).int64s()[row]);
      const int64_t index = batch->column(1).int64s()[row];
      const auto [next, first] = state_.next.try_emplace(split, index);
      if (next->second != index) {
        context_.world.Violate(
            "Snapshots", absl::StrCat("split ", split, ": record ", index,
                                      " reached the operator where ", next->second, " comes next"));
      }
      ++next->second;
      state_.checksum[split] += RecordValue(split, index);
    }
    KeepCounts();
    return out.Emit(batch);
  }

  absl::Status ProcessWatermark(EventTime watermark, Output& out) override {
    if (watermark.micros() < state_.watermark_us) {
      context_.world.Violate("Watermarks",
                             absl::StrCat("watermark ", watermark.micros(), " after ",
                                          state_.watermark_us, " in worker ", context_.worker));
    }
    state_.watermark_us = watermark.micros();
    return out.EmitWatermark(watermark);
  }

  absl::StatusOr<std::string> SnapshotState() override {
    const bool overtakes = context_.config.bug == PlantedBug::kBarrierOvertakes;
    return (overtakes ? before_last_batch_ : state_).Encode(context_.config.state_padding);
  }

  absl::Status RestoreState(const std::string& state) override {
    state_ = before_last_batch_ = ModelOperatorState::Decode(state);
    CheckCounts();
    KeepCounts();
    return absl::OkStatus();
  }

 private:
  using Count = std::pair<uint64_t, int64_t>;  // a split, and the position behind its last record

  void KeepCounts() {
    const std::vector<Count> counts(state_.next.begin(), state_.next.end());
    counted_.Update(counts);
    known_.Update(counts);
    for (const auto& [split, position] : counts) next_.Put(split, position);
  }
  void CheckCounts() {
    const std::vector<Count> expected(state_.next.begin(), state_.next.end());
    if (counted_.Get() != expected) Violate("its list");
    const std::vector<Count> kept = next_.Entries();  // in the order of their bytes
    if (std::map(kept.begin(), kept.end()) != state_.next) Violate("its broadcast state");
    // Of all subtasks, each split once.
    std::map<uint64_t, int64_t> known;
    for (const auto& [split, position] : known_.Get()) {
      if (!known.emplace(split, position).second) Violate("a union list that has a split twice");
    }
    for (const auto& [split, position] : expected) {
      const auto found = known.find(split);
      if (found == known.end() || found->second != position) Violate("the union list");
    }
  }
  void Violate(const std::string& what) {
    // Then its own state is what is wrong.
    if (context_.config.bug == PlantedBug::kBarrierOvertakes) return;
    context_.world.Violate("OperatorState", absl::StrCat("subtask ", subtask_,
                                                         " of the operator does not fit ", what));
  }

  ModelContext& context_;
  uint32_t subtask_ = 0;
  ListState<Count> counted_;
  ListState<Count> known_;
  BroadcastState<uint64_t, int64_t> next_;
  ModelOperatorState state_;
  ModelOperatorState before_last_batch_;
};

}  // namespace

uint64_t RecordValue(uint64_t split, int64_t index) {
  return StableHash64(split * 1'000'000 + static_cast<uint64_t>(index));
}

uint64_t ExpectedChecksum(uint64_t split, int64_t from, int64_t to) {
  uint64_t sum = 0;
  for (int64_t i = from; i < to; ++i) sum += RecordValue(split, i);
  return sum;
}

std::string ModelOperatorState::Encode(uint32_t padding) const {
  std::string text = absl::StrCat(watermark_us);
  for (const auto& [split, position] : next) {
    absl::StrAppend(&text, " ", split, ":", position, ":", checksum.at(split));
  }
  if (padding > 0) absl::StrAppend(&text, " #", std::string(padding, 'x'));
  return text;
}

ModelOperatorState ModelOperatorState::Decode(const std::string& text) {
  ModelOperatorState state;
  const std::vector<std::string> words = absl::StrSplit(text, ' ');
  WEIR_CHECK(absl::SimpleAtoi(words[0], &state.watermark_us)) << words[0];
  for (size_t i = 1; i < words.size() && words[i][0] != '#'; ++i) {
    const std::vector<std::string> parts = absl::StrSplit(words[i], ':');
    uint64_t split = 0;
    WEIR_CHECK(parts.size() == 3 && absl::SimpleAtoi(parts[0], &split) &&
               absl::SimpleAtoi(parts[1], &state.next[split]) &&
               absl::SimpleAtoi(parts[2], &state.checksum[split]))
        << words[i];
  }
  return state;
}

std::unique_ptr<Operator> MakeModelOperator(ModelContext& context) {
  return std::make_unique<ModelOperator>(context);
}

}  // namespace weir::sim
