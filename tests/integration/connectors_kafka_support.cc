#include "tests/integration/connectors_kafka_support.h"

#include <utility>

#include "common/base/status_macros.h"
#include "common/time/system_clock.h"

namespace weir {

absl::StatusOr<SourceRun> SourceRun::Start(const Source& source) {
  SourceRun run;
  WEIR_ASSIGN_OR_RETURN(run.enumerator, source.MakeEnumerator());
  WEIR_ASSIGN_OR_RETURN(run.reader, source.MakeReader(0, 1));
  run.reader->SetWakeup(run.wakeup.Callback());
  WEIR_ASSIGN_OR_RETURN(const std::vector<SourceSplit> splits, run.enumerator->DiscoverSplits({}));
  WEIR_RETURN_IF_ERROR(run.AddSplits(splits));
  return run;
}

absl::Status SourceRun::AddSplits(const std::vector<SourceSplit>& added) {
  splits.insert(splits.end(), added.begin(), added.end());
  return reader->AddSplits(added);
}

absl::StatusOr<std::vector<ReadRow>> SourceRun::Read(size_t rows, absl::Duration quiet) {
  std::vector<ReadRow> result;
  const SystemClock clock;
  absl::Duration last = clock.Monotonic();
  while (result.size() < rows && !ended && clock.Monotonic() - last < quiet) {
    WEIR_ASSIGN_OR_RETURN(const ReadResult read, reader->Poll());
    if (read.next == ReadResult::Next::kWait) wakeup.Wait(quiet);
    ended = read.next == ReadResult::Next::kEndOfInput;
    if (read.batch == nullptr) continue;
    last = clock.Monotonic();
    for (size_t i = 0; i < read.batch->num_rows(); ++i) {
      result.push_back({read.split, std::string(read.batch->column(0).StringAt(i)),
                        read.batch->event_times()[i], read.batch->provenance()->Describe(i)});
    }
  }
  return result;
}

std::vector<std::string> Values(const std::vector<ReadRow>& rows) {
  std::vector<std::string> values;
  for (const ReadRow& row : rows) values.push_back(row.value);
  return values;
}

BatchPtr StringBatch(const std::vector<std::string>& values) {
  RecordBuilder<std::string> builder;
  for (const std::string& value : values) builder.Append(value);
  return std::make_shared<const Batch>(builder.Finish());
}

absl::StatusOr<SinkRun> SinkRun::Start(const Sink& sink) {
  SinkRun run;
  WEIR_ASSIGN_OR_RETURN(run.writer, sink.MakeWriter(SinkWriterContext()));
  run.writer->SetWakeup(run.wakeup.Callback());
  WEIR_RETURN_IF_ERROR(run.writer->Open(""));
  return run;
}

absl::Status SinkRun::Write(const BatchPtr& batch) {
  while (!writer->HasRoom()) wakeup.Wait(absl::Seconds(1));
  return writer->Write(batch);
}

absl::Status SinkRun::Barrier(uint64_t epoch, absl::Duration timeout) {
  auto answer = std::make_shared<std::optional<absl::Status>>();
  writer->PrepareCommit(Epoch(epoch), [answer](auto done) { *answer = done.status(); });
  const SystemClock clock;
  const absl::Duration end = clock.Monotonic() + timeout;
  while (!answer->has_value()) {
    if (clock.Monotonic() > end) return absl::DeadlineExceededError("the barrier has no answer");
    wakeup.Wait(absl::Seconds(1));
    writer->HasRoom();
  }
  return **answer;
}

}  // namespace weir
