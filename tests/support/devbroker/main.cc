// weir-devbroker: librdkafka's mock cluster as a program, for the demo on a machine where Apache
// Kafka cannot be fetched. Topics keep 5 MiB a partition, in memory, and transactions are answered
// but have no meaning: it shows a job running and recovering, never exactly-once delivery.
//
//   weir-devbroker serve --topics=NAME:PARTITIONS,...   prints "bootstrap=HOST:PORT", serves until
//                                                       SIGTERM or SIGINT
//   weir-devbroker produce --brokers=LIST --topic=NAME  standard input, lines of key TAB value;
//                                                       ends when all are acknowledged
//   weir-devbroker consume --brokers=LIST --topic=NAME  from the beginning, on and on, to standard
//                                                       output, as Java's console consumer prints
//                                                       timestamp, partition, offset, key, value
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <signal.h>

#include <array>
#include <cstdint>
#include <iostream>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace weir {
namespace {

using Flags = std::map<std::string, std::string>;
using Settings = std::vector<std::pair<const char*, std::string>>;

constexpr int kTimeoutMs = 20'000;
constexpr int kPollMs = 100;
constexpr size_t kBatchRecords = 1000;
constexpr int64_t kQueuedMessages = 100'000;

absl::Status ToStatus(rd_kafka_resp_err_t error, const std::string& what) {
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat(what, ": ", rd_kafka_err2str(error)));
}

/// A client, or null after a message on stderr.
rd_kafka_t* NewClient(rd_kafka_type_t type, const Settings& settings,
                      void (*on_delivery)(rd_kafka_t*, const rd_kafka_message_t*, void*),
                      void* opaque) {
  std::array<char, 512> error{};
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  for (const auto& [name, value] : settings) {
    if (rd_kafka_conf_set(conf, name, value.c_str(), error.data(), error.size()) !=
        RD_KAFKA_CONF_OK) {
      std::cerr << "weir-devbroker: " << error.data() << "\n";
      rd_kafka_conf_destroy(conf);
      return nullptr;
    }
  }
  if (on_delivery != nullptr) rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
  rd_kafka_conf_set_opaque(conf, opaque);
  rd_kafka_t* client = rd_kafka_new(type, conf, error.data(), error.size());
  if (client == nullptr) {
    std::cerr << "weir-devbroker: " << error.data() << "\n";
    rd_kafka_conf_destroy(conf);
  }
  return client;
}

absl::Status CreateTopics(rd_kafka_mock_cluster_t* cluster, const std::string& topics) {
  for (absl::string_view topic : absl::StrSplit(topics, ',')) {
    const std::vector<std::string> parts = absl::StrSplit(topic, ':');
    int partitions = 0;
    if (parts.size() != 2 || !absl::SimpleAtoi(parts[1], &partitions) || partitions <= 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("--topics takes NAME:PARTITIONS,..., not ", topics));
    }
    const absl::Status created =
        ToStatus(rd_kafka_mock_topic_create(cluster, parts[0].c_str(), partitions, 1),
                 absl::StrCat("cannot create topic ", parts[0]));
    if (!created.ok()) return created;
  }
  return absl::OkStatus();
}

absl::Status Serve(const Flags& flags) {
  // Blocked before librdkafka starts its threads, so that only sigwait sees the signals.
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGTERM);
  sigaddset(&ends, SIGINT);
  sigprocmask(SIG_BLOCK, &ends, nullptr);
  rd_kafka_t* client = NewClient(RD_KAFKA_PRODUCER, {{"log_level", "3"}}, nullptr, nullptr);
  if (client == nullptr) return absl::InternalError("no mock cluster");
  rd_kafka_mock_cluster_t* cluster = rd_kafka_mock_cluster_new(client, 1);
  absl::Status status = CreateTopics(cluster, flags.at("topics"));
  if (status.ok()) {
    std::cout << "bootstrap=" << rd_kafka_mock_cluster_bootstraps(cluster) << std::endl;
    int signal = 0;
    sigwait(&ends, &signal);
  }
  rd_kafka_mock_cluster_destroy(cluster);
  rd_kafka_destroy(client);
  return status;
}

/// Counts what was not acknowledged; the opaque of the producing client.
void CountFailures(rd_kafka_t* /*client*/, const rd_kafka_message_t* message, void* opaque) {
  if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) ++*static_cast<int64_t*>(opaque);
}

absl::Status ProduceLine(rd_kafka_t* client, const std::string& topic, const std::string& line) {
  const size_t tab = line.find('\t');
  if (tab == std::string::npos) return absl::InvalidArgumentError("a line has no TAB");
  char* value = const_cast<char*>(line.data()) + tab + 1;
  while (true) {
    const rd_kafka_resp_err_t error =
        rd_kafka_producev(client, RD_KAFKA_V_TOPIC(topic.c_str()), RD_KAFKA_V_KEY(line.data(), tab),
                          RD_KAFKA_V_VALUE(value, line.size() - tab - 1),
                          RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
    if (error != RD_KAFKA_RESP_ERR__QUEUE_FULL) return ToStatus(error, "cannot produce");
    rd_kafka_poll(client, kPollMs);
  }
}

absl::Status Produce(const Flags& flags) {
  int64_t failures = 0;
  rd_kafka_t* client = NewClient(RD_KAFKA_PRODUCER,
                                 {{"bootstrap.servers", flags.at("brokers")},
                                  {"partitioner", "murmur2_random"},
                                  // The mock hands out one batch a request: few large ones.
                                  {"linger.ms", "20"}},
                                 CountFailures, &failures);
  if (client == nullptr) return absl::InternalError("no producer");
  absl::Status status;
  std::string line;
  while (status.ok() && std::getline(std::cin, line)) {
    status = ProduceLine(client, flags.at("topic"), line);
    rd_kafka_poll(client, 0);
  }
  const absl::Status flushed = ToStatus(rd_kafka_flush(client, kTimeoutMs), "cannot flush");
  rd_kafka_destroy(client);
  if (!status.ok()) return status;
  if (failures > 0) {
    return absl::UnavailableError(absl::StrCat(failures, " records were not acknowledged"));
  }
  return flushed;
}

/// Assigns all partitions of the topic, from their beginning.
absl::Status AssignAll(rd_kafka_t* client, const std::string& topic) {
  rd_kafka_topic_t* handle = rd_kafka_topic_new(client, topic.c_str(), nullptr);
  const rd_kafka_metadata_t* metadata = nullptr;
  absl::Status status = ToStatus(rd_kafka_metadata(client, 0, handle, &metadata, kTimeoutMs),
                                 absl::StrCat("cannot read topic ", topic));
  rd_kafka_topic_destroy(handle);
  if (!status.ok()) return status;
  rd_kafka_topic_partition_list_t* partitions = rd_kafka_topic_partition_list_new(1);
  for (int32_t partition = 0; partition < metadata->topics[0].partition_cnt; ++partition) {
    rd_kafka_topic_partition_list_add(partitions, topic.c_str(), partition)->offset =
        RD_KAFKA_OFFSET_BEGINNING;
  }
  status = ToStatus(metadata->topics[0].err, absl::StrCat("topic ", topic));
  if (status.ok()) status = ToStatus(rd_kafka_assign(client, partitions), "cannot assign");
  rd_kafka_topic_partition_list_destroy(partitions);
  rd_kafka_metadata_destroy(metadata);
  return status;
}

void PrintRecord(const rd_kafka_message_t& record) {
  std::cout << "CreateTime:" << rd_kafka_message_timestamp(&record, nullptr)
            << "\tPartition:" << record.partition << "\tOffset:" << record.offset << '\t';
  auto write = [](const void* bytes, size_t size, char separator) {
    std::cout.write(static_cast<const char*>(bytes), static_cast<std::streamsize>(size));
    std::cout.put(separator);
  };
  write(record.key, record.key_len, '\t');
  write(record.payload, record.len, '\n');
}

absl::Status Consume(const Flags& flags) {
  rd_kafka_t* client = NewClient(RD_KAFKA_CONSUMER,
                                 {{"bootstrap.servers", flags.at("brokers")},
                                  {"group.id", "weir-devbroker"},
                                  {"enable.auto.commit", "false"},
                                  {"queued.min.messages", absl::StrCat(kQueuedMessages)},
                                  {"fetch.wait.max.ms", "20"}},
                                 nullptr, nullptr);
  if (client == nullptr) return absl::InternalError("no consumer");
  absl::Status status = AssignAll(client, flags.at("topic"));
  rd_kafka_queue_t* queue = rd_kafka_queue_get_consumer(client);
  std::vector<rd_kafka_message_t*> records(kBatchRecords);
  // Ends with the reader: by a signal, or when its pipe is closed.
  while (status.ok() && std::cout.good()) {
    const ssize_t count =
        rd_kafka_consume_batch_queue(queue, kPollMs, records.data(), records.size());
    for (ssize_t i = 0; i < count; ++i) {
      if (records[i]->err == RD_KAFKA_RESP_ERR_NO_ERROR) PrintRecord(*records[i]);
      rd_kafka_message_destroy(records[i]);
    }
    if (count > 0) std::cout.flush();
  }
  rd_kafka_queue_destroy(queue);
  rd_kafka_destroy(client);
  return status;
}

int Usage() {
  std::cerr << "Usage: weir-devbroker serve --topics=NAME:PARTITIONS,...\n"
               "       weir-devbroker produce|consume --brokers=LIST --topic=NAME\n";
  return 2;
}

int Run(int argc, char** argv) {
  if (argc < 2) return Usage();
  const std::string verb = argv[1];
  Flags flags;
  for (int i = 2; i < argc; ++i) {
    const std::string argument = argv[i];
    const size_t equals = argument.find('=');
    if (argument.rfind("--", 0) != 0 || equals == std::string::npos) return Usage();
    flags[argument.substr(2, equals - 2)] = argument.substr(equals + 1);
  }
  absl::Status status;
  if (verb == "serve" && flags.count("topics") == 1) {
    status = Serve(flags);
  } else if (flags.count("brokers") == 0 || flags.count("topic") == 0) {
    return Usage();
  } else if (verb == "produce") {
    status = Produce(flags);
  } else if (verb == "consume") {
    status = Consume(flags);
  } else {
    return Usage();
  }
  if (status.ok()) return 0;
  std::cerr << "weir-devbroker: " << std::string(status.message()) << "\n";
  return 1;
}

}  // namespace
}  // namespace weir

int main(int argc, char** argv) {
  std::ios::sync_with_stdio(false);
  return weir::Run(argc, argv);
}
