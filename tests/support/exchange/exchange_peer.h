#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

#include "common/base/check.h"
#include "common/exec/mutex.h"
#include "common/exec/thread_executor.h"
#include "common/time/system_clock.h"
#include "taskmanager/exchange/exchange_endpoint.h"
#include "taskmanager/exchange/grpc_exchange_transport.h"

namespace weir::taskmanager {

/// Lets a thread of a test wait for what other threads do.
class Waiter {
 public:
  /// Changes something that `Until` looks at.
  void Do(const std::function<void()>& change) {
    MutexLock lock(mutex_);
    change();
    changed_.SignalAll();
  }
  /// False when patience ends.
  bool Until(const std::function<bool()>& condition, absl::Duration patience = absl::Seconds(20)) {
    const SystemClock clock;
    const absl::Duration end = clock.Monotonic() + patience;
    MutexLock lock(mutex_);
    while (!condition()) {
      const absl::Duration left = end - clock.Monotonic();
      if (left <= absl::ZeroDuration()) return false;
      changed_.WaitFor(mutex_, left);
    }
    return true;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
};

inline constexpr char kSecret[] = "sesame";

/// A worker's exchange over real gRPC, with an executor of its own, used from a test's thread.
class ExchangePeer {
 public:
  enum class Tls { kOff, kOn };
  ExchangePeer(std::string name, const std::string& address, Tls tls = Tls::kOff,
               const GrpcWindows& windows = {})
      : executor_({.name = name}) {
    GrpcExchangeTransportOptions transport;
    transport.addresses = {address};
    transport.secret = kSecret;
    transport.windows = windows;
    if (tls == Tls::kOn) {
      auto made = MakeSelfSignedCertificate(GrpcChannelFactory::kPinnedName, absl::Now());
      WEIR_CHECK(made.ok()) << made.status().message();
      certificate_ = made->certificate;
      transport.certificate = *std::move(made);
    }
    auto created = GrpcExchangeTransport::Create(std::move(transport));
    WEIR_CHECK(created.ok()) << created.status().message();
    transport_ = *std::move(created);
    Run([&] {
      endpoint_ =
          std::make_unique<ExchangeEndpoint>(executor_, *transport_, WorkerId(std::move(name)));
    });
  }
  ~ExchangePeer() {
    Run([this] { endpoint_ = nullptr; });
    transport_ = nullptr;
    executor_.Shutdown();
  }
  ExchangePeer(const ExchangePeer&) = delete;
  ExchangePeer& operator=(const ExchangePeer&) = delete;

  ExchangeAddress address() const { return {transport_->addresses()[0], kSecret, certificate_}; }

  absl::Status Open(const ExchangePlan& plan) {
    absl::Status status;
    waiter_.Do([this] { ready_ = false; });
    Run([&] {
      status = endpoint_->Open(
          plan, {.on_ready = [this] { waiter_.Do([this] { ready_ = true; }); },
                 .on_broken =
                     [this](const WorkerId& peer, const absl::Status& why) {
                       waiter_.Do([&] {
                         broken_.push_back(absl::StrCat(peer.value(), ": ", why.ToString()));
                       });
                     }});
    });
    return status;
  }
  void Close() {
    Run([this] { endpoint_->Close(); });
  }
  bool AwaitReady() {
    return waiter_.Until([this] { return ready_; });
  }
  /// What was reported, once something was.
  std::vector<std::string> AwaitBroken() {
    std::vector<std::string> broken;
    waiter_.Until([&] {
      broken = broken_;
      return !broken_.empty();
    });
    return broken;
  }
  std::shared_ptr<ChannelOutput> Output(const ChannelId& id) {
    std::shared_ptr<ChannelOutput> output;
    Run([&] { output = endpoint_->Output(id); });
    return output;
  }
  std::shared_ptr<ChannelInput> Input(const ChannelId& id) {
    std::shared_ptr<ChannelInput> input;
    Run([&] { input = endpoint_->Input(id); });
    return input;
  }
  const ExchangeCounters& counters() const { return endpoint_->counters(); }
  /// Runs `closure` on the executor and returns when it has run.
  void Run(const std::function<void()>& closure) {
    bool done = false;
    executor_.Post([&] {
      closure();
      waiter_.Do([&] { done = true; });
    });
    WEIR_CHECK(waiter_.Until([&] { return done; }, absl::Seconds(60)));
  }
  const ExchangeEndpoint& endpoint() const { return *endpoint_; }

 private:
  std::string certificate_;
  Waiter waiter_;
  bool ready_ = false;               // under waiter_
  std::vector<std::string> broken_;  // under waiter_
  ThreadExecutor executor_;
  std::unique_ptr<GrpcExchangeTransport> transport_;
  std::unique_ptr<ExchangeEndpoint> endpoint_;  // on executor_
};

}  // namespace weir::taskmanager
