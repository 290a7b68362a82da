#pragma once

#include <concepts>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "state/api/state_codec.h"
#include "state/api/state_ttl.h"

/// What an operator says about a state that it wants: its name, which is unique in the operator and
/// finds the state again in a checkpoint, its types, and how long values live. Plain values; they
/// may be static.
namespace weir {

template <StateType T>
struct ValueStateDescriptor {
  explicit ValueStateDescriptor(std::string state_name, StateTtl state_ttl = {})
      : name(std::move(state_name)), ttl(state_ttl) {}
  std::string name;
  StateTtl ttl;
};

template <StateType T>
struct ListStateDescriptor {
  explicit ListStateDescriptor(std::string state_name, StateTtl state_ttl = {})
      : name(std::move(state_name)), ttl(state_ttl) {}
  std::string name;
  StateTtl ttl;
};

/// K: a type of common/types/key_codec.h.
template <StateType K, StateType V>
struct MapStateDescriptor {
  explicit MapStateDescriptor(std::string state_name, StateTtl state_ttl = {})
      : name(std::move(state_name)), ttl(state_ttl) {}
  std::string name;
  StateTtl ttl;
};

/// `reduce` makes one value of the one that is there and one that is added.
template <StateType T>
struct ReducingStateDescriptor {
  using Reduce = std::function<T(const T&, const T&)>;
  ReducingStateDescriptor(std::string state_name, Reduce reduce_function, StateTtl state_ttl = {})
      : name(std::move(state_name)), reduce(std::move(reduce_function)), ttl(state_ttl) {}
  std::string name;
  Reduce reduce;
  StateTtl ttl;
};

/// Flink's AggregateFunction: adds values to an accumulator and makes a result of one. Sliding and
/// session windows need Merge, too; where it is missing they do not compile.
/// Threads: called on the thread of the task.
template <class In, class Acc, class Out>
class AggregateFunction {
 public:
  virtual ~AggregateFunction() = default;
  virtual Acc CreateAccumulator() const { return Acc{}; }
  virtual void Add(const In& value, Acc& accumulator) const = 0;
  virtual Out GetResult(const Acc& accumulator) const = 0;
  /// Adds what was added to `other`.
  virtual void Merge(const Acc& other, Acc& accumulator) const {
    (void)other;
    (void)accumulator;
  }
};

template <class In, StateType Acc, class Out>
struct AggregatingStateDescriptor {
  using Function = AggregateFunction<In, Acc, Out>;
  AggregatingStateDescriptor(std::string state_name, std::shared_ptr<const Function> aggregate,
                             StateTtl state_ttl = {})
      : name(std::move(state_name)), function(std::move(aggregate)), ttl(state_ttl) {}
  /// AggregatingStateDescriptor<double, Sum, double>("average", Average{}).
  template <class F>
  requires std::derived_from<F, Function> AggregatingStateDescriptor(std::string state_name,
                                                                     F aggregate,
                                                                     StateTtl state_ttl = {})
      : AggregatingStateDescriptor(std::move(state_name),
                                   std::make_shared<const F>(std::move(aggregate)), state_ttl) {}
  std::string name;
  std::shared_ptr<const Function> function;
  StateTtl ttl;
};

}  // namespace weir
