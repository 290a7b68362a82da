// How long a record takes through a job: writes flights into its input topic at a steady rate and
// reads its output topic, read_committed. The time of a record is that from just before it is
// handed to the producer to its arrival at the reader, both by this process's clock; records are
// told by their ids. Starts when a first record has come through, and ends when every late flight
// has come out; prints one line of JSON.
//
//   bench_latency --brokers=B --input=T --output=T --rate=N --seconds=S --skip-seconds=S
//
// The flights' CSV comes on stdin. The first seconds of the stream are not counted.
#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "tests/bench/bench_client.h"
#include "tests/bench/flight_rows.h"

namespace {

using SteadyClock = std::chrono::steady_clock;
using weir::bench::Argument;
using weir::bench::Die;
using weir::bench::MakeClient;
using weir::bench::MakeReader;

constexpr int kMinutesOfADelay = 15;
constexpr auto kTick = std::chrono::milliseconds(5);

bool IsLate(const FlightRow& row) {
  const size_t at = row.rest.find("\"delay\":");
  return std::atoi(row.rest.c_str() + at + 8) >= kMinutesOfADelay;
}

/// The stream: what is sent when. Written by the feeder before a record is sent, read behind it.
struct Stream {
  std::vector<FlightRow> rows;
  int64_t events = 0;
  std::vector<SteadyClock::time_point> sent;  // by id

  const FlightRow& Row(int64_t id) const { return rows[static_cast<size_t>(id - 1) % rows.size()]; }
};

class Feeder {
 public:
  Feeder(const std::string& brokers, const std::string& topic)
      : producer_(MakeClient(RD_KAFKA_PRODUCER, {{"bootstrap.servers", brokers},
                                                 {"linger.ms", "1"},
                                                 {"queue.buffering.max.messages", "1000000"},
                                                 {"partitioner", "murmur2_random"}})),
        topic_(topic) {}
  ~Feeder() { rd_kafka_destroy(producer_); }
  Feeder(const Feeder&) = delete;
  Feeder& operator=(const Feeder&) = delete;

  void Send(const FlightRow& row, int64_t id) {
    const std::string value = row.Value(id);
    const rd_kafka_resp_err_t error = rd_kafka_producev(
        producer_, RD_KAFKA_V_TOPIC(topic_.c_str()), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
        RD_KAFKA_V_KEY(row.origin.data(), row.origin.size()),
        RD_KAFKA_V_VALUE(const_cast<char*>(value.data()), value.size()), RD_KAFKA_V_END);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) Die(rd_kafka_err2str(error));
  }
  void Flush() {
    if (rd_kafka_flush(producer_, 60000) != RD_KAFKA_RESP_ERR_NO_ERROR) Die("not delivered");
  }
  void Run(int64_t rate, Stream& stream) {
    const auto began = SteadyClock::now();
    int64_t id = 1;
    while (id <= stream.events) {
      const std::chrono::duration<double> since = SteadyClock::now() - began;
      const auto due =
          std::min(stream.events, static_cast<int64_t>(since.count() * static_cast<double>(rate)));
      for (; id <= due; ++id) {
        stream.sent[static_cast<size_t>(id)] = SteadyClock::now();
        Send(stream.Row(id), id);
      }
      rd_kafka_poll(producer_, static_cast<int>(kTick.count()));
    }
    Flush();
  }

 private:
  rd_kafka_t* producer_;
  const std::string topic_;
};

/// {"id":17,... -> 17
int64_t IdOf(const rd_kafka_message_t& message) {
  constexpr std::string_view kStart = "{\"id\":";
  const std::string_view value(static_cast<const char*>(message.payload), message.len);
  if (value.substr(0, kStart.size()) != kStart) Die("a record without an id in front");
  return std::atoll(std::string(value.substr(kStart.size(), 20)).c_str());
}

/// Ids behind the stream's tell that the job works.
void AwaitFirst(rd_kafka_t* reader, Feeder& feeder, const Stream& stream) {
  int64_t late = 1;
  while (!IsLate(stream.Row(late))) ++late;
  for (int64_t id = stream.events + 1;; ++id) {
    feeder.Send(stream.Row(late), id);
    feeder.Flush();
    rd_kafka_message_t* message = rd_kafka_consumer_poll(reader, 100);
    if (message == nullptr) continue;
    rd_kafka_message_destroy(message);
    return;
  }
}

/// Milliseconds, of those with an id above `skipped`.
std::vector<double> Read(rd_kafka_t* reader, const Stream& stream, int64_t skipped) {
  int64_t expected = 0;
  for (int64_t id = 1; id <= stream.events; ++id) expected += IsLate(stream.Row(id)) ? 1 : 0;
  std::vector<double> milliseconds;
  std::set<int64_t> seen;
  while (static_cast<int64_t>(seen.size()) < expected) {
    rd_kafka_message_t* message = rd_kafka_consumer_poll(reader, 1000);
    const auto now = SteadyClock::now();
    if (message == nullptr) continue;
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) Die(rd_kafka_message_errstr(message));
    const int64_t id = IdOf(*message);
    rd_kafka_message_destroy(message);
    if (id > stream.events) continue;
    if (id < 1) Die("an id that was never sent");
    if (!seen.insert(id).second) Die("record " + std::to_string(id) + " came twice");
    const std::chrono::duration<double, std::milli> took =
        now - stream.sent[static_cast<size_t>(id)];
    if (id > skipped) milliseconds.push_back(took.count());
  }
  return milliseconds;
}

double Percentile(const std::vector<double>& sorted, double share) {
  return sorted[static_cast<size_t>(share * static_cast<double>(sorted.size() - 1))];
}

}  // namespace

int main(int argc, char** argv) {
  const std::string brokers = Argument(argc, argv, "brokers");
  const int64_t rate = std::atoll(Argument(argc, argv, "rate").c_str());
  Stream stream;
  auto rows = ReadFlightRows(std::cin);
  if (!rows.has_value()) Die("stdin is not the flights as CSV");
  stream.rows = *std::move(rows);
  stream.events = rate * std::atoll(Argument(argc, argv, "seconds").c_str());
  stream.sent.resize(static_cast<size_t>(stream.events) + 1);
  rd_kafka_t* reader = MakeReader(brokers, Argument(argc, argv, "output"));
  Feeder feeder(brokers, Argument(argc, argv, "input"));
  AwaitFirst(reader, feeder, stream);
  std::thread feeding([&] { feeder.Run(rate, stream); });
  const int64_t skipped = rate * std::atoll(Argument(argc, argv, "skip-seconds").c_str());
  std::vector<double> milliseconds = Read(reader, stream, skipped);
  feeding.join();
  rd_kafka_consumer_close(reader);
  rd_kafka_destroy(reader);
  if (milliseconds.empty()) Die("all records are within the seconds that are skipped");
  std::sort(milliseconds.begin(), milliseconds.end());
  std::printf("{\"records\": %zu, \"p50_ms\": %.2f, \"p99_ms\": %.2f, \"max_ms\": %.2f}\n",
              milliseconds.size(), Percentile(milliseconds, 0.5), Percentile(milliseconds, 0.99),
              milliseconds.back());
}
