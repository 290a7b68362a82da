#pragma once

#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "weir/data_stream.h"
#include "weir/key_functions.h"
#include "weir/keyed_operators.h"
#include "weir/keyed_process_function.h"
#include "weir/partition_keys.h"
#include "weir/rolling_functions.h"
#include "weir/windowed_stream.h"

namespace weir {

namespace internal {

/// KeyedStream::Reduce.
template <class K, RowType T, class F>
class ReduceFunction final : public KeyedProcessFunction<K, T, T> {
 public:
  using Context = typename KeyedProcessFunction<K, T, T>::Context;

  explicit ReduceFunction(F function) : function_(std::move(function)) {}
  void Open(RuntimeContext& context) override {
    value_ = context.GetState(ValueStateDescriptor<T>("value"));
  }
  void ProcessElement(const Row<T>& row, Context&, Collector<T>& out) override {
    const T* before = value_.Peek();
    T now = Materialize<T>(row);
    if (before != nullptr) now = function_(*before, now);
    out.Collect(now);
    value_.Update(std::move(now));
  }

 private:
  F function_;
  ValueState<T> value_;
};

/// KeyedStream::Aggregate.
template <class K, RowType T, class F, class In, class Acc, RowType Out>
class RollingAggregateFunction final : public KeyedProcessFunction<K, T, Out> {
 public:
  using Context = typename KeyedProcessFunction<K, T, Out>::Context;

  explicit RollingAggregateFunction(F function)
      : function_(std::make_shared<const F>(std::move(function))) {}
  void Open(RuntimeContext& context) override {
    value_ =
        context.GetAggregatingState(AggregatingStateDescriptor<In, Acc, Out>("value", function_));
  }
  void ProcessElement(const Row<T>& row, Context&, Collector<Out>& out) override {
    if constexpr (std::is_same_v<In, Row<T>>) {
      value_.Add(row);
    } else {
      value_.Add(Materialize<T>(row));
    }
    out.Collect(*value_.Get());
  }

 private:
  std::shared_ptr<const F> function_;
  AggregatingState<In, Acc, Out> value_;
};

}  // namespace internal

/// A stream whose rows go to the subtask that owns their key: what follows has state of each key.
/// Made by Stream::KeyBy and KeyByPartition.
///
/// It is a stream as others are: Map, Filter, FlatMap, SinkTo and the rest are on the subtask of
/// the key, too, and have no state; what they make is not keyed any more. Behind KeyByPartition
/// they are where the partition is read, and do not verify it.
template <RowType T, class KeyOf>
class KeyedStream : public Stream<T> {
 public:
  using KeyType = typename KeyOf::Key;

  /// `rows`: what operators without state of keys read.
  KeyedStream(internal::StreamEnds rows, internal::StreamEnds keyed, KeyOf key)
      : Stream<T>(std::move(rows)), keyed_(std::move(keyed)), key_(std::move(key)) {}

  /// `function` is a class derived from KeyedProcessFunction<Key, T, Out>; or one from
  /// ProcessFunction<T, Out>, without state.
  template <class F>
  auto Process(F function) const {
    using Out = typename F::OutputType;
    if constexpr (std::is_base_of_v<ProcessFunction<T, Out>, F>) {
      return Stream<T>::Process(std::move(function));
    } else {
      static_assert(std::is_base_of_v<KeyedProcessFunction<KeyType, T, Out>, F>,
                    "Process takes a KeyedProcessFunction of this stream's key and row types, or a "
                    "ProcessFunction of its row type");
      return DataStream<Out>(keyed_.AddTransform(
          "KeyedProcess", SchemaOf<Out>(), [key = key_, function]() -> std::unique_ptr<Operator> {
            return std::make_unique<KeyedProcessOperator<KeyOf, T, Out, F>>(key, function);
          }));
    }
  }

  /// Combines each row with what came of the rows of its key before, T(const T&, const T&), and
  /// emits what comes of it; the first row of a key as it is.
  template <class F>
  DataStream<T> Reduce(F function) const {
    return DataStream<T>(AddReduce("Reduce", std::move(function)));
  }

  /// With each row the sum of a field so far, of its key, in the first row of the key: a row with
  /// that field changed, Sum(&Payment::amount). int32_t, int64_t, which wrap around, or double.
  template <class K, weir::RecordType Record>
  DataStream<T> Sum(K Record::*field) const {
    return AddRolling("Sum", field, internal::SumOfField<T, K>{field});
  }
  /// The same with the lowest and the highest value.
  template <class K, weir::RecordType Record>
  DataStream<T> Min(K Record::*field) const {
    return AddRolling("Min", field, internal::MinOfField<T, K>{field});
  }
  template <class K, weir::RecordType Record>
  DataStream<T> Max(K Record::*field) const {
    return AddRolling("Max", field, internal::MaxOfField<T, K>{field});
  }
  /// With each row the row of its key that has the lowest or the highest value so far; of several
  /// the first.
  template <class K, weir::RecordType Record>
  DataStream<T> MinBy(K Record::*field) const {
    return AddRolling("MinBy", field, internal::RowOfMin<T, K>{field});
  }
  template <class K, weir::RecordType Record>
  DataStream<T> MaxBy(K Record::*field) const {
    return AddRolling("MaxBy", field, internal::RowOfMax<T, K>{field});
  }

  /// Adds each row to the accumulator of its key and emits the result: `function` is derived from
  /// AggregateFunction<T, Accumulator, Out>.
  template <class F>
  auto Aggregate(F function) const {
    using Types = decltype(internal::AggregateTypesOf(static_cast<const F*>(nullptr)));
    using Out = typename Types::Result;
    using Rolling = internal::RollingAggregateFunction<KeyType, T, F, typename Types::Input,
                                                       typename Types::Accumulator, Out>;
    return DataStream<Out>(keyed_.AddTransform(
        "Aggregate", SchemaOf<Out>(), [key = key_, function]() -> std::unique_ptr<Operator> {
          return std::make_unique<KeyedProcessOperator<KeyOf, T, Out, Rolling>>(key,
                                                                                Rolling(function));
        }));
  }

  /// Windows: Tumbling(10s), Sliding(1h, 5min), Session(30min) and others of
  /// weir/window_assigners.h.
  template <class Windows>
  WindowedStream<T, KeyOf, Windows> Window(const Windows& windows) const {
    static_assert(std::is_base_of_v<internal::WindowAssigner, Windows>,
                  "Window takes one of the kinds of windows: Tumbling, Sliding, Session, "
                  "TumblingProcessingTime, SlidingProcessingTime");
    return WindowedStream<T, KeyOf, Windows>(keyed_, key_, windows);
  }

 private:
  template <class F>
  internal::NodeHandle AddReduce(const std::string& type, F function) const {
    return keyed_.AddTransform(
        type, SchemaOf<T>(), [key = key_, function]() -> std::unique_ptr<Operator> {
          using Reducer = internal::ReduceFunction<KeyType, T, F>;
          return std::make_unique<KeyedProcessOperator<KeyOf, T, T, Reducer>>(key,
                                                                              Reducer(function));
        });
  }
  template <class K, class Record, class F>
  DataStream<T> AddRolling(const std::string& type, K Record::*field, F function) const {
    const internal::NodeHandle node = AddReduce(type, std::move(function));
    internal::DescribeField(node, type, internal::NameOfField<T, K>(field));
    return DataStream<T>(node);
  }

  internal::StreamEnds keyed_;
  KeyOf key_;
};

namespace internal {

template <RowType T, class KeyOf>
KeyedStream<T, KeyOf> MakeKeyedStream(const StreamEnds& ends, KeyOf key) {
  StreamInput exchange;
  exchange.exchange = Exchange::kHash;
  exchange.key = std::make_shared<const TypedKeySelector<KeyOf>>(key);
  const StreamEnds dealt_out = ends.With(exchange);
  return KeyedStream<T, KeyOf>(dealt_out, dealt_out, std::move(key));
}

template <RowType T, class KeyOf>
KeyedStream<T, KeyOf> MakeAlignedStream(const StreamEnds& ends, KeyOf key) {
  const auto selector = std::make_shared<const TypedPartitionKeySelector<KeyOf>>(key);
  return KeyedStream<T, KeyOf>(ends, ends.AlignedBy(selector), std::move(key));
}

}  // namespace internal

template <RowType T>
template <class K, weir::RecordType Record>
auto Stream<T>::KeyBy(K Record::*field) const {
  return internal::MakeKeyedStream<T>(ends_, internal::FieldKey<T, K>(field));
}

template <RowType T>
template <class F>
auto Stream<T>::KeyBy(F function) const {
  return internal::MakeKeyedStream<T>(ends_, internal::FunctionKey<T, F>(std::move(function)));
}

template <RowType T>
template <class K, weir::RecordType Record>
auto Stream<T>::KeyByPartition(K Record::*field) const {
  return internal::MakeAlignedStream<T>(ends_, internal::FieldKey<T, K>(field));
}

template <RowType T>
template <class F>
auto Stream<T>::KeyByPartition(F function) const {
  return internal::MakeAlignedStream<T>(ends_, internal::FunctionKey<T, F>(std::move(function)));
}

}  // namespace weir
