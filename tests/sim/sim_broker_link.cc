#include "tests/sim/sim_broker_link.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "common/base/check.h"

namespace weir::sim {
namespace {

// How long a client waits for the answer to one request.
constexpr absl::Duration kRequestTimeout = absl::Seconds(2);

}  // namespace

struct SimBrokerLink::Attempts {
  BrokerCall call;
  absl::Duration deadline;
  absl::Duration pause;
  BrokerAnswer answer;
  std::function<void(const BrokerAnswer&)> done;
};

SimBrokerLink::SimBrokerLink(SimProcess& process, SimThreads& threads, SimBrokers& brokers)
    : process_(process),
      threads_(threads),
      brokers_(brokers),
      random_(process.world.Fork(absl::StrCat("link ", process.name))) {}

BrokerAnswer SimBrokerLink::Do(BrokerCall call) {
  BrokerAnswer gone;
  gone.status = absl::CancelledError(absl::StrCat(call.what, ": the process has ended"));
  if (!process_.alive() || threads_.unwinding()) return gone;
  const auto answer = std::make_shared<std::optional<BrokerAnswer>>();
  SimThreads::Work* const work = threads_.Current();
  WEIR_CHECK(work != nullptr) << call.what << ": not on the pool";
  Start(std::move(call), [this, answer, work](const BrokerAnswer& answered) {
    *answer = answered;
    threads_.Resume(work);
  });
  if (!threads_.Wait() || !answer->has_value()) return gone;
  return **answer;
}

void SimBrokerLink::Send(BrokerCall call, std::function<void(const BrokerAnswer&)> done) {
  Start(std::move(call), [this, done = std::move(done)](const BrokerAnswer& answer) {
    if (process_.alive()) done(answer);
  });
}

void SimBrokerLink::Start(BrokerCall call, std::function<void(const BrokerAnswer&)> done) {
  const auto attempts = std::make_shared<Attempts>();
  attempts->pause = call.backoff;
  attempts->deadline = process_.world.now() + call.timeout;
  attempts->call = std::move(call);
  attempts->done = std::move(done);
  Try(attempts);
}

void SimBrokerLink::Try(const AttemptsPtr& attempts) {
  const absl::Duration delay = attempts->call.local ? attempts->pause : Way();
  process_.world.Schedule(delay, [this, attempts] { Leave(attempts); });
}

void SimBrokerLink::Leave(const AttemptsPtr& attempts) {
  SimWorld& world = process_.world;
  // It may have left the process before that died.
  if (!process_.alive() && (attempts->call.local || Chance(random_, 500))) {
    return End(attempts, absl::CancelledError("the process has ended"));
  }
  if (attempts->call.cancelled()) {
    return End(attempts, absl::CancelledError(absl::StrCat(attempts->call.what, ": cancelled")));
  }
  if (attempts->call.local) {
    attempts->answer.error = attempts->call.request();
    return Answered(attempts, IsTriedAgain(attempts->answer.error));
  }
  const SimBrokers::Fate fate = brokers_.DrawFate(attempts->call.what);
  if (fate == SimBrokers::Fate::kAnswered) {
    attempts->answer.error = attempts->call.request();
    world.Schedule(Way(),
                   [this, attempts] { Answered(attempts, IsTriedAgain(attempts->answer.error)); });
    return;
  }
  world.Trace(fate == SimBrokers::Fate::kLate ? "late" : "no answer", process_.name,
              attempts->call.what);
  attempts->answer.error = kafka::KafkaError::kNetworkException;
  ++attempts->answer.unanswered;
  if (fate == SimBrokers::Fate::kAnswerLost) (void)attempts->call.request();
  if (fate == SimBrokers::Fate::kLate) {
    world.Schedule(absl::Milliseconds(Between(random_, 100, 5000)),
                   [this, attempts] { brokers_.ExecuteLate(attempts->call.request); });
    // It may be the last thing that is heard of the process.
    const bool replays = absl::StrContains(attempts->call.what, "~replay'");
    if (Chance(random_, replays ? 900 : 150)) process_.Kill();
  }
  world.Schedule(kRequestTimeout, [this, attempts] { Answered(attempts, true); });
}

void SimBrokerLink::Answered(const AttemptsPtr& attempts, bool tried_again) {
  SimWorld& world = process_.world;
  if (!process_.alive()) return End(attempts, absl::CancelledError("the process has ended"));
  if (process_.paused()) {
    world.Schedule(process_.paused_until() - world.now(),
                   [this, attempts, tried_again] { Answered(attempts, tried_again); });
    return;
  }
  if (!tried_again) return End(attempts, absl::OkStatus());
  if (world.now() + attempts->pause >= attempts->deadline) {
    return End(attempts, absl::DeadlineExceededError(
                             absl::StrCat(attempts->call.what, ": not done within ",
                                          absl::FormatDuration(attempts->call.timeout), "; ",
                                          kafka::KafkaErrorText(attempts->answer.error))));
  }
  const absl::Duration pause = attempts->pause;
  attempts->pause = std::min(pause * 2, attempts->call.max_backoff);
  if (attempts->call.local) return Try(attempts);
  world.Schedule(pause, [this, attempts] { Try(attempts); });
}

void SimBrokerLink::End(const AttemptsPtr& attempts, absl::Status status) {
  attempts->answer.status = std::move(status);
  std::exchange(attempts->done, nullptr)(attempts->answer);
}

bool SimRetryWait::Wait(absl::Duration duration) {
  if (cancelled_) return false;
  BrokerCall call;
  call.what = "pause";
  call.local = true;
  call.backoff = duration;
  call.timeout = duration * 2;
  call.request = [] { return kafka::KafkaError::kNone; };
  return link_.Do(std::move(call)).status.ok() && !cancelled_;
}

}  // namespace weir::sim
