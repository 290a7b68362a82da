// What a commit costs when transactional handles are used again, and when each transaction gets a
// producer of its own: docs/adr/0004-reuse-of-transactional-handles.md. Three ids take turns, as
// the slots of a writer do. Each transaction holds ten small records; the times are from begin
// (fresh: from making the handle) to the commit's answer, and for fresh ones to the end of the
// handle, too. Prints one line of JSON.
//
//   bench_handles --brokers=B --topic=T --commits=N --mode=reuse|fresh
#include <librdkafka/rdkafka.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "tests/bench/bench_client.h"

namespace {

using SteadyClock = std::chrono::steady_clock;
using weir::bench::Argument;
using weir::bench::Die;
using weir::bench::MakeClient;
using weir::bench::PartitionsOf;

constexpr int kTimeoutMs = 60000;
constexpr int kRecords = 10;
constexpr int kIds = 3;
constexpr int kWarmUps = 6;

void Check(rd_kafka_error_t* error) {
  if (error != nullptr) Die(rd_kafka_error_string(error));
}

/// A transactional handle, ready for its first transaction.
class Handle {
 public:
  Handle(const std::string& brokers, const std::string& topic, const std::string& id)
      : client_(MakeClient(RD_KAFKA_PRODUCER, {{"bootstrap.servers", brokers},
                                               {"transactional.id", id},
                                               {"linger.ms", "0"},
                                               {"retry.backoff.ms", "20"}})) {
    Check(rd_kafka_init_transactions(client_, kTimeoutMs));
    topic_ = rd_kafka_topic_new(client_, topic.c_str(), nullptr);
    // Known before the first record, which would wait a second for it otherwise.
    PartitionsOf(client_, topic);
  }
  ~Handle() {
    rd_kafka_topic_destroy(topic_);
    rd_kafka_destroy(client_);
  }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

  void RunTransaction() {
    Check(rd_kafka_begin_transaction(client_));
    char value[] = "0123456789012345678901234567890123456789";
    for (int i = 0; i < kRecords; ++i) {
      if (rd_kafka_produce(topic_, 0, RD_KAFKA_MSG_F_COPY, value, sizeof(value), nullptr, 0,
                           nullptr) != 0) {
        Die(rd_kafka_err2str(rd_kafka_last_error()));
      }
    }
    if (rd_kafka_flush(client_, kTimeoutMs) != RD_KAFKA_RESP_ERR_NO_ERROR) Die("flush");
    Check(rd_kafka_commit_transaction(client_, kTimeoutMs));
  }

 private:
  rd_kafka_t* client_;
  rd_kafka_topic_t* topic_;
};

double CpuMilliseconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto milliseconds = [](const timeval& time) {
    return 1e3 * static_cast<double>(time.tv_sec) + 1e-3 * static_cast<double>(time.tv_usec);
  };
  return milliseconds(usage.ru_utime) + milliseconds(usage.ru_stime);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string brokers = Argument(argc, argv, "brokers");
  const std::string topic = Argument(argc, argv, "topic");
  const std::string mode = Argument(argc, argv, "mode");
  const int commits = std::atoi(Argument(argc, argv, "commits").c_str());
  if ((mode != "reuse" && mode != "fresh") || commits < 1) Die("--mode=reuse or fresh");
  const std::string id = "bench-" + mode + "-" + std::to_string(getpid()) + "-";
  std::vector<double> milliseconds;
  double cpu = 0;
  const auto measure = [&](int commit, const auto& run) {
    const auto began = SteadyClock::now();
    const double cpu_before = CpuMilliseconds();
    run();
    if (commit < kWarmUps) return;
    const std::chrono::duration<double, std::milli> took = SteadyClock::now() - began;
    milliseconds.push_back(took.count());
    cpu += CpuMilliseconds() - cpu_before;
  };
  if (mode == "reuse") {
    std::vector<std::unique_ptr<Handle>> handles;
    for (int i = 0; i < kIds; ++i) {
      handles.push_back(std::make_unique<Handle>(brokers, topic, id + std::to_string(i)));
    }
    for (int i = 0; i < commits + kWarmUps; ++i) {
      measure(i, [&] { handles[static_cast<size_t>(i) % kIds]->RunTransaction(); });
    }
  } else {
    for (int i = 0; i < commits + kWarmUps; ++i) {
      measure(i, [&] { Handle(brokers, topic, id + std::to_string(i % kIds)).RunTransaction(); });
    }
  }
  std::sort(milliseconds.begin(), milliseconds.end());
  std::printf("{\"p50_ms\": %.3f, \"p99_ms\": %.3f, \"cpu_ms\": %.3f}\n",
              milliseconds[milliseconds.size() / 2], milliseconds[milliseconds.size() * 99 / 100],
              cpu / commits);
}
