#include "connectors/kafka/rdkafka_handle.h"

#include <librdkafka/rdkafka.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

#include "common/base/log.h"
#include "common/base/status_macros.h"

namespace weir::kafka {
namespace {

constexpr size_t kErrorTextBytes = 512;
// Levels of syslog(3), which librdkafka uses.
constexpr int kSyslogWarning = 4;

struct ConfDeleter {
  void operator()(rd_kafka_conf_t* conf) const { rd_kafka_conf_destroy(conf); }
};
using ConfPtr = std::unique_ptr<rd_kafka_conf_t, ConfDeleter>;

absl::StatusOr<ConfPtr> MakeConf(const ClientConfiguration& configuration) {
  ConfPtr conf(rd_kafka_conf_new());
  char text[kErrorTextBytes];
  for (const auto& [name, value] : configuration.values) {
    if (rd_kafka_conf_set(conf.get(), name.c_str(), value.c_str(), text, sizeof(text)) !=
        RD_KAFKA_CONF_OK) {
      // librdkafka quotes the value in its text: not for secrets.
      return absl::InvalidArgumentError(
          IsSecretProperty(name)
              ? absl::StrCat("the value of the Kafka property '", name, "' is not valid")
              : absl::StrCat("the Kafka property '", name, "': ", text));
    }
  }
  return conf;
}

}  // namespace

/// The callbacks that librdkafka gets; a friend, so that they may report to the handle.
struct RdKafkaCallbacks {
  // On the thread that polls.
  static void OnError(rd_kafka_t* client, int error, const char* reason, void* opaque) {
    auto* handle = static_cast<RdKafkaHandle*>(opaque);
    if (error == RD_KAFKA_RESP_ERR__FATAL) {
      char text[kErrorTextBytes] = "";
      rd_kafka_fatal_error(client, text, sizeof(text));
      handle->OnError(error, text);
      return;
    }
    handle->OnError(error, reason);
  }

  // On any thread of librdkafka.
  static void OnLog(const rd_kafka_t* client, int level, const char* facility, const char* text) {
    const LogFields fields = {{"client", client == nullptr ? "" : rd_kafka_name(client)},
                              {"facility", facility},
                              {"text", text}};
    if (level <= kSyslogWarning) {
      LogWarning("librdkafka", fields);
    } else {
      LogDebug("librdkafka", fields);
    }
  }
};

absl::StatusOr<std::unique_ptr<RdKafkaHandle>> RdKafkaHandle::Make(
    const ClientConfiguration& configuration, void* owner,
    const std::function<void(rd_kafka_conf_s*)>& configure) {
  WEIR_ASSIGN_OR_RETURN(ConfPtr conf, MakeConf(configuration));
  const auto brokers = configuration.values.find("bootstrap.servers");
  std::unique_ptr<RdKafkaHandle> handle(new RdKafkaHandle(
      owner, brokers == configuration.values.end() ? std::string() : brokers->second));
  rd_kafka_conf_set_opaque(conf.get(), handle.get());
  rd_kafka_conf_set_error_cb(conf.get(), &RdKafkaCallbacks::OnError);
  rd_kafka_conf_set_log_cb(conf.get(), &RdKafkaCallbacks::OnLog);
  if (configure) configure(conf.get());
  char text[kErrorTextBytes];
  handle->client_ = rd_kafka_new(
      configuration.kind == ClientKind::kConsumer ? RD_KAFKA_CONSUMER : RD_KAFKA_PRODUCER,
      conf.get(), text, sizeof(text));
  if (handle->client_ == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat("the Kafka client cannot be made: ", text));
  }
  conf.release();  // rd_kafka_new took it
  return handle;
}

RdKafkaHandle::~RdKafkaHandle() {
  if (client_ == nullptr) return;
  // Without the flag a consumer would wait for its group's coordinator.
  rd_kafka_destroy_flags(client_, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
}

void RdKafkaHandle::OnError(int error, const char* reason) {
  switch (error) {
    case RD_KAFKA_RESP_ERR__FATAL:
      if (status_.ok()) {
        status_ = absl::InternalError(absl::StrCat("the Kafka client cannot go on: ", reason));
      }
      return;
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
      if (status_.ok()) {
        status_ = absl::UnauthenticatedError(
            absl::StrCat("Kafka at '", brokers_, "' refused the credentials: ", reason));
      }
      return;
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
      all_brokers_down_ = true;
      return;
    default:
      break;
  }
  if (IsRdKafkaConnectionError(error)) {
    ++connection_errors_;
    // Without librdkafka's remark "(after 0ms in state CONNECT, ...)".
    connection_error_ = std::string(reason).substr(0, std::string(reason).find(" (after "));
    LogInfo("Kafka connection", {{"brokers", brokers_}, {"reason", reason}});
  } else {
    LogWarning("Kafka client",
               {{"brokers", brokers_}, {"error", RdKafkaErrorText(error)}, {"reason", reason}});
  }
}

absl::Status RdKafkaHandle::NoBrokerError() const {
  return absl::UnavailableError(absl::StrCat("no Kafka broker answers at '", brokers_, "'",
                                             connection_error_.empty() ? "" : ": ",
                                             connection_error_));
}

absl::Status StatusFromRdKafka(int error, const std::string& message) {
  switch (error) {
    case RD_KAFKA_RESP_ERR_NO_ERROR:
      return absl::OkStatus();
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
    case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
      return absl::NotFoundError(message);
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
      return absl::PermissionDeniedError(message);
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
      return absl::UnauthenticatedError(message);
    case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
      return absl::OutOfRangeError(message);
    case RD_KAFKA_RESP_ERR__INVALID_ARG:
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_INVALID_MSG:
    case RD_KAFKA_RESP_ERR_INVALID_RECORD:
    case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
      return absl::InvalidArgumentError(message);
    case RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION:
    case RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS:
    case RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NOT_COORDINATOR:
    case RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS:
    case RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND:
    case RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT:
    case RD_KAFKA_RESP_ERR__MSG_TIMED_OUT:
    case RD_KAFKA_RESP_ERR__WAIT_COORD:
      return absl::UnavailableError(message);
    default:
      return IsRdKafkaConnectionError(error) ? absl::UnavailableError(message)
                                             : absl::InternalError(message);
  }
}

std::string RdKafkaErrorText(int error) {
  return rd_kafka_err2str(static_cast<rd_kafka_resp_err_t>(error));
}

bool IsRdKafkaConnectionError(int error) {
  switch (error) {
    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR__RESOLVE:
    case RD_KAFKA_RESP_ERR__SSL:
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE:
      return true;
    default:
      return false;
  }
}

bool IsRdKafkaPassingAnswer(int error) {
  switch (error) {
    case RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION:
    case RD_KAFKA_RESP_ERR_REPLICA_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_BROKER_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_LISTENER_NOT_FOUND:
    case RD_KAFKA_RESP_ERR_FENCED_LEADER_EPOCH:
    case RD_KAFKA_RESP_ERR_UNKNOWN_LEADER_EPOCH:
    case RD_KAFKA_RESP_ERR_OFFSET_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT:
    case RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR:
    case RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT:
    case RD_KAFKA_RESP_ERR_NETWORK_EXCEPTION:
    case RD_KAFKA_RESP_ERR_NOT_CONTROLLER:
    case RD_KAFKA_RESP_ERR_THROTTLING_QUOTA_EXCEEDED:
    case RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS:
    case RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NOT_COORDINATOR:
    case RD_KAFKA_RESP_ERR__WAIT_COORD:
      return true;
    default:
      return false;
  }
}

absl::Status CheckRdKafkaConfiguration(const ClientConfiguration& configuration) {
  return MakeConf(configuration).status();
}

}  // namespace weir::kafka
