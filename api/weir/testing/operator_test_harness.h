#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "common/operator/dead_letter.h"
#include "common/types/record.h"
#include "weir/data_stream.h"
#include "weir/environment.h"
#include "weir/function_traits.h"
#include "weir/testing/operator_harness_core.h"

namespace weir::testing {

/// Where a record was read: what messages about it name.
struct RecordPosition {
  std::string topic;
  int32_t partition = 0;
  int64_t offset = 0;
};

/// A record that has come out of the operators under test.
template <RowType T>
struct OutputRecord {
  T record;
  std::optional<int64_t> event_time_us;
  std::optional<RecordPosition> position;  // of the record it was made from
};

/// Runs a piece of a job's pipeline in a test, with the operators, chains and barriers that a
/// worker would run, and without source, sink and cluster:
///
///   weir::testing::OperatorTestHarness harness(LargePayments);  // DataStream<A> to DataStream<B>
///   harness.Push(payment);
///   EXPECT_EQ(harness.Outputs().at(0).record.severity, "critical");
///   EXPECT_EQ(harness.error(), "");
///
/// The piece is one subtask, whatever parallelism it asks for; cuts of the chain are kept. It may
/// not end in sinks of its own, but for SideOutputSink. What the planner finds wrong in it, as a
/// uid that is used twice, is said by error() as soon as the harness is made.
///
/// Life cycle: construct; SetProcessingTime and Restore, if at all; any number of Push...,
/// PushWatermark, Snapshot; Finish. After a recovery a worker has new operators: so has a test, by
/// a new harness that restores the snapshot of the old one. Each call returns when all that follows
/// from it is done. Errors: the calls return false, and change nothing more, once an operator has
/// failed or a call was not possible; error() is the first such sentence, failure() the same in
/// parts. What came out before stays. Threads: one at a time. The functions are called on the
/// caller's.
template <RowType In, RowType Out>
class OperatorTestHarness {
 public:
  using Pipeline = std::function<DataStream<Out>(const DataStream<In>&)>;

  explicit OperatorTestHarness(const Pipeline& pipeline, const HarnessOptions& options = {})
      : core_(EnvironmentOf(pipeline), options) {}

  /// One operator (common/operator/operator.h) under this name and uid; for Weir's own tests.
  static OperatorTestHarness Of(const std::string& name, const internal::OperatorFactory& make) {
    return OperatorTestHarness(internal::OperatorHarnessCore(name, make));
  }

  // One record; with its event time in microseconds since 1970; with where it was read.
  bool Push(const In& record) { return PushBatch({record}); }
  bool Push(const In& record, int64_t event_time_us) {
    return PushBatch({record}, {event_time_us});
  }
  bool Push(const In& record, int64_t event_time_us, const RecordPosition& position) {
    return PushBatch({record}, {event_time_us}, position);
  }

  /// Records that the operators get in one call, as those of one poll of Kafka. Event times: none,
  /// or one for each record. `first`: of the first record, the others follow it without gaps.
  bool PushBatch(const std::vector<In>& records, std::vector<int64_t> event_times_us = {},
                 const std::optional<RecordPosition>& first = std::nullopt, uint32_t input = 0) {
    RecordBuilder<In> builder;
    for (const In& record : records) builder.Append(record);
    BatchExtras extras;
    if (!event_times_us.empty()) {
      if (event_times_us.size() != records.size()) {
        return core_.Refuse("a batch has event times for all of its records or for none");
      }
      extras.event_times = Buffer::FromVector(std::move(event_times_us));
    }
    if (first.has_value()) {
      auto provenance = std::make_shared<Provenance>();
      provenance->topic = first->topic;
      provenance->partition = first->partition;
      provenance->first_offset = first->offset;
      extras.provenance = std::move(provenance);
    }
    return core_.Push(std::make_shared<const Batch>(builder.Finish(std::move(extras))), input);
  }

  /// Says that no record before this event time follows in this input.
  bool PushWatermark(int64_t event_time_us, uint32_t input = 0) {
    return core_.PushWatermark(event_time_us, input);
  }
  /// The input holds no watermark back, or does again.
  bool PushIdle(bool idle, uint32_t input = 0) { return core_.PushIdle(idle, input); }
  /// From now on the clock of the machine stands there, in microseconds since 1970. What it is set
  /// forward by has passed for idleness and periodic watermarks, too. May come before Restore: what
  /// is due by then fires at the restore.
  bool SetProcessingTime(int64_t time_us) { return core_.SetProcessingTime(time_us); }

  /// Backpressure: while it is held operators stop behind the first batch that they emit, also in
  /// the middle of firing their timers. PassOutput lets out what there is and goes on until the
  /// next.
  bool HoldOutput(bool held) { return core_.HoldOutput(held); }
  bool PassOutput() { return core_.PassOutput(); }

  /// The end of the input, as of a bounded source: the last watermark (the largest int64_t), then
  /// the operators give what they still hold. Nothing can be pushed afterwards.
  bool Finish() { return core_.Finish(); }

  /// A checkpoint: the state of all operators as of what was pushed so far, in the format that Weir
  /// writes, with the contents of files. Nothing when it fails.
  std::optional<std::string> Snapshot() { return core_.Snapshot(); }

  /// Starts from a snapshot; before anything else is pushed. Fails, naming the uid, when the
  /// snapshot has an operator that the pipeline has not, or the pipeline one that it has not; and,
  /// naming the operator, where keyed state that is in RocksDB there is to be in memory here.
  bool Restore(const std::string& snapshot) {
    return core_.Restore(std::vector<std::string>{snapshot});
  }
  /// At another parallelism: the snapshots of all subtasks that there were, in any order. Keyed
  /// state and operator state are dealt out anew.
  bool Restore(const std::vector<std::string>& snapshots) { return core_.Restore(snapshots); }

  /// All that came out since the harness was made, or since TakeOutputs.
  const std::vector<OutputRecord<Out>>& Outputs() {
    for (const BatchPtr& batch : core_.TakeBatches()) Append(*batch);
    return outputs_;
  }
  /// The same, and forgets it.
  std::vector<OutputRecord<Out>> TakeOutputs() {
    Outputs();
    return std::exchange(outputs_, {});
  }
  /// Records that OnError has sent to the dead letters since the last call, of all operators; into
  /// whatever topic, nothing is written there.
  std::vector<DeadLetter> TakeDeadLetters() {
    std::vector<DeadLetter> letters;
    for (const BatchPtr& batch : core_.TakeDeadLetters()) {
      const RecordReader<DeadLetter> reader(*batch);
      for (size_t row = 0; row < reader.rows(); ++row) letters.push_back(reader.Materialize(row));
    }
    return letters;
  }
  /// Watermarks that came out, in microseconds since 1970.
  const std::vector<int64_t>& Watermarks() const { return core_.watermarks(); }
  /// Of the operator with this uid; by default the name.
  OperatorBooks Books(const std::string& uid) const { return core_.Books(uid); }

  /// "" until something has failed; then one sentence, as the job's reason would be: "operator
  /// 'parse' failed at topic lines, partition 0, offset 7: a user function threw: ...".
  std::string error() const { return core_.error(); }
  const std::optional<OperatorFailure>& failure() const { return core_.failure(); }

 private:
  explicit OperatorTestHarness(internal::OperatorHarnessCore core) : core_(std::move(core)) {}

  static Environment EnvironmentOf(const Pipeline& pipeline) {
    Environment environment("operator-test-harness");
    using Core = internal::OperatorHarnessCore;
    const auto input = environment.FromSource(SourceOf<In>(Core::InputEnd(SchemaOf<In>())),
                                              WatermarkStrategy::None(), "harness input");
    pipeline(input).SinkTo(SinkOf<Out>(Core::OutputEnd())).Name("harness output");
    return environment;
  }

  void Append(const Batch& batch) {
    const RecordReader<Out> reader(batch);
    for (size_t row = 0; row < reader.rows(); ++row) {
      OutputRecord<Out> output;
      output.record = reader.Materialize(row);
      if (batch.event_times() != nullptr) output.event_time_us = batch.event_times()[row];
      if (const Provenance* from = batch.provenance().get(); from != nullptr) {
        output.position = RecordPosition{from->topic, from->partition, from->OffsetOf(row)};
      }
      outputs_.push_back(std::move(output));
    }
  }

  internal::OperatorHarnessCore core_;
  std::vector<OutputRecord<Out>> outputs_;
};

/// The types of a pipeline that is a function or a lambda with a DataStream<In> as its parameter.
template <class F>
OperatorTestHarness(F) -> OperatorTestHarness<
    typename std::decay_t<typename internal::FirstArgument<F>::type>::RecordType,
    typename std::invoke_result_t<F, typename internal::FirstArgument<F>::type>::RecordType>;
template <class F>
OperatorTestHarness(F, HarnessOptions) -> OperatorTestHarness<
    typename std::decay_t<typename internal::FirstArgument<F>::type>::RecordType,
    typename std::invoke_result_t<F, typename internal::FirstArgument<F>::type>::RecordType>;

}  // namespace weir::testing
