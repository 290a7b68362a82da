#include "connectors/datagen/sequence_source.h"

#include <algorithm>
#include <limits>
#include <set>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

#include "common/base/status_macros.h"
#include "common/time/system_clock.h"

namespace weir::datagen {
namespace {

constexpr absl::string_view kIdPrefix = "sequence-";
constexpr absl::string_view kPositionPrefix = "1 ";  // the version

absl::StatusOr<uint32_t> SplitNumber(const SourceSplit& split, uint32_t splits) {
  uint32_t number = 0;
  absl::string_view text = split.id;
  if (!absl::ConsumePrefix(&text, kIdPrefix) || !absl::SimpleAtoi(text, &number) ||
      number >= splits) {
    return absl::InvalidArgumentError(
        absl::StrCat("not one of ", splits, " sequence splits: '", split.id, "'"));
  }
  return number;
}

absl::StatusOr<int64_t> DecodePosition(const SourceSplit& split) {
  int64_t next = 0;
  absl::string_view text = split.position;
  if (!absl::ConsumePrefix(&text, kPositionPrefix) || !absl::SimpleAtoi(text, &next) || next < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("not a position in a sequence: '", split.position, "'"));
  }
  return next;
}

std::string EncodePosition(int64_t next) { return absl::StrCat(kPositionPrefix, next); }

const Clock& MachineClock() {
  static const SystemClock clock;
  return clock;
}

}  // namespace

SchemaPtr SequenceSchema() {
  static const SchemaPtr schema =
      Schema::Make({{"id", DataType::kInt64}, {"split", DataType::kInt32}});
  return schema;
}

std::shared_ptr<const Source> MakeSequenceSource(const SequenceSourceOptions& options) {
  return std::make_shared<const SequenceSource>(options);
}

std::map<std::string, std::string> SequenceSource::Describe() const {
  std::map<std::string, std::string> words;
  words["splits"] = absl::StrCat(options_.splits);
  words["rows-per-split"] =
      options_.rows_per_split == 0 ? "endless" : absl::StrCat(options_.rows_per_split);
  if (options_.rows_per_second > 0) {
    words["rows-per-second"] = absl::StrCat(options_.rows_per_second);
  }
  return words;
}

absl::Status SequenceSource::Validate() const {
  constexpr int64_t kMaxId = std::numeric_limits<int64_t>::max();
  if (options_.splits == 0) return absl::InvalidArgumentError("a sequence source has no splits");
  if (options_.rows_per_split < 0 || options_.rows_per_split > kMaxId / options_.splits) {
    return absl::InvalidArgumentError("rows_per_split of a sequence source is out of range");
  }
  if (!(options_.rows_per_second >= 0)) {
    return absl::InvalidArgumentError("rows_per_second of a sequence source is negative");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<SplitEnumerator>> SequenceSource::MakeEnumerator() const {
  WEIR_RETURN_IF_ERROR(Validate());
  return std::make_unique<SequenceEnumerator>(options_);
}

absl::StatusOr<std::unique_ptr<SourceReader>> SequenceSource::MakeReader(uint32_t, uint32_t) const {
  WEIR_RETURN_IF_ERROR(Validate());
  return std::make_unique<SequenceReader>(options_, MachineClock());
}

absl::StatusOr<std::vector<SourceSplit>> SequenceEnumerator::DiscoverSplits(
    const std::vector<SourceSplit>& known) {
  std::set<std::string> known_ids;
  for (const SourceSplit& split : known) known_ids.insert(split.id);
  std::vector<SourceSplit> splits;
  for (uint32_t i = 0; i < options_.splits; ++i) {
    SourceSplit split;
    split.id = absl::StrCat(kIdPrefix, i);
    split.position = EncodePosition(0);
    if (known_ids.count(split.id) == 0) splits.push_back(std::move(split));
  }
  return splits;
}

uint32_t SequenceEnumerator::OwnerOf(const SourceSplit& split, uint32_t parallelism) const {
  const absl::StatusOr<uint32_t> number = SplitNumber(split, options_.splits);
  return number.ok() ? *number % parallelism : 0;  // the reader says what is wrong
}

SequenceReader::SequenceReader(const SequenceSourceOptions& options, const Clock& clock)
    : options_(options), clock_(clock), builder_(SequenceSchema()) {
  if (options_.rows_per_second > 0) {
    timer_ = std::make_unique<ThreadExecutor>(ThreadExecutorOptions{.name = "datagen"});
  }
}

absl::Status SequenceReader::AddSplits(const std::vector<SourceSplit>& splits) {
  splits_added_ = true;
  for (const SourceSplit& given : splits) {
    WEIR_ASSIGN_OR_RETURN(const uint32_t number, SplitNumber(given, options_.splits));
    WEIR_ASSIGN_OR_RETURN(const int64_t next, DecodePosition(given));
    splits_.push_back({given, static_cast<int32_t>(number), next});
  }
  return absl::OkStatus();
}

int64_t SequenceReader::Allowance() {
  if (timer_ == nullptr) return kBatchRows;
  // The rate is of all splits together, and this reader has some of them.
  const double rate = options_.rows_per_second * static_cast<double>(splits_.size()) /
                      static_cast<double>(options_.splits);
  const absl::Duration now = clock_.Monotonic();
  if (due_ == absl::ZeroDuration()) due_ = now;
  due_ = std::max(due_, now - kMaxBurst);
  if (due_ > now) {
    timer_->PostAfter(due_ - now, wakeup_);
    return 0;
  }
  const int64_t rows =
      std::min(kBatchRows, 1 + static_cast<int64_t>(absl::ToDoubleSeconds(now - due_) * rate));
  due_ += absl::Seconds(static_cast<double>(rows) / rate);
  return rows;
}

BatchPtr SequenceReader::MakeBatch(Split& split, int64_t rows) {
  if (options_.rows_per_split > 0) rows = std::min(rows, options_.rows_per_split - split.next);
  const auto count = static_cast<size_t>(rows);
  builder_.Reserve(count);
  std::vector<int64_t> event_times(count);
  for (int64_t i = 0; i < rows; ++i) {
    const int64_t row = split.next + i;
    builder_.column(0).AppendInt64(row * options_.splits + split.number);
    builder_.column(1).AppendInt32(split.number);
    event_times[static_cast<size_t>(i)] =
        options_.first_event_time_us + row * options_.event_time_step_us;
  }
  builder_.CommitRows(count);
  auto provenance = std::make_shared<Provenance>();
  provenance->topic = "sequence";
  provenance->partition = split.number;
  provenance->first_offset = split.next;
  split.next += rows;
  BatchExtras extras;
  extras.event_times = Buffer::FromVector(std::move(event_times));
  extras.provenance = std::move(provenance);
  return std::make_shared<const Batch>(builder_.Finish(std::move(extras)));
}

absl::StatusOr<ReadResult> SequenceReader::Poll() {
  ReadResult result;
  for (size_t tried = 0; tried < splits_.size(); ++tried) {
    const size_t at = (turn_ + tried) % splits_.size();
    if (Finished(splits_[at])) continue;
    const int64_t rows = Allowance();
    if (rows == 0) return result;  // kWait
    result.batch = MakeBatch(splits_[at], rows);
    result.split = at;
    result.next = ReadResult::Next::kMore;
    turn_ = at + 1;
    return result;
  }
  if (splits_added_ && options_.rows_per_split > 0) {
    result.next = ReadResult::Next::kEndOfInput;
  }
  return result;
}

absl::StatusOr<std::vector<SourceSplit>> SequenceReader::Snapshot() {
  std::vector<SourceSplit> result;
  for (const Split& split : splits_) {
    SourceSplit snapshot = split.given;
    snapshot.position = EncodePosition(split.next);
    snapshot.finished = Finished(split);
    result.push_back(std::move(snapshot));
  }
  return result;
}

}  // namespace weir::datagen
