// A sink that delivers at least once, with a delay; exactly once is transactional_model_sink's.
#include <algorithm>
#include <deque>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"

#include "tests/sim/model_writer.h"

namespace weir::sim {
namespace {

constexpr size_t kInFlightMax = 64;

class DeliveringWriter final : public ModelWriter {
 public:
  using ModelWriter::ModelWriter;

  bool HasRoom() override { return in_flight_.size() < kInFlightMax && !rests(); }

  absl::Status Write(const BatchPtr& batch) override {
    Rest(batch->num_rows());
    if (context_.config.keyed.on()) {
      Send([results = ResultsOf(*batch)](Outside& outside) {
        for (const KeyedResult& result : results) outside.DeliverResult(result);
      });
      return absl::OkStatus();
    }
    for (const SplitRange& range : RangesOf(*batch)) {
      Send([range](Outside& outside) { outside.Deliver(range); });
    }
    return absl::OkStatus();
  }

  void PrepareCommit(Epoch epoch, PrepareDone done) override {
    RecordBarrier(epoch);
    if (context_.outside.Refuses(random_)) {
      return done(absl::UnavailableError("the model sink refuses"));
    }
    if (context_.config.bug == PlantedBug::kAnswerBeforeDelivery) {
      return done(std::vector<std::string>());
    }
    waiting_.push_back({sent_, std::move(done)});
    AnswerWaiting();
  }

 private:
  struct Waiting {
    uint64_t sent = 0;
    PrepareDone done;
  };

  // Once it has left, it arrives, whatever becomes of the process.
  void Send(std::function<void(Outside&)> deliver) {
    const uint64_t number = ++sent_;
    in_flight_.insert(number);
    const absl::Duration delay = absl::Microseconds(Between(random_, 100, 40'000));
    const bool leaves = !Chance(random_, 200);
    context_.world.Schedule(delay, [this, alive = alive_, deliver = std::move(deliver), leaves,
                                    number, &context = context_] {
      const bool lives = *alive && context.process->alive();
      if (leaves || lives) deliver(context.outside);
      if (!lives) return;
      Later(absl::Microseconds(Between(random_, 10, 2000)),
            [this, number] { OnDelivered(number); });
    });
  }

  void OnDelivered(uint64_t number) {
    in_flight_.erase(number);
    AnswerWaiting();
    wakeup_();
  }
  void AnswerWaiting() {
    // Deliveries are not ordered: everything sent before the barrier has to be back.
    while (!waiting_.empty() &&
           (in_flight_.empty() || *in_flight_.begin() > waiting_.front().sent)) {
      waiting_.front().done(std::vector<std::string>());
      waiting_.pop_front();
    }
  }

  std::set<uint64_t> in_flight_;
  uint64_t sent_ = 0;
  std::deque<Waiting> waiting_;
};

class ModelSink final : public Sink {
 public:
  explicit ModelSink(ModelContext& context) : context_(context) {}
  std::string type() const override { return "ModelSink"; }
  std::map<std::string, std::string> Describe() const override { return {}; }
  DeliveryGuarantee delivery() const override {
    return context_.config.transactional ? DeliveryGuarantee::kExactlyOnce
                                         : DeliveryGuarantee::kAtLeastOnce;
  }
  absl::Status Validate(const Schema&) const override { return absl::OkStatus(); }
  absl::StatusOr<std::unique_ptr<SinkWriter>> MakeWriter(
      const SinkWriterContext& context) const override {
    if (context_.config.transactional) return MakeTransactionalModelWriter(context_, context);
    return std::make_unique<DeliveringWriter>(context_, context.subtask_index);
  }
  absl::StatusOr<std::unique_ptr<SinkCommitter>> MakeCommitter() const override {
    if (!context_.config.transactional) return std::unique_ptr<SinkCommitter>();
    return MakeTransactionalModelCommitter(context_);
  }

 private:
  ModelContext& context_;
};

}  // namespace

std::shared_ptr<const Sink> MakeModelSink(ModelContext& context) {
  return std::make_shared<ModelSink>(context);
}

}  // namespace weir::sim
