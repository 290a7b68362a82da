#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "common/connector/sink.h"

namespace weir {

/// What becomes of a record that an operator cannot deal with.
enum class ErrorAction {
  kFail,        // the task fails, naming operator and record
  kSkip,        // it is left out and counted
  kDeadLetter,  // it goes to a sink of its own, with where it came from and why
};

/// One operator's policy. Immutable, part of the graph.
struct ErrorPolicySpec {
  ErrorAction action = ErrorAction::kFail;
  /// More records than this within a minute, of one subtask, fail the task after all; 0: no bound.
  int64_t budget_per_minute = 0;
  /// kDeadLetter: makes the sink, of DeadLetterSchema(), with the job's guarantee.
  std::function<std::shared_ptr<const Sink>(DeliveryGuarantee)> make_dead_letter_sink;
};

}  // namespace weir
