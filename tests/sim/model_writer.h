#pragma once

#include <functional>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

#include "common/connector/sink.h"
#include "tests/sim/model_job.h"

namespace weir::sim {

/// What both writers share: how far each split was written.
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
  bool rests() const { return context_.world.now() < rests_until_; }
  /// After each batch, where the sink is slow.
  void Rest(size_t rows) {
    if (!context_.config.keyed.slow_sink) return;
    const bool small = context_.config.small;  // its world is healed from the start
    if (!small && context_.outside.healed()) return;
    const absl::Duration pause = small ? static_cast<int64_t>(rows) * kSmallRowTime : DrawnPause();
    rests_until_ = context_.world.now() + pause;
    Later(pause, [this] { wakeup_(); });
  }
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

  absl::Duration DrawnPause() {
    const bool burst = context_.config.keyed.burst();
    return absl::Milliseconds(burst ? Between(random_, 50, 400) : Between(random_, 5, 150));
  }
  // Of a sink that is slow in a small job: a slice of 256 timers takes it 77 ms.
  static constexpr absl::Duration kSmallRowTime = absl::Microseconds(300);

  ModelContext& context_;
  const uint32_t subtask_;
  SeededRandom random_;
  const std::shared_ptr<bool> alive_;
  std::function<void()> wakeup_;
  absl::Duration rests_until_;
  std::map<uint64_t, int64_t> written_;
};

/// The product's writer and committer on the model of the brokers.
std::unique_ptr<SinkWriter> MakeTransactionalModelWriter(ModelContext& context,
                                                         const SinkWriterContext& writer);
std::unique_ptr<SinkCommitter> MakeTransactionalModelCommitter(ModelContext& context);

}  // namespace weir::sim
