#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "weir/data_stream.h"
#include "weir/rolling_functions.h"
#include "weir/window_assigners.h"
#include "weir/windowed_operators.h"

namespace weir {

/// The rows of a keyed stream in windows of event or processing time (Flink's WindowedStream). Made
/// by KeyedStream::Window; ended by Reduce, Aggregate or Process, whose result rows have the time
/// of the window's end, less a microsecond.
///
/// A window fires when the watermark has come to its end. Rows that come later, but within the
/// allowed lateness, fire it again, with the whole result, once for all of them that come in a
/// batch; rows that come later still are counted as late and go to the side output of
/// SideOutputLateData.
template <RowType T, class KeyOf, class Windows>
class WindowedStream {
 public:
  using KeyType = typename KeyOf::Key;

  WindowedStream(internal::StreamEnds ends, KeyOf key, const Windows& windows)
      : ends_(std::move(ends)), key_(std::move(key)), spec_(windows.spec()) {}

  /// Default: none. Windows by processing time have no late rows.
  WindowedStream& AllowedLateness(std::chrono::microseconds lateness) {
    spec_.lateness_micros = lateness.count();
    return *this;
  }
  /// Read it with GetSideOutput of what ends the windows.
  WindowedStream& SideOutputLateData(const OutputTag<T>& tag) {
    spec_.late_tag = tag.id();
    return *this;
  }

  /// `function`: T(const T&, const T&), of which it does not matter how rows are paired.
  template <class F>
  DataStream<T> Reduce(F function) const {
    using Contents = internal::ReducedContents<T, F>;
    return Add<T>(Contents(std::move(function)), internal::ResultEmitter<Contents, T>());
  }
  /// The same, and its result goes through a ProcessWindowFunction<T, Out, Key>.
  template <class F, class P>
  auto Reduce(F function, P process) const {
    using Contents = internal::ReducedContents<T, F>;
    return AddProcess(Contents(std::move(function)), std::move(process));
  }

  /// The sum of a field over the window, Sum(&Payment::amount); the other fields are those of one
  /// of its rows. int32_t, int64_t, which wrap around, or double.
  template <class K, weir::RecordType Record>
  DataStream<T> Sum(K Record::*field) const {
    return AddOfField("Sum", field, internal::SumOfField<T, K>{field});
  }
  /// The same with the lowest and the highest value.
  template <class K, weir::RecordType Record>
  DataStream<T> Min(K Record::*field) const {
    return AddOfField("Min", field, internal::MinOfField<T, K>{field});
  }
  template <class K, weir::RecordType Record>
  DataStream<T> Max(K Record::*field) const {
    return AddOfField("Max", field, internal::MaxOfField<T, K>{field});
  }
  /// The row of the window with the lowest or the highest value; of several one of them.
  template <class K, weir::RecordType Record>
  DataStream<T> MinBy(K Record::*field) const {
    return AddOfField("MinBy", field, internal::RowOfMin<T, K>{field});
  }
  template <class K, weir::RecordType Record>
  DataStream<T> MaxBy(K Record::*field) const {
    return AddOfField("MaxBy", field, internal::RowOfMax<T, K>{field});
  }

  /// `function` is derived from AggregateFunction<T, Accumulator, Out>, or of T::View in place of
  /// T, which saves a copy of each row.
  template <class F>
  auto Aggregate(F function) const {
    using Contents = internal::AggregatedContents<T, F>;
    CheckMerges<Contents>();
    using Out = typename Contents::Result;
    return Add<Out>(Contents(std::move(function)), internal::ResultEmitter<Contents, Out>());
  }
  /// The same, and its result goes through a ProcessWindowFunction<its result type, Out, Key>.
  template <class F, class P>
  auto Aggregate(F function, P process) const {
    using Contents = internal::AggregatedContents<T, F>;
    CheckMerges<Contents>();
    return AddProcess(Contents(std::move(function)), std::move(process));
  }

  /// `function` is derived from ProcessWindowFunction<T, Out, Key>. All rows are kept until the
  /// window is gone: prefer Aggregate with a ProcessWindowFunction where that is enough.
  template <class P>
  auto Process(P function) const {
    return AddProcess(internal::ListedContents<T>(), std::move(function));
  }

 private:
  template <class Contents>
  static void CheckMerges() {
    static_assert(!Windows::kMerges || Contents::kMerges,
                  "sliding and session windows merge accumulators: the AggregateFunction has to "
                  "override Merge");
  }

  template <class Contents, class P>
  auto AddProcess(Contents contents, P process) const {
    using In = typename Contents::Result;
    using Out = typename P::OutputType;
    static_assert(std::is_base_of_v<ProcessWindowFunction<In, Out, KeyType>, P>,
                  "a ProcessWindowFunction<In, Out, Key> is needed: In is the stream's row type or "
                  "the result type of the aggregate function, Key the type of the stream's keys");
    return Add<Out>(std::move(contents), internal::ProcessEmitter<Contents, P>(std::move(process)));
  }

  template <class K, class Record, class F>
  DataStream<T> AddOfField(const std::string& what, K Record::*field, F function) const {
    const DataStream<T> result = Reduce(std::move(function));
    internal::DescribeField(result.handle_, what, internal::NameOfField<T, K>(field));
    return result;
  }

  template <RowType Out, class Contents, class Emitter>
  DataStream<Out> Add(Contents contents, Emitter emitter) const {
    using Typed = std::conditional_t<std::is_same_v<Windows, Session>,
                                     TypedSessionOperator<KeyOf, T, Out, Contents, Emitter>,
                                     TypedSliceWindowOperator<KeyOf, T, Out, Contents, Emitter>>;
    const internal::NodeHandle node =
        ends_.AddTransform("Window", SchemaOf<Out>(),
                           [spec = spec_, key = key_, contents = std::move(contents),
                            emitter = std::move(emitter)]() -> std::unique_ptr<Operator> {
                             return std::make_unique<Typed>(spec, key, contents, emitter);
                           });
    internal::DescribeWindows(node, spec_, SchemaOf<T>());
    return DataStream<Out>(node);
  }

  internal::StreamEnds ends_;
  KeyOf key_;
  internal::WindowSpec spec_;
};

}  // namespace weir
