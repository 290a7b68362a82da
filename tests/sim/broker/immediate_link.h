#pragma once

#include <functional>
#include <utility>

#include "tests/sim/broker/broker_link.h"

namespace weir::sim {

/// Virtual time that passes only while somebody waits for a broker.
class ManualTime {
 public:
  absl::Duration now() const { return now_; }
  void Pass(absl::Duration duration) { now_ += duration; }

 private:
  absl::Duration now_;
};

/// A link without faults for tests on one thread: every request takes kRoundTrip.
class ImmediateLink final : public BrokerLink {
 public:
  static constexpr absl::Duration kRoundTrip = absl::Microseconds(400);

  explicit ImmediateLink(ManualTime& time) : time_(time) {}
  BrokerAnswer Do(BrokerCall call) override;
  void Send(BrokerCall call, std::function<void(const BrokerAnswer&)> done) override {
    done(Do(std::move(call)));
  }
  /// The answer of the next request is lost, and so it is sent a second time.
  void LoseNextAnswer() { lose_next_ = true; }

 private:
  ManualTime& time_;
  bool lose_next_ = false;
};

}  // namespace weir::sim
