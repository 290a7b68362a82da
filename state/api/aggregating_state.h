#pragma once

#include <memory>
#include <optional>
#include <utility>

#include "state/api/state_descriptors.h"
#include "state/api/state_handle.h"

namespace weir {

/// An accumulator for each key, to which values are added and which gives a result, both by the
/// descriptor's function. As ValueState otherwise.
template <class In, class Acc, class Out>
class AggregatingState {
 public:
  using Function = AggregateFunction<In, Acc, Out>;
  AggregatingState() = default;
  AggregatingState(CellTable* table, std::shared_ptr<const Function> function)
      : cell_(table), function_(std::move(function)) {}

  /// Nothing when nothing was added, or it has expired.
  std::optional<Out> Get() const {
    const Acc* accumulator = cell_.Find();
    return accumulator == nullptr ? std::nullopt
                                  : std::optional<Out>(function_->GetResult(*accumulator));
  }
  void Add(const In& value) {
    bool fresh = false;
    if (cell_.Find() == nullptr) {
      // Made first: the function may throw.
      Acc accumulator = function_->CreateAccumulator();
      function_->Add(value, accumulator);
      cell_.FindToWrite(&fresh) = std::move(accumulator);
    } else {
      function_->Add(value, cell_.FindToWrite(&fresh));
    }
  }
  void Clear() { cell_.Clear(); }

 private:
  internal::ValueCellHandle<Acc> cell_;
  std::shared_ptr<const Function> function_;
};

}  // namespace weir
