#pragma once

#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "common/types/key_codec.h"
#include "state/api/state_descriptors.h"
#include "weir/function_traits.h"
#include "weir/window_function.h"

/// What windows keep of their rows, and what becomes of it when they fire. Each kind of contents
/// has an Accumulator, and Create, Add, Merge and Result.
namespace weir::internal {

/// WindowedStream::Reduce.
template <RowType T, class F>
class ReducedContents {
 public:
  using Accumulator = std::optional<T>;
  using Result = T;
  static constexpr bool kRows = false;

  explicit ReducedContents(F function) : function_(std::move(function)) {}
  Accumulator Create() const { return std::nullopt; }
  void Add(const RecordReader<T>& reader, size_t row, Accumulator& accumulator) {
    T value = reader.Materialize(row);
    if (accumulator.has_value()) value = function_(*accumulator, value);
    accumulator = std::move(value);
  }
  void Merge(const Accumulator& from, Accumulator& into) { into = function_(*into, *from); }
  const T& ResultOf(const Accumulator& accumulator) const { return *accumulator; }

 private:
  F function_;
};

/// Whether F has a Merge of its own.
template <class F, class Base>
struct MergesHelper {
  static constexpr bool value = !std::is_same_v<decltype(&F::Merge), decltype(&Base::Merge)>;
};
template <class In, class Acc, class Out>
struct AggregateTypes {
  using Input = In;
  using Accumulator = Acc;
  using Result = Out;
  using Base = AggregateFunction<In, Acc, Out>;
};
template <class In, class Acc, class Out>
AggregateTypes<In, Acc, Out> AggregateTypesOf(const AggregateFunction<In, Acc, Out>*);

/// WindowedStream::Aggregate.
template <RowType T, class F>
class AggregatedContents {
  using Types = decltype(AggregateTypesOf(static_cast<const F*>(nullptr)));

 public:
  using Accumulator = typename Types::Accumulator;
  using Result = typename Types::Result;
  static constexpr bool kRows = false;
  static constexpr bool kMerges = MergesHelper<F, typename Types::Base>::value;

  explicit AggregatedContents(F function) : function_(std::move(function)) {}
  Accumulator Create() const { return function_.F::CreateAccumulator(); }
  void Add(const RecordReader<T>& reader, size_t row, Accumulator& accumulator) {
    if constexpr (std::is_same_v<typename Types::Input, Row<T>>) {
      function_.F::Add(reader.View(row), accumulator);
    } else {
      function_.F::Add(reader.Materialize(row), accumulator);
    }
  }
  void Merge(const Accumulator& from, Accumulator& into) { function_.F::Merge(from, into); }
  Result ResultOf(const Accumulator& accumulator) const {
    return function_.F::GetResult(accumulator);
  }

 private:
  F function_;
};

/// WindowedStream::Process: the rows themselves. Slices are appended to; sessions, which have their
/// times beside the rows, are changed as a whole.
template <RowType T>
class ListedContents {
 public:
  using Accumulator = std::vector<T>;
  using Result = T;
  static constexpr bool kRows = true;

  Accumulator Create() const { return {}; }
  void Add(const RecordReader<T>& reader, size_t row, Accumulator& accumulator) {
    accumulator.push_back(reader.Materialize(row));
  }
  void Merge(const Accumulator& from, Accumulator& into) {
    into.insert(into.end(), from.begin(), from.end());
  }
};

/// Emits the result as a row.
template <class Contents, RowType Out>
class ResultEmitter {
 public:
  void Open(FunctionContext&) {}
  void Emit(Contents& contents, const typename Contents::Accumulator& accumulator, KeyedStateStore&,
            WindowContext&, Collector<Out>& out) {
    out.Collect(contents.ResultOf(accumulator));
  }
  void Close() {}
};

/// Gives it, or the rows, to a ProcessWindowFunction.
template <class Contents, class F>
class ProcessEmitter {
  using In = typename Contents::Result;
  using Out = typename F::OutputType;

 public:
  explicit ProcessEmitter(F function) : function_(std::move(function)) {}
  void Open(FunctionContext& context) { function_.Open(context); }
  void Emit(Contents& contents, const typename Contents::Accumulator& accumulator,
            KeyedStateStore& store, WindowContext& context, Collector<Out>& out) {
    const auto key = *DecodeKey<typename F::KeyType>(store.current_key().key);
    if constexpr (Contents::kRows) {
      function_.Process(key, context, std::span<const In>(accumulator), out);
    } else {
      const In result = contents.ResultOf(accumulator);
      function_.Process(key, context, std::span<const In>(&result, 1), out);
    }
  }
  void Close() { function_.Close(); }

 private:
  F function_;
};

}  // namespace weir::internal
