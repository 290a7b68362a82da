// What a benchmark needs of a topic, without a JVM on the measured machine:
//
//   bench_topic load --brokers=B --topic=T --events=N --days=D
//                                                       CSV of flights on stdin, repeated up to N,
//                                                       as JSON with ids from 1, keyed by origin;
//                                                       each time D days later, and, if D is not 0,
//                                                       one long after them in each partition
//   bench_topic watch --brokers=B --topic=T --until=N   prints the number of records now and then,
//                                                       ends when N are there
//   bench_topic digest --brokers=B --topic=T --until=N  reads what is committed until N records
//                                                       have come, and on to the end: "records M
//                                                       digest X"; in whatever order they come
#include <librdkafka/rdkafka.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/bench/bench_client.h"
#include "tests/bench/flight_rows.h"

namespace {

using weir::bench::Argument;
using weir::bench::Die;
using weir::bench::MakeClient;
using weir::bench::MakeReader;
using weir::bench::PartitionsOf;

/// "2001-01-01 00:05", so many days later.
std::string Later(const std::string& date, int64_t days) {
  if (days == 0) return date;
  const auto number = [&](size_t at, size_t digits) { return std::stoi(date.substr(at, digits)); };
  const std::chrono::sys_days day{std::chrono::year(number(0, 4)) /
                                  static_cast<unsigned>(number(5, 2)) / number(8, 2)};
  const std::chrono::year_month_day later{day + std::chrono::days(days)};
  char text[32];
  std::snprintf(text, sizeof(text), "%04d-%02u-%02u", static_cast<int>(later.year()),
                static_cast<unsigned>(later.month()), static_cast<unsigned>(later.day()));
  return text + date.substr(10);
}

/// Writes flights to a topic.
class Loader {
 public:
  Loader(const std::string& brokers, std::string topic)
      : topic_(std::move(topic)),
        producer_(MakeClient(RD_KAFKA_PRODUCER, {{"bootstrap.servers", brokers},
                                                 {"linger.ms", "20"},
                                                 {"queue.buffering.max.messages", "1000000"},
                                                 {"partitioner", "murmur2_random"}})) {}
  ~Loader() {
    if (rd_kafka_flush(producer_, 60000) != RD_KAFKA_RESP_ERR_NO_ERROR) {
      Die("not all was delivered");
    }
    rd_kafka_destroy(producer_);
  }

  void Write(const std::string& key, const std::string& value, int32_t partition) {
    for (;;) {
      const rd_kafka_resp_err_t error = rd_kafka_producev(
          producer_, RD_KAFKA_V_TOPIC(topic_.c_str()), RD_KAFKA_V_PARTITION(partition),
          RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_KEY(key.data(), key.size()),
          RD_KAFKA_V_VALUE(const_cast<char*>(value.data()), value.size()), RD_KAFKA_V_END);
      if (error == RD_KAFKA_RESP_ERR_NO_ERROR) break;
      if (error != RD_KAFKA_RESP_ERR__QUEUE_FULL) Die(rd_kafka_err2str(error));
      rd_kafka_poll(producer_, 100);
    }
    if (++written_ % 1024 == 0) rd_kafka_poll(producer_, 0);
  }
  int partitions() { return PartitionsOf(producer_, topic_); }

 private:
  const std::string topic_;
  rd_kafka_t* const producer_;
  int64_t written_ = 0;
};

void Load(const std::string& brokers, const std::string& topic, int64_t events, int64_t days) {
  const auto flights = ReadFlightRows(std::cin);
  if (!flights.has_value()) Die("stdin is not the flights as CSV");
  const std::vector<FlightRow>& rows = *flights;
  Loader loader(brokers, topic);
  const auto count = static_cast<int64_t>(rows.size());
  for (int64_t id = 1; id <= events; ++id) {
    const FlightRow& row = rows[static_cast<size_t>((id - 1) % count)];
    loader.Write(row.origin, row.Value(id, Later(row.date, (id - 1) / count * days)),
                 RD_KAFKA_PARTITION_UA);
  }
  // Long after all others: with it the time of the partition comes to the end of every window.
  const std::string last = Later(rows.back().date, (events / count + 2) * days);
  for (int i = 0; days > 0 && i < loader.partitions(); ++i) {
    loader.Write("ZZZ",
                 "{\"id\":0,\"date\":\"" + last +
                     "\",\"delay\":0,\"distance\":0,\"origin\":\"ZZZ\",\"destination\":\"ZZZ\"}",
                 i);
  }
  std::printf("loaded %lld\n", static_cast<long long>(events));
}

int64_t EndOf(rd_kafka_t* client, const std::string& topic, int partition) {
  int64_t low = 0;
  int64_t high = 0;
  rd_kafka_resp_err_t error = RD_KAFKA_RESP_ERR_NO_ERROR;
  // The leaders of a topic that was just created need a moment.
  for (int attempt = 0; attempt < 100; ++attempt) {
    error = rd_kafka_query_watermark_offsets(client, topic.c_str(), partition, &low, &high, 10000);
    if (error != RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION &&
        error != RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) {
      break;
    }
    rd_kafka_poll(client, 100);
  }
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) Die(rd_kafka_err2str(error));
  return high;
}

void Watch(const std::string& brokers, const std::string& topic, int64_t until) {
  rd_kafka_t* client = MakeClient(RD_KAFKA_CONSUMER, {{"bootstrap.servers", brokers}});
  const int partitions = PartitionsOf(client, topic);
  int64_t last = -1;
  while (last < until) {
    int64_t records = 0;
    for (int i = 0; i < partitions; ++i) records += EndOf(client, topic, i);
    if (records != last) {
      std::printf("%lld\n", static_cast<long long>(records));
      std::fflush(stdout);
    }
    last = records;
    // Waits: nothing is assigned, so nothing can come.
    if (last < until) rd_kafka_poll(client, 50);
  }
  rd_kafka_destroy(client);
}

uint64_t Fnv(uint64_t hash, const void* data, size_t size) {
  for (size_t i = 0; i < size; ++i) {
    hash = (hash ^ static_cast<const unsigned char*>(data)[i]) * 1099511628211u;
  }
  return hash;
}

void Digest(const std::string& brokers, const std::string& topic, int64_t until) {
  rd_kafka_t* client = MakeReader(brokers, topic, {{"enable.partition.eof", "true"}});
  const int partitions = PartitionsOf(client, topic);
  int64_t records = 0;
  uint64_t digest = 0;
  std::set<int32_t> at_end;
  while (records < until || at_end.size() < static_cast<size_t>(partitions)) {
    rd_kafka_message_t* message = rd_kafka_consumer_poll(client, 1000);
    if (message == nullptr) continue;
    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
      at_end.insert(message->partition);
    } else if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
      Die(rd_kafka_message_errstr(message));
    } else {
      uint64_t hash = Fnv(14695981039346656037u, message->key, message->key_len);
      hash = Fnv(Fnv(hash, "\t", 1), message->payload, message->len);
      digest += hash;
      ++records;
      at_end.erase(message->partition);
    }
    rd_kafka_message_destroy(message);
  }
  std::printf("records %lld digest %016llx\n", static_cast<long long>(records),
              static_cast<unsigned long long>(digest));
  rd_kafka_consumer_close(client);
  rd_kafka_destroy(client);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string verb = argc > 1 ? argv[1] : "";
  if (verb != "load" && verb != "watch" && verb != "digest") Die("load, watch or digest");
  const std::string brokers = Argument(argc, argv, "brokers");
  const std::string topic = Argument(argc, argv, "topic");
  if (verb == "load") {
    Load(brokers, topic, std::atoll(Argument(argc, argv, "events").c_str()),
         std::atoll(Argument(argc, argv, "days").c_str()));
  }
  if (verb == "watch") Watch(brokers, topic, std::atoll(Argument(argc, argv, "until").c_str()));
  if (verb == "digest") Digest(brokers, topic, std::atoll(Argument(argc, argv, "until").c_str()));
}
