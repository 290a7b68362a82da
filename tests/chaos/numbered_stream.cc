#include "tests/chaos/numbered_stream.h"

#include <librdkafka/rdkafka.h>

#include <array>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

#include "common/base/status_macros.h"
#include "tests/chaos/copy_oracle.h"

namespace weir {
namespace {

constexpr int64_t kBatch = 8;
constexpr absl::Duration kBatchInterval = absl::Milliseconds(20);
constexpr absl::Duration kFinishPatience = absl::Seconds(60);
constexpr int kPollMs = 20;

struct BatchAccount {
  int64_t acknowledged = 0;
  std::string failure;
};

void OnDelivery(rd_kafka_t* /*client*/, const rd_kafka_message_t* message, void* /*opaque*/) {
  auto* account = static_cast<BatchAccount*>(message->_private);
  if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
    ++account->acknowledged;
  } else {
    account->failure = rd_kafka_err2str(message->err);
  }
}

absl::StatusOr<rd_kafka_t*> MakeProducer(const std::string& bootstrap_servers) {
  const std::map<std::string, std::string> settings = {{"bootstrap.servers", bootstrap_servers},
                                                       {"reconnect.backoff.max.ms", "200"},
                                                       {"enable.idempotence", "true"},
                                                       {"acks", "all"},
                                                       {"linger.ms", "1"},
                                                       {"partitioner", "murmur2_random"},
                                                       {"message.timeout.ms", "0"}};
  std::array<char, 512> error{};
  rd_kafka_conf_t* configuration = rd_kafka_conf_new();
  for (const auto& [name, value] : settings) {
    if (rd_kafka_conf_set(configuration, name.c_str(), value.c_str(), error.data(), error.size()) !=
        RD_KAFKA_CONF_OK) {
      rd_kafka_conf_destroy(configuration);
      return absl::InternalError(error.data());
    }
  }
  rd_kafka_conf_set_dr_msg_cb(configuration, OnDelivery);
  // Killed brokers are what these tests are about.
  rd_kafka_conf_set_log_cb(configuration, nullptr);
  rd_kafka_t* client = rd_kafka_new(RD_KAFKA_PRODUCER, configuration, error.data(), error.size());
  if (client == nullptr) {
    rd_kafka_conf_destroy(configuration);
    return absl::InternalError(error.data());
  }
  return client;
}

}  // namespace

absl::StatusOr<std::unique_ptr<NumberFeeder>> NumberFeeder::Start(
    const std::string& bootstrap_servers, const std::string& topic) {
  std::unique_ptr<NumberFeeder> feeder(new NumberFeeder);
  feeder->topic_ = topic;
  WEIR_ASSIGN_OR_RETURN(feeder->producer_, MakeProducer(bootstrap_servers));
  feeder->thread_ = std::thread([raw = feeder.get()] { raw->Run(); });
  return feeder;
}

NumberFeeder::~NumberFeeder() {
  if (thread_.joinable()) Finish().IgnoreError();
  if (producer_ == nullptr) return;
  rd_kafka_purge(producer_, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
  rd_kafka_flush(producer_, kPollMs);
  rd_kafka_destroy(producer_);
}

int64_t NumberFeeder::fed() const {
  MutexLock lock(mutex_);
  return fed_;
}

bool NumberFeeder::finishing() const {
  MutexLock lock(mutex_);
  return finishing_;
}

void NumberFeeder::Run() {
  for (int64_t first = 0; !finishing(); first += kBatch) {
    const absl::Status sent = SendBatch(first);
    {
      MutexLock lock(mutex_);
      status_ = sent;
      if (!sent.ok()) return;
      fed_ = first + kBatch;
    }
    absl::SleepFor(kBatchInterval);
  }
}

// Returns when all of it is acknowledged, however long no broker answers.
absl::Status NumberFeeder::SendBatch(int64_t first) {
  BatchAccount account;
  for (int64_t id = first; id < first + kBatch; ++id) {
    const std::string key = NumberedKey(id);
    const std::string value = NumberedJson(id);
    const rd_kafka_resp_err_t error = rd_kafka_producev(
        producer_, RD_KAFKA_V_TOPIC(topic_.c_str()), RD_KAFKA_V_KEY(key.data(), key.size()),
        RD_KAFKA_V_VALUE(const_cast<char*>(value.data()), value.size()),
        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_OPAQUE(&account), RD_KAFKA_V_END);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) account.failure = rd_kafka_err2str(error);
  }
  absl::Time end = absl::InfiniteFuture();
  while (account.acknowledged < kBatch && account.failure.empty() && absl::Now() < end) {
    rd_kafka_poll(producer_, kPollMs);
    if (end == absl::InfiniteFuture() && finishing()) end = absl::Now() + kFinishPatience;
  }
  if (account.acknowledged == kBatch) return absl::OkStatus();
  // Reports point at `account`: none may come later.
  rd_kafka_purge(producer_, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
  rd_kafka_flush(producer_, 1000);
  return absl::UnavailableError(
      absl::StrCat("ids from ", first, " on are not acknowledged: ", account.failure));
}

absl::StatusOr<int64_t> NumberFeeder::Finish() {
  {
    MutexLock lock(mutex_);
    finishing_ = true;
  }
  if (thread_.joinable()) thread_.join();
  MutexLock lock(mutex_);
  if (!status_.ok()) return status_;
  return fed_;
}

}  // namespace weir
