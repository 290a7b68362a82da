#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "common/operator/partitioning.h"
#include "common/types/record.h"
#include "weir/connector_handles.h"
#include "weir/error_policy.h"
#include "weir/function_traits.h"
#include "weir/output_tag.h"
#include "weir/partitioning_functions.h"
#include "weir/process_function.h"
#include "weir/stream_functions.h"

namespace weir {

class Environment;
class WatermarkStrategy;

namespace internal {

class GraphBuilder;
using OperatorFactory = std::function<std::unique_ptr<Operator>()>;

/// One operator that is being described; shared by the handles below.
struct NodeHandle {
  std::shared_ptr<GraphBuilder> graph;
  uint64_t node = 0;

  void SetName(const std::string& name) const;
  void SetUid(const std::string& uid) const;
  void SetParallelism(int parallelism) const;
  void SetErrorPolicy(const ErrorPolicy& policy) const;
  void StartNewChain() const;
  void DisableChaining() const;
  /// For the plan.
  void Configure(const std::string& key, const std::string& value) const;
  /// See StreamNode::mistake; the first one stays.
  void SetMistake(const std::string& mistake) const;
  /// That a side output has rows of this type; a mistake when it is known as another.
  void DeclareSideOutput(const std::string& tag, const SchemaPtr& schema) const;
};

struct WindowSpec;
/// Writes the windows of an operator down in the plan, with its mistakes and the side output of its
/// late rows, which are of type `rows`.
void DescribeWindows(const NodeHandle& node, const WindowSpec& spec, const SchemaPtr& rows);

/// For the plan: what it makes ("Sum") of which field; a mistake when the field has no name.
void DescribeField(const NodeHandle& node, const std::string& what, const std::string& field);

/// What an operator that is added next reads: one stream or several, and how their rows are dealt
/// out to its subtasks.
struct StreamEnds {
  std::shared_ptr<GraphBuilder> graph;
  std::vector<StreamInput> inputs;

  NodeHandle AddTransform(const std::string& type, SchemaPtr output, OperatorFactory make) const;
  /// One that makes each row of one row, without state of keys.
  NodeHandle AddRowwise(const std::string& type, SchemaPtr output, OperatorFactory make) const;
  /// The same, of a function: rows that it throws for are the error policy's.
  NodeHandle AddFunction(const std::string& type, SchemaPtr output, OperatorFactory make) const;
  /// Gives the rows, which stay as they are, other event times and watermarks.
  NodeHandle AddTimestamps(const WatermarkStrategy& strategy, SchemaPtr rows) const;
  NodeHandle AddSink(std::shared_ptr<const Sink> sink) const;
  StreamEnds With(StreamInput exchange) const;
  /// Without an exchange: the operator's key groups are to be the partitions of its source's topic.
  StreamEnds AlignedBy(const std::shared_ptr<const PartitionKeySelector>& key) const;
  StreamEnds And(const StreamEnds& other) const;
};

}  // namespace internal

/// What all handles of operators share. The setters change the operator the handle stands for and
/// return the handle, so that calls can be chained as in Flink.
template <class Derived>
class OperatorHandle {
 public:
  /// What people see: plan, logs, metrics. Default: the kind of operator.
  Derived& Name(const std::string& name) {
    handle_.SetName(name);
    return static_cast<Derived&>(*this);
  }
  /// What state belongs to, over versions of the job. Default: the name. Unique within the job.
  Derived& Uid(const std::string& uid) {
    handle_.SetUid(uid);
    return static_cast<Derived&>(*this);
  }
  /// Number of subtasks, at least 1. Default: the environment's.
  Derived& SetParallelism(int parallelism) {
    handle_.SetParallelism(parallelism);
    return static_cast<Derived&>(*this);
  }
  /// Not in one task with its input; later operators may chain to it.
  Derived& StartNewChain() {
    handle_.StartNewChain();
    return static_cast<Derived&>(*this);
  }
  /// In one task neither with its input nor with its readers.
  Derived& DisableChaining() {
    handle_.DisableChaining();
    return static_cast<Derived&>(*this);
  }

 protected:
  explicit OperatorHandle(internal::NodeHandle handle) : handle_(std::move(handle)) {}
  internal::NodeHandle handle_;
};

/// The end of a stream.
class DataStreamSink : public OperatorHandle<DataStreamSink> {
 private:
  template <RowType T>
  friend class Stream;
  using OperatorHandle::OperatorHandle;
};

template <RowType T>
class DataStream;

/// A stream of T as the build function describes it: a cheap handle, copied freely; every operation
/// adds an operator to the environment's graph. Nothing runs before the build function has
/// returned.
///
/// Functions take a row view (const weir::Row<T>&, that is T::View: no copies, strings are views,
/// valid during the call) or a const T&. They are copied into every subtask; a subtask calls its
/// copy on one thread.
/// Errors: a function that throws fails the task, with the operator's name, the message and the
/// position of the record, unless OnError says otherwise.
template <RowType T>
class Stream {
 public:
  using RecordType = T;

  /// One row out per row in. The function returns a record, or a view of one: a view may point into
  /// the row it was given and to static storage, never to the function's own variables.
  template <class F>
  auto Map(F function) const;

  /// Keeps the rows for which the function returns true.
  template <class F>
  DataStream<T> Filter(F function) const {
    static_assert(internal::kTakesRow<T, F>,
                  "Filter's function takes a const weir::Row<T>& or a const T&");
    return DataStream<T>(ends_.AddFunction(
        "Filter", SchemaOf<T>(), [function = std::move(function)]() -> std::unique_ptr<Operator> {
          return std::make_unique<FilterOperator<T, F>>(function);
        }));
  }

  /// Any number of rows out per row in: stream.FlatMap<Word>([](const Line::View& line,
  /// weir::Collector<Word>& out) { ... }).
  template <RowType Out, class F>
  DataStream<Out> FlatMap(F function) const {
    static_assert(internal::kTakesRow<T, F, Collector<Out>&>,
                  "FlatMap's function takes a row and a weir::Collector<Out>&");
    return DataStream<Out>(
        ends_.AddFunction("FlatMap", SchemaOf<Out>(),
                          [function = std::move(function)]() -> std::unique_ptr<Operator> {
                            return std::make_unique<FlatMapOperator<T, Out, F>>(function);
                          }));
  }

  /// With side outputs: `function` is a class derived from ProcessFunction<T, Out>.
  template <class F>
  auto Process(F function) const {
    using Out = typename F::OutputType;
    static_assert(std::is_base_of_v<ProcessFunction<T, Out>, F>,
                  "Process takes a ProcessFunction of this stream's row type; one with state, a "
                  "KeyedProcessFunction, needs KeyBy before it");
    return DataStream<Out>(
        ends_.AddRowwise("Process", SchemaOf<Out>(),
                         [function = std::move(function)]() -> std::unique_ptr<Operator> {
                           return std::make_unique<ProcessOperator<T, Out, F>>(function);
                         }));
  }

  /// Event times and watermarks of these rows by another strategy than the source's, as in Flink:
  /// one generator for each subtask, whose rows may be of many splits; the watermarks of the stream
  /// end here, but for the last one of a bounded job. Prefer the strategy of FromSource, which
  /// knows of splits.
  DataStream<T> AssignTimestampsAndWatermarks(const WatermarkStrategy& strategy) const;

  DataStreamSink SinkTo(const SinkOf<T>& sink) const {
    return DataStreamSink(ends_.AddSink(sink.sink()));
  }

  /// Rows of one key go to one subtask: by a field, KeyBy(&Bid::auction), or by a function of the
  /// row that gives a key, always the same for the same row. See KeyedStream.
  template <class K, weir::RecordType Record>
  auto KeyBy(K Record::*field) const;
  template <class F>
  auto KeyBy(F function) const;

  /// As KeyBy, where the key is the key of the record in Kafka and the source says with
  /// PartitionedBy how its topic is partitioned by it: rows stay in the subtask that reads their
  /// partition, and so do state and timers. Every row is verified: one whose partition is not that
  /// of its key fails the job. Between here and the source there may be Filter, Map, FlatMap and
  /// Process. Keys: std::string, weir::ByteArray, int32_t, int64_t.
  template <class K, weir::RecordType Record>
  auto KeyByPartition(K Record::*field) const;
  template <class F>
  auto KeyByPartition(F function) const;

  /// Rows evenly, batch by batch, to the subtasks of the next operator.
  Stream<T> Rebalance() const { return Stream<T>(ends_.With({0, Exchange::kRebalance, {}, {}})); }
  /// Every row to all subtasks of the next operator.
  Stream<T> Broadcast() const { return Stream<T>(ends_.With({0, Exchange::kBroadcast, {}, {}})); }
  /// Each row to the subtask that the function names: uint32_t(const weir::Row<T>&, uint32_t
  /// subtasks), below `subtasks`.
  template <class F>
  Stream<T> PartitionCustom(F function) const {
    auto partitioner = std::make_shared<const internal::FunctionPartitioner<T, F>>(function);
    return Stream<T>(ends_.With({0, Exchange::kCustom, {}, std::move(partitioner)}));
  }
  /// The rows of all these streams, in no order between them. No operator: it has no name.
  template <class... Streams>
  Stream<T> Union(const Stream<T>& other, const Streams&... more) const {
    Stream<T> both(ends_.And(other.ends_));
    if constexpr (sizeof...(more) == 0) {
      return both;
    } else {
      return both.Union(more...);
    }
  }

 protected:
  friend class Environment;
  template <RowType>
  friend class Stream;
  template <RowType>
  friend class DataStream;
  explicit Stream(internal::StreamEnds ends) : ends_(std::move(ends)) {}

  internal::StreamEnds ends_;

 private:
  template <class F>
  static auto ResultOf() {
    if constexpr (internal::kTakesView<T, F>) {
      return std::type_identity<std::invoke_result_t<F&, const Row<T>&>>();
    } else {
      return std::type_identity<std::invoke_result_t<F&, T>>();
    }
  }
};

/// A stream with the operator that makes it.
template <RowType T>
class DataStream : public Stream<T>, public OperatorHandle<DataStream<T>> {
 public:
  /// What becomes of records that this source cannot decode, or that the function of this Map,
  /// Filter or FlatMap throws for. Default: the task fails; of other operators it does so always,
  /// and another policy is refused when the job is planned.
  DataStream& OnError(const ErrorPolicy& policy) {
    this->handle_.SetErrorPolicy(policy);
    return *this;
  }

  /// What this operator puts into the side output of this tag: late rows of windows, and what
  /// Context::Output is given. Watermarks are those of the stream.
  template <RowType Side>
  Stream<Side> GetSideOutput(const OutputTag<Side>& tag) const {
    this->handle_.DeclareSideOutput(tag.id(), SchemaOf<Side>());
    StreamInput input;
    input.node = this->handle_.node;
    input.side_output = tag.id();
    return Stream<Side>(internal::StreamEnds{this->handle_.graph, {input}});
  }

 private:
  friend class Environment;
  template <RowType>
  friend class Stream;
  template <RowType, class>
  friend class KeyedStream;
  template <RowType, class, class>
  friend class WindowedStream;
  explicit DataStream(const internal::NodeHandle& handle)
      : Stream<T>(internal::StreamEnds{handle.graph, {{handle.node, Exchange::kForward, {}, {}}}}),
        OperatorHandle<DataStream<T>>(handle) {}
};

template <RowType T>
DataStream<T> Stream<T>::AssignTimestampsAndWatermarks(const WatermarkStrategy& strategy) const {
  return DataStream<T>(ends_.AddTimestamps(strategy, SchemaOf<T>()));
}

template <RowType T>
template <class F>
auto Stream<T>::Map(F function) const {
  static_assert(internal::kTakesRow<T, F>,
                "Map's function takes a const weir::Row<T>& or a const T&");
  using Out = internal::RecordOf<typename decltype(ResultOf<F>())::type>;
  static_assert(RowType<Out>,
                "Map's function returns a record (WEIR_RECORD), a view of one, or one of the field "
                "types");
  return DataStream<Out>(ends_.AddFunction(
      "Map", SchemaOf<Out>(), [function = std::move(function)]() -> std::unique_ptr<Operator> {
        return std::make_unique<MapOperator<T, Out, F>>(function);
      }));
}

}  // namespace weir
