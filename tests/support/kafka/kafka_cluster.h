#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "tests/support/kafka/topic_client.h"

namespace weir {

struct KafkaClusterOptions {
  int brokers = 1;
  /// Lines for server.properties; they override the fixture's (kafka_server.sh).
  std::map<std::string, std::string> broker_config;
  /// Where the brokers listen, and what is put before each command that starts them: "nsenter",
  /// "--net=...". They have to be reached from here, too.
  std::string host = "127.0.0.1";
  std::vector<std::string> command_prefix;
};

enum class KafkaIsolation { kReadCommitted, kReadUncommitted };

struct KafkaReadOptions {
  /// Stop after this many records; 0: no such limit.
  int64_t count = 0;
  /// Stop when nothing came for so long (Java's consumer needs about 1 s to join at first).
  absl::Duration quiet = absl::Seconds(5);
  KafkaIsolation isolation = KafkaIsolation::kReadCommitted;
  bool headers = false;
};

/// Real Apache Kafka for tests, on 127.0.0.1 unless told otherwise: KRaft, one JVM per broker, a
/// folder below the temporary directory, free ports. Started by tests/support/kafka/kafka_server.sh
/// from the jars that fetch_kafka.sh fetched. Broker 1 is also the only controller: while it is
/// down the others serve what they lead, and nothing moves. Topics have min(brokers, 3) replicas by
/// default.
///
/// Life cycle: Start waits until all brokers are up (about 1 s each); the destructor stops them and
/// removes the folder, except after KeepFiles. Should this program be killed, a watchdog kills the
/// brokers.
/// Threads: one at a time.
/// Errors: UNAVAILABLE when a broker does not come up, with the end of its log.
class KafkaCluster {
 public:
  static absl::StatusOr<std::unique_ptr<KafkaCluster>> Start(const KafkaClusterOptions& options);

  KafkaCluster(const KafkaCluster&) = delete;
  KafkaCluster& operator=(const KafkaCluster&) = delete;
  ~KafkaCluster();

  /// "127.0.0.1:port,..." in the order of the brokers; stays the same over restarts.
  const std::string& bootstrap_servers() const { return bootstrap_servers_; }

  absl::Status CreateTopic(const std::string& topic, int partitions);
  absl::Status Produce(const std::string& topic, const std::vector<KafkaTestRecord>& records);
  /// As retention does: the partition begins at this offset from now on.
  absl::Status DeleteRecordsBefore(const std::string& topic, int32_t partition, int64_t offset);
  absl::StatusOr<std::map<int32_t, int64_t>> EndOffsets(const std::string& topic);

  /// Reads from the beginning with Java's console consumer, which shares no code with what it
  /// checks. Within a partition the records are in order. Fewer than `count` is no error here: it
  /// is what the caller compares.
  absl::StatusOr<std::vector<KafkaTestRecord>> ConsumeAll(const std::string& topic,
                                                          const KafkaReadOptions& options);

  /// Runs a tool of kafka_tool.sh against this cluster and returns its standard output.
  absl::StatusOr<std::string> RunTool(const std::string& tool,
                                      const std::vector<std::string>& arguments);

  /// SIGKILL, and waits until it is gone. Brokers are counted from 1.
  absl::Status KillBroker(int broker);
  /// SIGSTOP: the broker answers nobody, and goes on where it was after ContinueBroker.
  absl::Status FreezeBroker(int broker);
  absl::Status ContinueBroker(int broker);
  /// Starts a killed broker with its port and data; returns when it serves.
  absl::Status RestartBroker(int broker);

  /// Keeps the folder (broker logs and data) when the cluster goes.
  void KeepFiles() { keep_files_ = true; }
  const std::string& folder() const { return folder_; }
  int brokers() const { return brokers_; }

 private:
  absl::StatusOr<pid_t> PidOfBroker(int broker) const;
  KafkaCluster(std::string folder, const KafkaClusterOptions& options)
      : folder_(std::move(folder)),
        brokers_(options.brokers),
        command_prefix_(options.command_prefix) {}
  std::vector<std::string> ServerCommand(const std::string& verb) const;

  std::string folder_;
  int brokers_;
  std::vector<std::string> command_prefix_;
  bool keep_files_ = false;
  std::string bootstrap_servers_;
  std::unique_ptr<TopicClient> client_;
};

/// Are the jars in the cache? Looks only; nothing is fetched.
bool KafkaIsFetched();

}  // namespace weir
