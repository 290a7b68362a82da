// A source of numbered records whose splits fill at a steady rate.
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

#include "common/base/check.h"
#include "common/types/batch_builder.h"
#include "common/types/key_group.h"
#include "tests/sim/model_job.h"

namespace weir::sim {
namespace {

constexpr char kModelTopic[] = "model";

// Of a key as LongSerializer writes it: the split that has it.
class SplitOfKey final : public KeyPartitioner {
 public:
  std::string name() const override { return "split-of-key"; }
  void PartitionsOf(std::span<const absl::string_view> keys, uint32_t partitions,
                    std::vector<uint32_t>& out) const override {
    for (const absl::string_view bytes : keys) {
      uint64_t key = 0;
      for (const char byte : bytes) key = key << 8 | static_cast<uint8_t>(byte);
      out.push_back(static_cast<uint32_t>(key % partitions));
    }
  }
};

class ModelEnumerator final : public SplitEnumerator {
 public:
  explicit ModelEnumerator(ModelContext& context)
      : context_(context),
        random_(context.world.Fork(absl::StrCat("enumerator ", context.worker))) {}

  absl::StatusOr<std::vector<SourceSplit>> DiscoverSplits(
      const std::vector<SourceSplit>& known) override {
    if (!known.empty() && context_.outside.Refuses(random_)) {
      return absl::UnavailableError("the model source does not answer");
    }
    std::vector<SourceSplit> fresh;
    for (uint64_t split = 0; split < context_.outside.KnownSplits(); ++split) {
      const std::string id = SplitName(split);
      bool is_known = false;
      for (const SourceSplit& one : known) is_known = is_known || one.id == id;
      if (is_known) continue;
      SourceSplit found;
      found.id = id;
      found.position = absl::StrCat(context_.outside.ResolveStart(split));
      fresh.push_back(std::move(found));
    }
    return fresh;
  }
  uint32_t OwnerOf(const SourceSplit& split, uint32_t parallelism) const override {
    if (context_.config.keyed.aligned) {
      return DefaultKeyGroupTable({parallelism, context_.config.splits})[SplitNumber(split.id)];
    }
    return static_cast<uint32_t>(SplitNumber(split.id) % parallelism);
  }
  absl::Duration discovery_interval() const override {
    return context_.config.late_splits > 0 ? absl::Milliseconds(400) : absl::ZeroDuration();
  }

 private:
  ModelContext& context_;
  SeededRandom random_;
};

class ModelReader final : public SourceReader {
 public:
  explicit ModelReader(ModelContext& context)
      : context_(context), alive_(std::make_shared<bool>(true)) {}
  ~ModelReader() override { *alive_ = false; }

  void SetWakeup(std::function<void()> wakeup) override { wakeup_ = std::move(wakeup); }

  absl::Status AddSplits(const std::vector<SourceSplit>& splits) override {
    for (const SourceSplit& split : splits) {
      int64_t position = 0;
      WEIR_CHECK(absl::SimpleAtoi(split.position, &position)) << split.position;
      splits_.push_back({SplitNumber(split.id), position, position});
      context_.world.Trace("reads", context_.worker, absl::StrCat(split.id, " from ", position));
    }
    return absl::OkStatus();
  }

  absl::StatusOr<ReadResult> Poll() override {
    ReadResult result;
    bool all_ended = context_.config.bounded;
    absl::Duration soonest = absl::InfiniteDuration();
    for (size_t i = 0; i < splits_.size(); ++i) {
      const size_t at = (turn_ + i) % splits_.size();
      Split& split = splits_[at];
      if (split.next >= context_.outside.EndOf(split.number)) continue;
      all_ended = false;
      if (split.next >= context_.outside.Available(split.number)) {
        soonest = std::min(soonest, context_.outside.UntilAvailable(split.number, split.next));
        continue;
      }
      turn_ = at + 1;
      result.next = ReadResult::Next::kMore;
      result.split = at;
      result.batch = MakeBatch(split);
      return result;
    }
    result.next = all_ended ? ReadResult::Next::kEndOfInput : ReadResult::Next::kWait;
    if (!all_ended && soonest != absl::InfiniteDuration()) WakeAfter(soonest);
    return result;
  }

  absl::StatusOr<std::vector<SourceSplit>> Snapshot() override {
    std::vector<SourceSplit> splits;
    for (Split& split : splits_) {
      SourceSplit& one = splits.emplace_back();
      one.id = SplitName(split.number);
      one.position = absl::StrCat(split.next);
      one.finished = context_.config.bounded && split.next >= context_.outside.EndOf(split.number);
    }
    return splits;
  }

 private:
  struct Split {
    uint64_t number = 0;
    int64_t next = 0;
    int64_t before_last_batch = 0;
  };

  BatchPtr MakeBatch(Split& split) {
    const int64_t end = std::min(context_.outside.Available(split.number),
                                 split.next + static_cast<int64_t>(context_.config.batch));
    BatchBuilder builder(RecordSchema());
    std::vector<int64_t> times;
    split.before_last_batch = split.next;
    for (; split.next < end; ++split.next) {
      builder.column(0).AppendInt64(static_cast<int64_t>(split.number));
      builder.column(1).AppendInt64(split.next);
      builder.CommitRow();
      times.push_back(TimeOf(split));
    }
    BatchExtras extras;
    extras.event_times = Buffer::FromVector(std::move(times));
    if (context_.config.keyed.aligned) {
      Provenance from;
      from.topic = kModelTopic;
      from.partition = static_cast<int32_t>(split.number);
      from.first_offset = split.before_last_batch;
      extras.provenance = std::make_shared<const Provenance>(std::move(from));
    }
    return std::make_shared<const Batch>(builder.Finish(std::move(extras)));
  }

  int64_t TimeOf(const Split& split) const {
    const std::optional<KeyedInput>& keyed = context_.outside.keyed_input();
    if (!keyed) return EventTimeOf(split.next);
    return keyed->At(static_cast<int64_t>(split.number), split.next).time_us;
  }

  void WakeAfter(absl::Duration delay) {
    if (waiting_) return;
    waiting_ = true;
    context_.world.Schedule(delay, [this, alive = alive_] {
      if (!*alive) return;
      waiting_ = false;
      wakeup_();
    });
  }

  ModelContext& context_;
  const std::shared_ptr<bool> alive_;
  std::function<void()> wakeup_;
  std::vector<Split> splits_;
  size_t turn_ = 0;
  bool waiting_ = false;
};

class ModelSource final : public Source {
 public:
  explicit ModelSource(ModelContext& context) : context_(context) {}
  std::string type() const override { return "ModelSource"; }
  SchemaPtr schema() const override { return RecordSchema(); }
  bool bounded() const override { return context_.config.bounded; }
  std::map<std::string, std::string> Describe() const override { return {}; }
  std::optional<TopicPartitioning> partitioning() const override {
    if (!context_.config.keyed.aligned) return std::nullopt;
    return TopicPartitioning{kModelTopic, context_.config.splits, std::make_shared<SplitOfKey>()};
  }
  absl::StatusOr<std::unique_ptr<SplitEnumerator>> MakeEnumerator() const override {
    return std::make_unique<ModelEnumerator>(context_);
  }
  absl::StatusOr<std::unique_ptr<SourceReader>> MakeReader(uint32_t, uint32_t) const override {
    return std::make_unique<ModelReader>(context_);
  }

 private:
  ModelContext& context_;
};

}  // namespace

SchemaPtr RecordSchema() {
  static const SchemaPtr& schema = *new SchemaPtr(
      Schema::Make({{"split", DataType::kInt64, false}, {"index", DataType::kInt64, false}}));
  return schema;
}

int64_t EventTimeOf(int64_t index) { return 1'000'000 + index * 1000; }

std::shared_ptr<const Source> MakeModelSource(ModelContext& context) {
  return std::make_shared<ModelSource>(context);
}

}  // namespace weir::sim
