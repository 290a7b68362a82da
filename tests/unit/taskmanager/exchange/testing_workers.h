#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

#include "taskmanager/exchange/exchange_endpoint.h"
#include "tests/support/exchange/memory_exchange.h"
#include "tests/support/manual_executor.h"
#include "tests/unit/taskmanager/exchange/testing_exchange.h"

namespace weir::taskmanager {

/// Workers "w0", "w1", ... of one job in one thread.
class TestingWorkers {
 public:
  struct Worker {
    std::string name;
    std::unique_ptr<ExchangeTransport> transport;
    std::unique_ptr<ExchangeEndpoint> endpoint;
    bool ready = false;
    std::vector<std::string> broken;  // "w1: UNAVAILABLE: ..."
  };

  explicit TestingWorkers(size_t count, uint64_t seed = 1, ExchangeOptions options = {})
      : network_(seed), options_(std::move(options)) {
    for (size_t i = 0; i < count; ++i) AddWorker(absl::StrCat("w", i));
  }

  Worker& AddWorker(const std::string& name) {
    auto worker = std::make_unique<Worker>();
    worker->name = name;
    worker->transport = network_.MakeTransport(AddressOf(name));
    worker->endpoint =
        std::make_unique<ExchangeEndpoint>(executor_, *worker->transport, WorkerId(name), options_);
    workers_.push_back(std::move(worker));
    return *workers_.back();
  }

  /// A channel from one worker's subtask to another's, in the plans of both.
  void AddChannel(size_t from, size_t to, const ChannelId& id) {
    plans_[from].outputs.push_back(
        {id, WorkerId(workers_[to]->name), {AddressOf(workers_[to]->name), ""}});
    plans_[to].inputs.push_back({id, WorkerId(workers_[from]->name), NumbersSchema()});
  }

  absl::Status Open(size_t index, uint64_t generation) {
    ExchangePlan plan = plans_[index];
    plan.generation = Generation(generation);
    Worker& worker = *workers_[index];
    worker.ready = false;
    return worker.endpoint->Open(
        plan, {.on_ready = [&worker] { worker.ready = true; },
               .on_broken =
                   [&worker](const WorkerId& peer, const absl::Status& why) {
                     worker.broken.push_back(absl::StrCat(peer.value(), ": ", why.ToString()));
                   }});
  }

  /// One thing happens; false when only timers are left.
  bool Step() {
    executor_.RunReady();
    const bool stepped = network_.Step();
    executor_.RunReady();
    return stepped;
  }
  void RunAll() {
    while (Step()) {
    }
  }
  void Advance(absl::Duration duration) {
    for (absl::Duration end = executor_.now() + duration; executor_.now() < end;) {
      executor_.Advance(absl::Milliseconds(10));
      RunAll();
    }
  }

  static std::string AddressOf(const std::string& name) { return absl::StrCat("at-", name); }

  Worker& worker(size_t index) { return *workers_[index]; }
  MemoryExchange& network() { return network_; }
  std::map<size_t, ExchangePlan>& plans() { return plans_; }

 private:
  ManualExecutor executor_;
  MemoryExchange network_;
  const ExchangeOptions options_;
  std::map<size_t, ExchangePlan> plans_;
  std::vector<std::unique_ptr<Worker>> workers_;
};

inline std::string PopAll(ChannelInput& input) {
  std::vector<ChannelElement> elements;
  while (std::optional<ChannelElement> element = input.Pop()) {
    elements.push_back(*std::move(element));
  }
  return TextOf(elements);
}

}  // namespace weir::taskmanager
