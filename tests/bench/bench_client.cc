#include "tests/bench/bench_client.h"

#include <errno.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace weir::bench {
namespace {

void OnDelivery(rd_kafka_t*, const rd_kafka_message_t* message, void*) {
  if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) Die(rd_kafka_err2str(message->err));
}

}  // namespace

void Die(const std::string& what) {
  std::fprintf(stderr, "%s: %s\n", program_invocation_short_name, what.c_str());
  std::exit(1);
}

std::string Argument(int argc, char** argv, const std::string& name) {
  const std::string prefix = "--" + name + "=";
  for (int i = 1; i < argc; ++i) {
    if (std::string_view(argv[i]).substr(0, prefix.size()) == prefix)
      return argv[i] + prefix.size();
  }
  Die(prefix + "... is missing");
}

rd_kafka_t* MakeClient(rd_kafka_type_t type, const Settings& settings) {
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  char error[512];
  for (const auto& [name, value] : settings) {
    if (rd_kafka_conf_set(conf, name.c_str(), value.c_str(), error, sizeof(error)) !=
        RD_KAFKA_CONF_OK) {
      Die(error);
    }
  }
  if (type == RD_KAFKA_PRODUCER) rd_kafka_conf_set_dr_msg_cb(conf, OnDelivery);
  rd_kafka_t* client = rd_kafka_new(type, conf, error, sizeof(error));
  if (client == nullptr) Die(error);
  return client;
}

int PartitionsOf(rd_kafka_t* client, const std::string& topic) {
  rd_kafka_topic_t* handle = rd_kafka_topic_new(client, topic.c_str(), nullptr);
  const rd_kafka_metadata_t* metadata = nullptr;
  if (rd_kafka_metadata(client, 0, handle, &metadata, 10000) != RD_KAFKA_RESP_ERR_NO_ERROR ||
      metadata->topic_cnt != 1 || metadata->topics[0].partition_cnt == 0) {
    Die("no topic " + topic);
  }
  const int partitions = metadata->topics[0].partition_cnt;
  rd_kafka_metadata_destroy(metadata);
  rd_kafka_topic_destroy(handle);
  return partitions;
}

rd_kafka_t* MakeReader(const std::string& brokers, const std::string& topic,
                       const Settings& settings) {
  Settings all = {{"bootstrap.servers", brokers},
                  {"group.id", "weir-bench"},
                  {"isolation.level", "read_committed"},
                  {"fetch.wait.max.ms", "20"}};
  for (const auto& [name, value] : settings) all[name] = value;
  rd_kafka_t* reader = MakeClient(RD_KAFKA_CONSUMER, all);
  rd_kafka_poll_set_consumer(reader);
  const int partitions = PartitionsOf(reader, topic);
  rd_kafka_topic_partition_list_t* list = rd_kafka_topic_partition_list_new(partitions);
  for (int i = 0; i < partitions; ++i) {
    rd_kafka_topic_partition_list_add(list, topic.c_str(), i)->offset = RD_KAFKA_OFFSET_BEGINNING;
  }
  rd_kafka_assign(reader, list);
  rd_kafka_topic_partition_list_destroy(list);
  return reader;
}

}  // namespace weir::bench
