#include "connectors/kafka/wire/wire_transaction_client.h"

#include <algorithm>
#include <limits>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

#include "common/base/failure_policy.h"
#include "common/base/status_macros.h"
#include "connectors/kafka/wire/describe_transactions_message.h"
#include "connectors/kafka/wire/end_txn_message.h"
#include "connectors/kafka/wire/init_producer_id_message.h"
#include "connectors/kafka/wire/kafka_error.h"
#include "connectors/kafka/wire/list_transactions_message.h"

namespace weir::kafka {
namespace {

constexpr int32_t kDefaultPort = 9092;

/// The verdict in an error code; absent when the code asks for another try.
std::optional<EndTransactionOutcome> OutcomeOf(KafkaError error) {
  if (IsRetriable(error)) return std::nullopt;
  switch (error) {
    case KafkaError::kNone:
      return EndTransactionOutcome::kDone;
    case KafkaError::kConcurrentTransactions:
      return std::nullopt;
    case KafkaError::kInvalidTxnState:
      return EndTransactionOutcome::kInvalidTxnState;
    case KafkaError::kProducerFenced:
    case KafkaError::kInvalidProducerEpoch:
      return EndTransactionOutcome::kFenced;
    case KafkaError::kInvalidProducerIdMapping:
      return EndTransactionOutcome::kUnknownProducerMapping;
    default:
      return EndTransactionOutcome::kRefused;
  }
}

DescribedTransaction FromWire(const DescribeTransactionsResponse::Transaction& wire) {
  DescribedTransaction transaction;
  transaction.state = ParseTransactionState(wire.transaction_state);
  transaction.producer = {wire.producer_id, wire.producer_epoch};
  if (wire.transaction_start_time_ms >= 0) {
    transaction.start_time = absl::FromUnixMillis(wire.transaction_start_time_ms);
  }
  transaction.timeout = absl::Milliseconds(wire.transaction_timeout_ms);
  for (const DescribeTransactionsResponse::Topic& topic : wire.topics) {
    for (const int32_t partition : topic.partitions) {
      transaction.partitions.push_back({topic.topic, partition});
    }
  }
  std::sort(transaction.partitions.begin(), transaction.partitions.end());
  return transaction;
}

}  // namespace

WireTransactionClient::WireTransactionClient(const Clock& clock, RetryWait& wait,
                                             WireTransactionClientOptions options)
    : clock_(clock), wait_(wait), options_(std::move(options)), brokers_(clock, options_.brokers) {}

void WireTransactionClient::Cancel() { wait_.Cancel(); }

absl::Status WireTransactionClient::Retry(
    const std::string& what, absl::Duration timeout,
    const std::function<absl::Status(absl::Duration deadline)>& attempt) {
  const absl::Duration start = clock_.Monotonic();
  const absl::Duration deadline = start + timeout;
  absl::Duration backoff = options_.min_backoff;
  absl::Status status;
  FailurePolicy policy = FailurePolicy::kByCode;  // of the last answer that passes by itself
  // Also the first try asks whether it was cancelled.
  for (absl::Duration pause = absl::ZeroDuration(); wait_.Wait(pause);) {
    status = attempt(deadline);
    if (FailurePolicyOf(status) != FailurePolicy::kByCode) policy = FailurePolicyOf(status);
    const absl::Duration now = clock_.Monotonic();
    const bool again = absl::IsUnavailable(status) ||
                       (absl::IsNotFound(status) && now - start < options_.unknown_topic_grace);
    if (!again) return status.ok() ? status : Annotate(status, what);
    // No try without time for an answer: it would only add an unanswered request.
    if (now + backoff >= deadline) {
      return WithFailurePolicy(
          absl::DeadlineExceededError(absl::StrCat(
              what, ": not done within ", absl::FormatDuration(timeout), "; ", status.message())),
          policy);
    }
    pause = backoff;
    backoff = std::min(backoff * 2, options_.max_backoff);
  }
  return absl::CancelledError(absl::StrCat(what, ": cancelled"));
}

EndTransactionAnswer WireTransactionClient::EndTransaction(const std::string& transactional_id,
                                                           ProducerIdAndEpoch producer,
                                                           TransactionResult result,
                                                           absl::Duration timeout) {
  const std::string what = absl::StrCat(result == TransactionResult::kCommit ? "commit" : "abort",
                                        " of transactional id ", transactional_id, ", producer id ",
                                        producer.producer_id, ", epoch ", producer.epoch);
  EndTxnRequest request;
  request.transactional_id = transactional_id;
  request.producer_id = producer.producer_id;
  request.producer_epoch = producer.epoch;
  request.committed = result == TransactionResult::kCommit;
  EndTransactionAnswer answer;
  answer.detail = Retry(what, timeout, [&](absl::Duration deadline) {
    return brokers_.CallCoordinator(CoordinatorKeyType::kTransaction, transactional_id, request,
                                    deadline, &answer.unanswered_requests,
                                    [&](const EndTxnResponse& response) -> absl::StatusOr<int16_t> {
                                      const auto error =
                                          static_cast<KafkaError>(response.error_code);
                                      answer.outcome = OutcomeOf(error).value_or(answer.outcome);
                                      return response.error_code;
                                    });
  });
  if (answer.outcome == EndTransactionOutcome::kNotAnswered &&
      (absl::IsPermissionDenied(answer.detail) || absl::IsUnimplemented(answer.detail))) {
    answer.outcome = EndTransactionOutcome::kRefused;
  }
  return answer;
}

absl::StatusOr<ProducerIdAndEpoch> WireTransactionClient::InitProducerId(
    const std::string& transactional_id, absl::Duration transaction_timeout,
    absl::Duration timeout) {
  InitProducerIdRequest request;
  request.transactional_id = transactional_id;
  request.transaction_timeout_ms = static_cast<int32_t>(std::min<int64_t>(
      absl::ToInt64Milliseconds(transaction_timeout), std::numeric_limits<int32_t>::max()));
  ProducerIdAndEpoch producer;
  WEIR_RETURN_IF_ERROR(
      Retry(absl::StrCat("take-over of transactional id ", transactional_id), timeout,
            [&](absl::Duration deadline) {
              return brokers_.CallCoordinator(
                  CoordinatorKeyType::kTransaction, transactional_id, request, deadline,
                  /*unanswered=*/nullptr,
                  [&](const InitProducerIdResponse& response) -> absl::StatusOr<int16_t> {
                    producer = {response.producer_id, response.producer_epoch};
                    return response.error_code;
                  });
            }));
  return producer;
}

absl::StatusOr<std::vector<ListedTransaction>> WireTransactionClient::ListTransactions(
    const std::vector<TransactionState>& states, absl::Duration timeout) {
  ListTransactionsRequest request;
  for (const TransactionState state : states) {
    request.state_filters.push_back(TransactionStateName(state));
  }
  std::map<std::string, ListedTransaction> listed;
  WEIR_RETURN_IF_ERROR(
      Retry("list of transactions", timeout, [&](absl::Duration deadline) -> absl::Status {
        listed.clear();
        WEIR_ASSIGN_OR_RETURN(const std::vector<BrokerAddress> brokers,
                              brokers_.LiveBrokers(deadline));
        for (const BrokerAddress& broker : brokers) {
          WEIR_ASSIGN_OR_RETURN(const ListTransactionsResponse response,
                                brokers_.Call(broker, request, deadline));
          WEIR_RETURN_IF_ERROR(StatusFromKafka(response.error_code, BrokerAddressText(broker)));
          if (!response.unknown_state_filters.empty()) {
            return absl::InternalError(absl::StrCat("the broker does not know the state ",
                                                    response.unknown_state_filters[0]));
          }
          for (const ListTransactionsResponse::Transaction& each : response.transaction_states) {
            listed[each.transactional_id] = {each.transactional_id, each.producer_id,
                                             ParseTransactionState(each.transaction_state)};
          }
        }
        return absl::OkStatus();
      }));
  std::vector<ListedTransaction> result;
  for (auto& [id, transaction] : listed) result.push_back(std::move(transaction));
  return result;
}

absl::Status WireTransactionClient::DescribeAt(
    const BrokerAddress& address, const std::vector<std::string>& ids, absl::Duration deadline,
    std::map<std::string, std::optional<DescribedTransaction>>& out) {
  DescribeTransactionsRequest request;
  request.transactional_ids = ids;
  const auto response = brokers_.Call(address, request, deadline);
  absl::Status status = response.status();
  if (response.ok()) {
    for (const DescribeTransactionsResponse::Transaction& each : response->transaction_states) {
      const auto error = static_cast<KafkaError>(each.error_code);
      if (error == KafkaError::kNone) {
        out[each.transactional_id] = FromWire(each);
      } else if (error == KafkaError::kTransactionalIdNotFound) {
        out[each.transactional_id] = std::nullopt;
      } else if (status.ok()) {
        status = StatusFromKafka(each.error_code, each.transactional_id);
      }
    }
  }
  if (status.ok()) return status;
  for (const std::string& id : ids) {
    brokers_.ForgetCoordinator(CoordinatorKeyType::kTransaction, id);
  }
  return status;
}

absl::StatusOr<std::map<std::string, DescribedTransaction>>
WireTransactionClient::DescribeTransactions(const std::vector<std::string>& transactional_ids,
                                            absl::Duration timeout) {
  std::map<std::string, std::optional<DescribedTransaction>> answers;
  WEIR_RETURN_IF_ERROR(
      Retry("description of transactions", timeout, [&](absl::Duration deadline) -> absl::Status {
        std::map<BrokerAddress, std::vector<std::string>> by_coordinator;
        for (const std::string& id : transactional_ids) {
          if (answers.contains(id)) continue;
          WEIR_ASSIGN_OR_RETURN(
              const BrokerAddress coordinator,
              brokers_.Coordinator(CoordinatorKeyType::kTransaction, id, deadline));
          by_coordinator[coordinator].push_back(id);
        }
        for (const auto& [coordinator, ids] : by_coordinator) {
          WEIR_RETURN_IF_ERROR(DescribeAt(coordinator, ids, deadline, answers));
        }
        return absl::OkStatus();
      }));
  std::map<std::string, DescribedTransaction> result;
  for (auto& [id, transaction] : answers) {
    if (transaction.has_value()) result.emplace(id, *std::move(transaction));
  }
  return result;
}

absl::StatusOr<std::vector<BrokerAddress>> ParseBootstrapServers(const std::string& servers) {
  std::vector<BrokerAddress> addresses;
  for (absl::string_view server : absl::StrSplit(servers, ',', absl::SkipWhitespace())) {
    server = absl::StripAsciiWhitespace(server);
    const absl::string_view given = server;
    // librdkafka takes these, too: a protocol in front, and no port.
    if (absl::StartsWithIgnoreCase(server, "plaintext://")) server.remove_prefix(12);
    size_t colon = server.rfind(':');
    const size_t bracket = server.rfind(']');
    if (bracket != absl::string_view::npos && colon < bracket) colon = absl::string_view::npos;
    int32_t port = kDefaultPort;
    if (colon != absl::string_view::npos &&
        (!absl::SimpleAtoi(server.substr(colon + 1), &port) || port < 1 || port > 65535)) {
      return absl::InvalidArgumentError(
          absl::StrCat("bootstrap server '", given, "' is not HOST:PORT"));
    }
    absl::string_view host = server.substr(0, colon);
    if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
      host = host.substr(1, host.size() - 2);
    }
    if (absl::StrContains(host, "/")) {
      return absl::InvalidArgumentError(
          absl::StrCat("bootstrap server '", given, "' is not HOST:PORT"));
    }
    if (host.empty()) {
      return absl::InvalidArgumentError(absl::StrCat("bootstrap server '", given, "' has no host"));
    }
    addresses.push_back({std::string(host), port});
  }
  if (addresses.empty()) return absl::InvalidArgumentError("no bootstrap servers");
  return addresses;
}

}  // namespace weir::kafka
