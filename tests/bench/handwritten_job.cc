#include "tests/bench/handwritten_job.h"

#include <signal.h>

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "tests/bench/bench_client.h"

namespace {

constexpr size_t kMessagesPerBatch = 4096;
constexpr int kPollMs = 100;
constexpr int kTransactionTimeoutMs = 60000;

volatile sig_atomic_t stopping = 0;

rd_kafka_conf_t* MakeConf(const std::map<std::string, std::string>& settings) {
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  char error[512];
  for (const auto& [name, value] : settings) {
    if (rd_kafka_conf_set(conf, name.c_str(), value.c_str(), error, sizeof(error)) !=
        RD_KAFKA_CONF_OK) {
      weir::bench::Die(error);
    }
  }
  return conf;
}

rd_kafka_t* MakeClient(rd_kafka_type_t type, rd_kafka_conf_t* conf) {
  char error[512];
  rd_kafka_t* client = rd_kafka_new(type, conf, error, sizeof(error));
  if (client == nullptr) weir::bench::Die(error);
  return client;
}

/// Nothing is retried by hand: a benchmark in which a commit fails is none.
void Check(rd_kafka_error_t* error) {
  if (error != nullptr) weir::bench::Die(rd_kafka_error_string(error));
}

}  // namespace

HandwrittenJob::Settings HandwrittenJob::SettingsOf(int argc, char** argv) {
  using weir::bench::Argument;
  return {Argument(argc, argv, "brokers"), Argument(argc, argv, "input"),
          Argument(argc, argv, "output"), Argument(argc, argv, "delivery") == "exactly-once",
          std::chrono::milliseconds(std::atoi(Argument(argc, argv, "interval-ms").c_str()))};
}

void HandwrittenJob::Die(const std::string& what) { weir::bench::Die(what); }

HandwrittenJob::HandwrittenJob(const Settings& settings)
    : settings_(settings), in_(kMessagesPerBatch) {
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
                                                 {"linger.ms", settings.linger_ms},
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

HandwrittenJob::~HandwrittenJob() {
  FlushAndCommit();
  rd_kafka_topic_destroy(topic_);
  rd_kafka_destroy(producer_);
  rd_kafka_queue_destroy(queue_);
  rd_kafka_consumer_close(consumer_);
  rd_kafka_destroy(consumer_);
}

void HandwrittenJob::AssignFromTheBeginning(const std::string& topic) {
  rd_kafka_topic_t* handle = rd_kafka_topic_new(consumer_, topic.c_str(), nullptr);
  const rd_kafka_metadata_t* metadata = nullptr;
  if (rd_kafka_metadata(consumer_, 0, handle, &metadata, 10000) != RD_KAFKA_RESP_ERR_NO_ERROR ||
      metadata->topic_cnt != 1 || metadata->topics[0].partition_cnt == 0) {
    Die("no topic " + topic);
  }
  partitions_ = static_cast<size_t>(metadata->topics[0].partition_cnt);
  rd_kafka_topic_partition_list_t* list = rd_kafka_topic_partition_list_new(4);
  for (int i = 0; i < metadata->topics[0].partition_cnt; ++i) {
    rd_kafka_topic_partition_list_add(list, topic.c_str(), i)->offset = RD_KAFKA_OFFSET_BEGINNING;
  }
  rd_kafka_assign(consumer_, list);
  rd_kafka_topic_partition_list_destroy(list);
  rd_kafka_metadata_destroy(metadata);
  rd_kafka_topic_destroy(handle);
}

void HandwrittenJob::Run() {
  signal(SIGTERM, [](int) { stopping = 1; });
  signal(SIGINT, [](int) { stopping = 1; });
  auto last_commit = std::chrono::steady_clock::now();
  while (stopping == 0) {
    const ssize_t count = rd_kafka_consume_batch_queue(queue_, kPollMs, in_.data(), in_.size());
    if (count > 0) {
      for (ssize_t i = 0; i < count; ++i) {
        const rd_kafka_message_t& in = *in_[static_cast<size_t>(i)];
        if (in.err != RD_KAFKA_RESP_ERR_NO_ERROR) Die(rd_kafka_message_errstr(&in));
        next_offsets_[in.partition] = in.offset + 1;
      }
      Process(in_, static_cast<size_t>(count));
      for (ssize_t i = 0; i < count; ++i) rd_kafka_message_destroy(in_[static_cast<size_t>(i)]);
    }
    rd_kafka_poll(producer_, 0);
    const auto now = std::chrono::steady_clock::now();
    if (now - last_commit >= settings_.interval) {
      FlushAndCommit();
      last_commit = now;
    }
  }
}

void HandwrittenJob::OnDelivery(rd_kafka_t*, const rd_kafka_message_t* message, void*) {
  if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
    Die(std::string("not delivered: ") + rd_kafka_err2str(message->err));
  }
  auto* block = static_cast<Block*>(message->_private);
  if (--block->undelivered == 0) delete block;
}

void HandwrittenJob::Produce(std::vector<rd_kafka_message_t>& out, std::unique_ptr<Block> block) {
  if (out.empty()) return;
  block->undelivered = out.size();
  for (rd_kafka_message_t& message : out) message._private = block.get();
  block.release();
  // What the full queue refuses is tried again when deliveries have made room.
  std::vector<rd_kafka_message_t>& left = out;
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

void HandwrittenJob::FlushAndCommit() {
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

void HandwrittenJob::Begin() {
  if (settings_.exactly_once) Check(rd_kafka_begin_transaction(producer_));
}

void HandwrittenJob::CommitTransaction(const rd_kafka_topic_partition_list_t* offsets) {
  rd_kafka_consumer_group_metadata_t* group = rd_kafka_consumer_group_metadata(consumer_);
  Check(rd_kafka_send_offsets_to_transaction(producer_, offsets, group, kTransactionTimeoutMs));
  rd_kafka_consumer_group_metadata_destroy(group);
  Check(rd_kafka_commit_transaction(producer_, kTransactionTimeoutMs));
}

char* HandwrittenJob::Put(char* to, std::string_view text) {
  std::memcpy(to, text.data(), text.size());
  return to + text.size();
}

char* HandwrittenJob::Put(char* to, int64_t number) {
  return std::to_chars(to, to + 20, number).ptr;
}

char* HandwrittenJob::PutQuoted(char* to, std::string_view text) {
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
