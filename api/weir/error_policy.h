#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "common/connector/delivery_guarantee.h"

namespace weir {

class Sink;
struct ErrorPolicySpec;

/// Makes the sink of the dead letters, with the delivery that the job's other sinks have; see
/// weir::KafkaDeadLetterTopic.
class DeadLetterSink {
 public:
  virtual ~DeadLetterSink() = default;
  virtual std::shared_ptr<const Sink> Make(DeliveryGuarantee delivery) const = 0;
};

/// What becomes of a record that an operator cannot deal with: that a source cannot decode, or that
/// a function throws for. For DataStream::OnError.
///
///   env.FromSource(source, weir::WatermarkStrategy::None(), "payments")
///       .OnError(weir::ErrorPolicy::DeadLetter(dead_letters).AtMostPerMinute(100))
///
/// An immutable value, cheap to copy.
class ErrorPolicy {
 public:
  /// The task fails, with the operator's name, the record's position and the reason. The default.
  static ErrorPolicy Fail();
  /// The record is left out and counted (weir describe, weir_operator_records_skipped_total).
  static ErrorPolicy Skip();
  /// The record goes to a sink of its own, with where it came from and why. That sink is part of
  /// the job and has its guarantee: exactly once where one of the other sinks has.
  static ErrorPolicy DeadLetter(std::shared_ptr<const DeadLetterSink> sink);

  /// More than so many records within a minute, in one subtask, fail the task after all. At least
  /// 1; without it there is no bound.
  ErrorPolicy AtMostPerMinute(int64_t records) const;

  const std::shared_ptr<const ErrorPolicySpec>& spec() const { return spec_; }

 private:
  explicit ErrorPolicy(std::shared_ptr<const ErrorPolicySpec> spec) : spec_(std::move(spec)) {}
  std::shared_ptr<const ErrorPolicySpec> spec_;
};

}  // namespace weir
