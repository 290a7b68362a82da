#pragma once

#include <functional>
#include <memory>

#include "common/exec/retry_wait.h"
#include "tests/sim/broker/broker_link.h"
#include "tests/sim/sim_brokers.h"
#include "tests/sim/sim_process.h"
#include "tests/sim/sim_threads.h"

namespace weir::sim {

/// The way between one process and the brokers in virtual time: requests take a while, get lost,
/// arrive late or are executed without anybody hearing of it. A process that is killed between two
/// requests has sent the first and not the second; the one on its way may still be executed. A
/// paused process gets its answer when it goes on.
///
/// Threads: Do within a work of SimThreads; Send from everywhere. Outlived by the process.
class SimBrokerLink final : public BrokerLink {
 public:
  SimBrokerLink(SimProcess& process, SimThreads& threads, SimBrokers& brokers);

  BrokerAnswer Do(BrokerCall call) override;
  void Send(BrokerCall call, std::function<void(const BrokerAnswer&)> done) override;

 private:
  struct Attempts;  // one call and how far it is
  using AttemptsPtr = std::shared_ptr<Attempts>;

  void Start(BrokerCall call, std::function<void(const BrokerAnswer&)> done);
  void Try(const AttemptsPtr& attempts);
  void Leave(const AttemptsPtr& attempts);
  void Answered(const AttemptsPtr& attempts, bool tried_again);
  void End(const AttemptsPtr& attempts, absl::Status status);
  absl::Duration Way() {
    return absl::Microseconds(Between(random_, 60, Chance(random_, 20) ? 40'000 : 1'200));
  }

  SimProcess& process_;
  SimThreads& threads_;
  SimBrokers& brokers_;
  SeededRandom random_;
};

/// Waits in virtual time.
class SimRetryWait final : public RetryWait {
 public:
  explicit SimRetryWait(BrokerLink& link) : link_(link) {}
  bool Wait(absl::Duration duration) override;
  void Cancel() override { cancelled_ = true; }

 private:
  BrokerLink& link_;
  bool cancelled_ = false;
};

}  // namespace weir::sim
