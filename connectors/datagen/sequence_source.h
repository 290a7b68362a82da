#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/connector/source.h"
#include "common/exec/thread_executor.h"
#include "common/time/clock.h"
#include "common/types/batch_builder.h"
#include "connectors/datagen/sequence_source_options.h"

namespace weir::datagen {

/// Makes rows (id, split) out of nothing: row i of split s of n has id i * n + s, so all ids are
/// 0, 1, 2, ... without gaps or repetitions, whatever the parallelism. A position is i: what is
/// read again after a recovery is the same. For tests and for trying things out.
class SequenceSource final : public Source {
 public:
  explicit SequenceSource(const SequenceSourceOptions& options) : options_(options) {}

  std::string type() const override { return "SequenceSource"; }
  std::shared_ptr<const Schema> schema() const override { return SequenceSchema(); }
  bool bounded() const override { return options_.rows_per_split > 0; }
  std::map<std::string, std::string> Describe() const override;
  absl::Status Validate() const override;
  absl::StatusOr<std::unique_ptr<SplitEnumerator>> MakeEnumerator() const override;
  absl::StatusOr<std::unique_ptr<SourceReader>> MakeReader(uint32_t subtask_index,
                                                           uint32_t parallelism) const override;

 private:
  const SequenceSourceOptions options_;
};

/// Split k goes to subtask k % parallelism.
class SequenceEnumerator final : public SplitEnumerator {
 public:
  explicit SequenceEnumerator(const SequenceSourceOptions& options) : options_(options) {}
  absl::StatusOr<std::vector<SourceSplit>> DiscoverSplits(
      const std::vector<SourceSplit>& known) override;
  uint32_t OwnerOf(const SourceSplit& split, uint32_t parallelism) const override;

 private:
  const SequenceSourceOptions options_;
};

/// See SourceReader. With a rate, a thread of its own wakes the task when rows are due.
class SequenceReader final : public SourceReader {
 public:
  static constexpr int64_t kBatchRows = 1000;
  /// How far rows may lag behind the rate and be made up for.
  static constexpr absl::Duration kMaxBurst = absl::Seconds(1);

  SequenceReader(const SequenceSourceOptions& options, const Clock& clock);

  void SetWakeup(std::function<void()> wakeup) override { wakeup_ = std::move(wakeup); }
  absl::Status AddSplits(const std::vector<SourceSplit>& splits) override;
  absl::StatusOr<ReadResult> Poll() override;
  absl::StatusOr<std::vector<SourceSplit>> Snapshot() override;

 private:
  struct Split {
    SourceSplit given;
    int32_t number = 0;
    int64_t next = 0;  // row
  };
  bool Finished(const Split& split) const {
    return options_.rows_per_split > 0 && split.next >= options_.rows_per_split;
  }
  // Rows that may be made now; asks for the wake-up when there are none.
  int64_t Allowance();
  BatchPtr MakeBatch(Split& split, int64_t rows);

  const SequenceSourceOptions options_;
  const Clock& clock_;
  std::function<void()> wakeup_;
  std::vector<Split> splits_;
  bool splits_added_ = false;
  size_t turn_ = 0;
  BatchBuilder builder_;
  absl::Duration due_;                     // when the next row is due; zero: not started
  std::unique_ptr<ThreadExecutor> timer_;  // only with a rate; last, so that it stops first
};

}  // namespace weir::datagen
