// The yardstick of `./dev bench flight_delays`: one thread, librdkafka and simdjson, doing what
// examples/flight_delays does and nothing else, as fast as is reasonable by hand: messages consumed
// in batches, fields read on demand and only as far as needed, values written with to_chars into
// one block per batch, produced without a copy. At least once: offsets are committed behind a
// flush. Exactly once: in the transaction that holds the records, one after the other by one
// producer, which waits for each commit.
//
//   bench_handwritten --brokers=HOST:PORT --input=TOPIC --output=TOPIC
//                     --delivery=at-least-once|exactly-once --interval-ms=N   (until SIGTERM)
#include <librdkafka/rdkafka.h>
#include <signal.h>
#include <simdjson.h>

#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr size_t kMessagesPerBatch = 4096;
constexpr int kPollMs = 100;
constexpr int kTransactionTimeoutMs = 60000;
constexpr size_t kMaxOutputBytes = 1024;  // of one value, without its strings

volatile sig_atomic_t stopping = 0;

[[noreturn]] void Die(const std::string& what) {
  std::fprintf(stderr, "bench_handwritten: %s\n", what.c_str());
  std::exit(1);
}

/// The values of one batch; freed when the last of them is delivered.
struct Block {
  std::unique_ptr<char[]> bytes;
  size_t undelivered = 0;
};

void OnDelivery(rd_kafka_t*, const rd_kafka_message_t* message, void*) {
  if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
    Die(std::string("not delivered: ") + rd_kafka_err2str(message->err));
  }
  auto* block = static_cast<Block*>(message->_private);
  if (--block->undelivered == 0) delete block;
}

rd_kafka_conf_t* MakeConf(const std::map<std::string, std::string>& settings) {
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  char error[512];
  for (const auto& [name, value] : settings) {
    if (rd_kafka_conf_set(conf, name.c_str(), value.c_str(), error, sizeof(error)) !=
        RD_KAFKA_CONF_OK) {
      Die(error);
    }
  }
  return conf;
}

rd_kafka_t* MakeClient(rd_kafka_type_t type, rd_kafka_conf_t* conf) {
  char error[512];
  rd_kafka_t* client = rd_kafka_new(type, conf, error, sizeof(error));
  if (client == nullptr) Die(error);
  return client;
}

char* Put(char* to, std::string_view text) {
  std::memcpy(to, text.data(), text.size());
  return to + text.size();
}

char* Put(char* to, int64_t number) { return std::to_chars(to, to + 20, number).ptr; }

/// The text in quotes, escaped where JSON wants it.
char* PutQuoted(char* to, std::string_view text) {
  *to++ = '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      *to++ = '\\';
      *to++ = c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      to += std::snprintf(to, 7, "\\u%04x", static_cast<unsigned>(c));
    } else {
      *to++ = c;
    }
  }
  *to++ = '"';
  return to;
}

std::string_view DelayClass(int64_t delay) {
  if (delay < 30) return "minor";
  if (delay < 60) return "moderate";
  if (delay < 180) return "major";
  return "severe";
}

class FlightDelays {
 public:
  struct Settings {
    std::string brokers;
    std::string input;
    std::string output;
    bool exactly_once = false;
    std::chrono::milliseconds interval;  // between commits
  };
  explicit FlightDelays(const Settings& settings);
  ~FlightDelays();
  void Run();

 private:
  void AssignFromTheBeginning(const std::string& topic);
  void ProcessBatch(size_t count);
  /// False for flights that are not late enough.
  bool Convert(const rd_kafka_message_t& in, char*& to, rd_kafka_message_t& out);
  void ProduceAll(Block* block);
  void FlushAndCommit();
  void Begin();
  void CommitTransaction(const rd_kafka_topic_partition_list_t* offsets);

  const Settings settings_;
  rd_kafka_t* consumer_;
  rd_kafka_queue_t* queue_;
  rd_kafka_t* producer_;
  rd_kafka_topic_t* topic_;
  simdjson::ondemand::parser parser_;
  std::string padded_;
  std::vector<rd_kafka_message_t*> in_;
  std::vector<rd_kafka_message_t> out_;
  std::map<int32_t, int64_t> next_offsets_;
};

/// Nothing is retried by hand: a benchmark in which a commit fails is none.
void Check(rd_kafka_error_t* error) {
  if (error != nullptr) Die(rd_kafka_error_string(error));
}

FlightDelays::FlightDelays(const Settings& settings) : settings_(settings), in_(kMessagesPerBatch) {
  consumer_ = MakeClient(RD_KAFKA_CONSUMER, MakeConf({{"bootstrap.servers", settings.brokers},
                                                      {"group.id", "bench-handwritten"},
                                                      {"enable.auto.commit", "false"},
                                                      {"enable.auto.offset.store", "false"},
                                                      {"queued.min.messages", "1000000"},
                                                      {"queued.max.messages.kbytes", "65536"},
                                                      {"fetch.wait.max.ms", "50"}}));
  rd_kafka_poll_set_consumer(consumer_);
  queue_ = rd_kafka_queue_get_consumer(consumer_);
  std::map<std::string, std::string> producer = {{"bootstrap.servers", settings.brokers},
                                                 {"acks", "all"},
                                                 {"linger.ms", "5"},
                                                 {"queue.buffering.max.messages", "1000000"},
                                                 {"partitioner", "murmur2_random"}};
  if (settings.exactly_once) {
    producer["transactional.id"] = settings.output;
    producer["transaction.timeout.ms"] = std::to_string(kTransactionTimeoutMs);
    producer["message.timeout.ms"] = std::to_string(kTransactionTimeoutMs);
  }
  rd_kafka_conf_t* conf = MakeConf(producer);
  rd_kafka_conf_set_dr_msg_cb(conf, OnDelivery);
  producer_ = MakeClient(RD_KAFKA_PRODUCER, conf);
  if (settings.exactly_once) Check(rd_kafka_init_transactions(producer_, kTransactionTimeoutMs));
  topic_ = rd_kafka_topic_new(producer_, settings.output.c_str(), nullptr);
  Begin();
  AssignFromTheBeginning(settings.input);
}

FlightDelays::~FlightDelays() {
  FlushAndCommit();
  rd_kafka_topic_destroy(topic_);
  rd_kafka_destroy(producer_);
  rd_kafka_queue_destroy(queue_);
  rd_kafka_consumer_close(consumer_);
  rd_kafka_destroy(consumer_);
}

void FlightDelays::AssignFromTheBeginning(const std::string& topic) {
  rd_kafka_topic_t* handle = rd_kafka_topic_new(consumer_, topic.c_str(), nullptr);
  const rd_kafka_metadata_t* metadata = nullptr;
  if (rd_kafka_metadata(consumer_, 0, handle, &metadata, 10000) != RD_KAFKA_RESP_ERR_NO_ERROR ||
      metadata->topic_cnt != 1 || metadata->topics[0].partition_cnt == 0) {
    Die("no topic " + topic);
  }
  rd_kafka_topic_partition_list_t* list = rd_kafka_topic_partition_list_new(4);
  for (int i = 0; i < metadata->topics[0].partition_cnt; ++i) {
    rd_kafka_topic_partition_list_add(list, topic.c_str(), i)->offset = RD_KAFKA_OFFSET_BEGINNING;
  }
  rd_kafka_assign(consumer_, list);
  rd_kafka_topic_partition_list_destroy(list);
  rd_kafka_metadata_destroy(metadata);
  rd_kafka_topic_destroy(handle);
}

void FlightDelays::Run() {
  auto last_commit = std::chrono::steady_clock::now();
  while (stopping == 0) {
    const ssize_t count = rd_kafka_consume_batch_queue(queue_, kPollMs, in_.data(), in_.size());
    if (count > 0) ProcessBatch(static_cast<size_t>(count));
    rd_kafka_poll(producer_, 0);
    const auto now = std::chrono::steady_clock::now();
    if (now - last_commit >= settings_.interval) {
      FlushAndCommit();
      last_commit = now;
    }
  }
}

void FlightDelays::ProcessBatch(size_t count) {
  size_t bytes = 0;
  for (size_t i = 0; i < count; ++i) bytes += 6 * in_[i]->len + kMaxOutputBytes;
  auto* block = new Block{std::unique_ptr<char[]>(new char[bytes]), 0};
  char* to = block->bytes.get();
  out_.clear();
  for (size_t i = 0; i < count; ++i) {
    const rd_kafka_message_t& in = *in_[i];
    if (in.err != RD_KAFKA_RESP_ERR_NO_ERROR) Die(rd_kafka_message_errstr(&in));
    rd_kafka_message_t out = {};
    if (Convert(in, to, out)) {
      out._private = block;
      out_.push_back(out);
    }
    next_offsets_[in.partition] = in.offset + 1;
  }
  ProduceAll(block);
  for (size_t i = 0; i < count; ++i) rd_kafka_message_destroy(in_[i]);
}

bool FlightDelays::Convert(const rd_kafka_message_t& in, char*& to, rd_kafka_message_t& out) {
  const size_t padded_size = in.len + simdjson::SIMDJSON_PADDING;
  if (padded_.size() < padded_size) padded_.resize(padded_size);
  std::memcpy(padded_.data(), in.payload, in.len);
  simdjson::ondemand::document document;
  int64_t id = 0;
  int64_t delay = 0;
  int64_t distance = 0;
  std::string_view date;
  std::string_view origin;
  std::string_view destination;
  auto error = parser_.iterate(padded_.data(), in.len, padded_.size()).get(document);
  if (!error) error = document["id"].get(id);
  if (!error) error = document["date"].get(date);
  if (!error) error = document["delay"].get(delay);
  if (!error && delay < 15) return false;
  if (!error) error = document["distance"].get(distance);
  if (!error) error = document["origin"].get(origin);
  if (!error) error = document["destination"].get(destination);
  if (error) Die(simdjson::error_message(error));

  char* const begin = to;
  to = Put(Put(to, "{\"id\":"), id);
  to = PutQuoted(Put(to, ",\"date\":"), date);
  to = Put(Put(to, ",\"delay\":"), delay);
  to = Put(Put(to, ",\"distance\":"), distance);
  to = PutQuoted(Put(to, ",\"origin\":"), origin);
  to = PutQuoted(Put(to, ",\"destination\":"), destination);
  to = PutQuoted(Put(to, ",\"delay_class\":"), DelayClass(delay));
  *to++ = '}';
  out.payload = begin;
  out.len = static_cast<size_t>(to - begin);
  // The key is copied by the client; the block keeps it until then.
  out.key = to;
  out.key_len = origin.size();
  to = Put(to, origin);
  return true;
}

void FlightDelays::ProduceAll(Block* block) {
  block->undelivered = out_.size();
  if (out_.empty()) {
    delete block;
    return;
  }
  // What the full queue refuses is tried again when deliveries have made room.
  std::vector<rd_kafka_message_t> left = out_;
  while (!left.empty()) {
    rd_kafka_produce_batch(topic_, RD_KAFKA_PARTITION_UA, 0, left.data(),
                           static_cast<int>(left.size()));
    std::vector<rd_kafka_message_t> refused;
    for (rd_kafka_message_t& message : left) {
      if (message.err == RD_KAFKA_RESP_ERR__QUEUE_FULL) {
        message.err = RD_KAFKA_RESP_ERR_NO_ERROR;
        refused.push_back(message);
      } else if (message.err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        Die(rd_kafka_err2str(message.err));
      }
    }
    left.swap(refused);
    if (!left.empty()) rd_kafka_poll(producer_, kPollMs);
  }
}

void FlightDelays::FlushAndCommit() {
  while (rd_kafka_flush(producer_, 1000) != RD_KAFKA_RESP_ERR_NO_ERROR) {
  }
  if (next_offsets_.empty()) return;
  rd_kafka_topic_partition_list_t* list = rd_kafka_topic_partition_list_new(4);
  for (const auto& [partition, offset] : next_offsets_) {
    rd_kafka_topic_partition_list_add(list, settings_.input.c_str(), partition)->offset = offset;
  }
  if (settings_.exactly_once) {
    CommitTransaction(list);
    Begin();
  } else {
    rd_kafka_commit(consumer_, list, /*async=*/1);
  }
  rd_kafka_topic_partition_list_destroy(list);
  next_offsets_.clear();
}

void FlightDelays::Begin() {
  if (settings_.exactly_once) Check(rd_kafka_begin_transaction(producer_));
}

void FlightDelays::CommitTransaction(const rd_kafka_topic_partition_list_t* offsets) {
  rd_kafka_consumer_group_metadata_t* group = rd_kafka_consumer_group_metadata(consumer_);
  Check(rd_kafka_send_offsets_to_transaction(producer_, offsets, group, kTransactionTimeoutMs));
  rd_kafka_consumer_group_metadata_destroy(group);
  Check(rd_kafka_commit_transaction(producer_, kTransactionTimeoutMs));
}

std::string Argument(int argc, char** argv, const std::string& name) {
  const std::string prefix = "--" + name + "=";
  for (int i = 1; i < argc; ++i) {
    if (std::string_view(argv[i]).substr(0, prefix.size()) == prefix)
      return argv[i] + prefix.size();
  }
  Die(prefix + "... is missing");
}

}  // namespace

int main(int argc, char** argv) {
  signal(SIGTERM, [](int) { stopping = 1; });
  signal(SIGINT, [](int) { stopping = 1; });
  FlightDelays job(
      {Argument(argc, argv, "brokers"), Argument(argc, argv, "input"),
       Argument(argc, argv, "output"), Argument(argc, argv, "delivery") == "exactly-once",
       std::chrono::milliseconds(std::atoi(Argument(argc, argv, "interval-ms").c_str()))});
  job.Run();
}
