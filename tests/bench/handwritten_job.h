#pragma once

#include <librdkafka/rdkafka.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

/// What the hand-written programs of `./dev bench` have in common: one thread and librdkafka, as
/// fast as is reasonable by hand. Messages are consumed in batches, values are written into one
/// block per batch and produced without a copy. At least once: offsets are committed behind a
/// flush. Exactly once: in the transaction that holds the records, one after the other by one
/// producer, which waits for each commit.
///
/// Threads: one. Errors: a message on stderr, and the program ends.
class HandwrittenJob {
 public:
  struct Settings {
    std::string brokers;
    std::string input;
    std::string output;
    bool exactly_once = false;
    std::chrono::milliseconds interval{};  // between commits
    std::string linger_ms = "5";           // of the producer
  };
  /// --brokers=HOST:PORT --input=TOPIC --output=TOPIC
  /// --delivery=at-least-once|exactly-once --interval-ms=N
  static Settings SettingsOf(int argc, char** argv);

  explicit HandwrittenJob(const Settings& settings);
  virtual ~HandwrittenJob();
  /// Until SIGTERM.
  void Run();

 protected:
  /// The values of one batch; freed when the last of them is delivered.
  struct Block {
    std::unique_ptr<char[]> bytes;
    size_t undelivered = 0;
  };
  using Messages = std::vector<rd_kafka_message_t*>;

  [[noreturn]] static void Die(const std::string& what);
  /// Of the input.
  size_t partitions() const { return partitions_; }
  /// The first `count`; calls Produce at most once.
  virtual void Process(const Messages& in, size_t count) = 0;
  /// `out` refers to the block, which is given away.
  void Produce(std::vector<rd_kafka_message_t>& out, std::unique_ptr<Block> block);

  static char* Put(char* to, std::string_view text);
  static char* Put(char* to, int64_t number);
  /// The text in quotes, escaped where JSON wants it.
  static char* PutQuoted(char* to, std::string_view text);

 private:
  static void OnDelivery(rd_kafka_t*, const rd_kafka_message_t* message, void*);
  void AssignFromTheBeginning(const std::string& topic);
  void FlushAndCommit();
  void Begin();
  void CommitTransaction(const rd_kafka_topic_partition_list_t* offsets);

  const Settings settings_;
  rd_kafka_t* consumer_;
  rd_kafka_queue_t* queue_;
  rd_kafka_t* producer_;
  rd_kafka_topic_t* topic_;
  size_t partitions_ = 0;
  Messages in_;
  std::map<int32_t, int64_t> next_offsets_;
};
