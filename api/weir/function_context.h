#pragma once

#include <cstdint>
#include <optional>

#include "common/base/check.h"
#include "common/operator/operator.h"
#include "state/api/operator_state_store.h"

namespace weir {

/// What a function may know about where it runs, and the state of its subtask (Flink's
/// RuntimeContext and FunctionInitializationContext, of functions on streams without a key).
///
/// Lifetime: the function's, from Open on.
class FunctionContext {
 public:
  explicit FunctionContext(const OperatorContext& context)
      : operator_state_(context.operator_state),
        subtask_(context.subtask_index),
        parallelism_(context.parallelism) {}

  uint32_t SubtaskIndex() const { return subtask_; }
  uint32_t Parallelism() const { return parallelism_; }

  /// State of this subtask that belongs to no key: lists that are dealt out anew at another
  /// parallelism, union lists, broadcast state.
  OperatorStateStore& GetOperatorStateStore() {
    WEIR_CHECK(operator_state_ != nullptr) << "this operator is not in a task";
    return *operator_state_;
  }
  /// This run starts from a checkpoint that has operator state of this operator.
  bool IsRestored() const { return operator_state_ != nullptr && operator_state_->restored(); }

  /// Does not compile: only functions on keyed streams have state of keys.
  template <class Descriptor>
  int GetState(const Descriptor&) {
    return NeedsKey<Descriptor>();
  }
  template <class Descriptor>
  int GetListState(const Descriptor&) {
    return NeedsKey<Descriptor>();
  }
  template <class Descriptor>
  int GetMapState(const Descriptor&) {
    return NeedsKey<Descriptor>();
  }
  template <class Descriptor>
  int GetReducingState(const Descriptor&) {
    return NeedsKey<Descriptor>();
  }
  template <class Descriptor>
  int GetAggregatingState(const Descriptor&) {
    return NeedsKey<Descriptor>();
  }

 private:
  template <class Descriptor>
  static int NeedsKey() {
    static_assert(sizeof(Descriptor) == 0,
                  "state belongs to keys: call KeyBy before Process, and derive the function from "
                  "KeyedProcessFunction; for state of the subtask see GetOperatorStateStore");
    return 0;
  }

  OperatorStateStore* operator_state_;
  uint32_t subtask_;
  uint32_t parallelism_;
};

namespace internal {

/// The context of a function that is kept as long as it, and what became of its state.
/// Threads: the task's.
class FunctionState {
 public:
  void Open(const OperatorContext& context) {
    context_.emplace(context);
    if (context.operator_state != nullptr) status_ = &context.operator_state->status();
  }
  FunctionContext& context() { return *context_; }
  /// Not OK: state that it has asked for cannot be had.
  const absl::Status& status() const { return *status_; }

 private:
  static const absl::Status& Good();

  std::optional<FunctionContext> context_;
  const absl::Status* status_ = &Good();
};

/// The function wants to be opened. Lambdas do not.
template <class F>
inline constexpr bool kHasOpen = requires(F& function, FunctionContext& context) {
  function.Open(context);
};
template <class F>
inline constexpr bool kHasClose = requires(F& function) {
  function.Close();
};
/// It has something of this name, with whatever parameters.
template <class F>
inline constexpr bool kNamesOpen = requires {
  &F::Open;
};

}  // namespace internal
}  // namespace weir
