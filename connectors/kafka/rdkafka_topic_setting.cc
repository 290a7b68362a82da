#include "connectors/kafka/rdkafka_topic_setting.h"

#include <librdkafka/rdkafka.h>

#include <array>
#include <cstddef>
#include <memory>

#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"

namespace weir::kafka {
namespace {

template <auto Destroy>
struct Deleter {
  template <class T>
  void operator()(T* object) const {
    Destroy(object);
  }
};
using ResourcePtr =
    std::unique_ptr<rd_kafka_ConfigResource_t, Deleter<rd_kafka_ConfigResource_destroy>>;
using OptionsPtr = std::unique_ptr<rd_kafka_AdminOptions_t, Deleter<rd_kafka_AdminOptions_destroy>>;
using QueuePtr = std::unique_ptr<rd_kafka_queue_t, Deleter<rd_kafka_queue_destroy>>;
using EventPtr = std::unique_ptr<rd_kafka_event_t, Deleter<rd_kafka_event_destroy>>;

}  // namespace

absl::StatusOr<std::string> DescribeTopicSetting(RdKafkaHandle& handle, const std::string& topic,
                                                 const std::string& name, absl::Duration timeout) {
  const std::string what = absl::StrCat("asking for ", name, " of Kafka topic '", topic, "'");
  const int timeout_ms = static_cast<int>(absl::ToInt64Milliseconds(timeout));
  const ResourcePtr resource(rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic.c_str()));
  const OptionsPtr options(
      rd_kafka_AdminOptions_new(handle.get(), RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS));
  std::array<char, 512> problem;
  rd_kafka_resp_err_t error = rd_kafka_AdminOptions_set_request_timeout(
      options.get(), timeout_ms, problem.data(), problem.size());
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return absl::InternalError(problem.data());
  const QueuePtr queue(rd_kafka_queue_new(handle.get()));
  rd_kafka_ConfigResource_t* asked = resource.get();
  rd_kafka_DescribeConfigs(handle.get(), &asked, 1, options.get(), queue.get());
  const EventPtr event(rd_kafka_queue_poll(queue.get(), timeout_ms));
  if (event == nullptr) return absl::DeadlineExceededError(absl::StrCat(what, ": no answer"));
  error = rd_kafka_event_error(event.get());
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return StatusFromRdKafka(error,
                             absl::StrCat(what, ": ", rd_kafka_event_error_string(event.get())));
  }
  size_t resources = 0;
  const rd_kafka_ConfigResource_t** found = rd_kafka_DescribeConfigs_result_resources(
      rd_kafka_event_DescribeConfigs_result(event.get()), &resources);
  if (resources != 1) return absl::InternalError(absl::StrCat(what, ": ", resources, " answers"));
  error = rd_kafka_ConfigResource_error(found[0]);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return StatusFromRdKafka(error, absl::StrCat(what, ": ", RdKafkaErrorText(error)));
  }
  size_t count = 0;
  const rd_kafka_ConfigEntry_t** entries = rd_kafka_ConfigResource_configs(found[0], &count);
  for (size_t i = 0; i < count; ++i) {
    const char* value = rd_kafka_ConfigEntry_value(entries[i]);
    if (name == rd_kafka_ConfigEntry_name(entries[i]) && value != nullptr) return {value};
  }
  return absl::NotFoundError(absl::StrCat(what, ": the broker has no such setting"));
}

}  // namespace weir::kafka
