// Two sinks: one delivers at least once, with a delay; the other prepares and commits.
#include <algorithm>
#include <deque>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"

#include "tests/sim/model_job.h"

namespace weir::sim {
namespace {

constexpr size_t kInFlightMax = 64;

/// What both writers share: the rows of the running epoch, and how far each split was written.
class ModelWriter : public SinkWriter {
 public:
  ModelWriter(ModelContext& context, uint32_t subtask)
      : context_(context),
        subtask_(subtask),
        random_(context.world.Fork(absl::StrCat("sink ", context.worker, " ", subtask))),
        alive_(std::make_shared<bool>(true)) {}
  ~ModelWriter() override { *alive_ = false; }

  void SetWakeup(std::function<void()> wakeup) override { wakeup_ = std::move(wakeup); }
  absl::Status Open(const std::string&) override { return absl::OkStatus(); }

 protected:
  std::vector<SplitRange> RangesOf(const Batch& batch) {
    std::vector<SplitRange> ranges;
    for (size_t row = 0; row < batch.num_rows(); ++row) {
      const auto split = static_cast<uint64_t>(batch.column(0).int64s()[row]);
      const int64_t index = batch.column(1).int64s()[row];
      if (ranges.empty() || ranges.back().split != split || ranges.back().to != index) {
        ranges.push_back({split, index, index});
      }
      ++ranges.back().to;
      written_[split] = index + 1;
    }
    return ranges;
  }
  void RecordBarrier(Epoch epoch) {
    context_.barriers.positions[{context_.worker, epoch, subtask_}] = written_;
  }
  /// Runs when the process and the writer still live.
  void Later(absl::Duration delay, std::function<void()> action) {
    context_.world.Schedule(delay, [this, alive = alive_, action = std::move(action)] {
      if (*alive && context_.process->alive()) action();
    });
  }

  ModelContext& context_;
  const uint32_t subtask_;
  SeededRandom random_;
  const std::shared_ptr<bool> alive_;
  std::function<void()> wakeup_;
  std::map<uint64_t, int64_t> written_;
};

class DeliveringWriter final : public ModelWriter {
 public:
  using ModelWriter::ModelWriter;

  bool HasRoom() override { return in_flight_.size() < kInFlightMax; }

  absl::Status Write(const BatchPtr& batch) override {
    for (const SplitRange& range : RangesOf(*batch)) {
      const uint64_t number = ++sent_;
      in_flight_.insert(number);
      // Once it has left, it arrives, whatever becomes of the process.
      const absl::Duration delay = absl::Microseconds(Between(random_, 100, 40'000));
      const bool leaves = !Chance(random_, 200);
      context_.world.Schedule(delay,
                              [this, alive = alive_, range, leaves, number, &context = context_] {
                                const bool lives = *alive && context.process->alive();
                                if (leaves || lives) context.outside.Deliver(range);
                                if (!lives) return;
                                Later(absl::Microseconds(Between(random_, 10, 2000)),
                                      [this, number] { OnDelivered(number); });
                              });
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

class TransactionalWriter final : public ModelWriter {
 public:
  using ModelWriter::ModelWriter;

  bool HasRoom() override { return true; }

  absl::Status Write(const BatchPtr& batch) override {
    for (const SplitRange& range : RangesOf(*batch)) {
      if (!open_.empty() && open_.back().split == range.split && open_.back().to == range.from) {
        open_.back().to = range.to;
      } else {
        open_.push_back(range);
      }
    }
    return absl::OkStatus();
  }

  void PrepareCommit(Epoch epoch, PrepareDone done) override {
    RecordBarrier(epoch);
    if (context_.outside.Refuses(random_)) {
      return done(absl::UnavailableError("the model sink refuses"));
    }
    if (!open_.empty()) {
      Transaction transaction;
      transaction.id = absl::StrCat(context_.worker, "/", ++context_.transactions);
      transaction.subtask = subtask_;
      transaction.epoch = epoch;
      transaction.ranges = std::exchange(open_, {});
      pending_.push_back(std::move(transaction));
    }
    if (context_.config.bug == PlantedBug::kCommitWithoutPermit) {
      CommitThrough(PermitAuthority::Grant(epoch, LeaderTerm(1)));
    }
    std::vector<std::string> committables;  // also of epochs that failed meanwhile
    for (const Transaction& one : pending_) committables.push_back(one.Encode());
    Later(absl::Microseconds(Between(random_, 50, 5000)),
          [done = std::move(done), committables = std::move(committables)] { done(committables); });
  }

  void Commit(const CommitPermit& permit, CommitDone done) override {
    const absl::Duration effect = absl::Microseconds(Between(random_, 50, 3000));
    if (context_.outside.Refuses(random_)) {
      return Later(effect, [done = std::move(done)] {
        done(absl::UnavailableError("the model sink does not commit"));
      });
    }
    Later(effect, [this, permit, done = std::move(done)] {
      CommitThrough(permit);
      Later(absl::Microseconds(Between(random_, 50, 3000)), [done] { done(absl::OkStatus()); });
    });
  }

 private:
  void CommitThrough(const CommitPermit& permit) {
    while (!pending_.empty() && pending_.front().epoch <= permit.epoch()) {
      context_.outside.Commit(context_.job, permit, pending_.front());
      pending_.pop_front();
    }
  }

  std::vector<SplitRange> open_;
  std::deque<Transaction> pending_;
};

class ModelCommitter final : public SinkCommitter {
 public:
  explicit ModelCommitter(ModelContext& context)
      : context_(context),
        random_(context.world.Fork(absl::StrCat("committer ", context.worker))) {}

  absl::StatusOr<std::string> Recover(const SinkRecovery& recovery) override {
    for (const UncommittedEpoch& epoch : recovery.uncommitted) {
      if (context_.outside.Refuses(random_)) {
        return absl::UnavailableError("the model sink does not commit");
      }
      for (const std::string& one : epoch.committables) {
        context_.outside.Commit(context_.job, epoch.permit, Transaction::Decode(one));
      }
    }
    return std::string();
  }

 private:
  ModelContext& context_;
  SeededRandom random_;
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
    if (context_.config.transactional) {
      return std::make_unique<TransactionalWriter>(context_, context.subtask_index);
    }
    return std::make_unique<DeliveringWriter>(context_, context.subtask_index);
  }
  absl::StatusOr<std::unique_ptr<SinkCommitter>> MakeCommitter() const override {
    if (!context_.config.transactional) return std::unique_ptr<SinkCommitter>();
    return std::make_unique<ModelCommitter>(context_);
  }

 private:
  ModelContext& context_;
};

}  // namespace

std::shared_ptr<const Sink> MakeModelSink(ModelContext& context) {
  return std::make_shared<ModelSink>(context);
}

}  // namespace weir::sim
