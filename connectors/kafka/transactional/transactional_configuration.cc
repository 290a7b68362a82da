#include "connectors/kafka/transactional/transactional_configuration.h"

#include <map>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace weir::kafka {
namespace {

// A request on a connection that has died without a word is tried again after this.
constexpr int64_t kSocketTimeoutMs = 30000;
// A transaction that begins while the markers of the one before are still being written is put off
// by the coordinator, and a barrier may wait for it.
constexpr char kRetryBackoffMs[] = "20";

// librdkafka refuses these when they exceed the transaction's timeout.
void Cap(std::map<std::string, std::string>& values, const std::string& name, int64_t max_ms) {
  const auto entry = values.find(name);
  int64_t value = 0;
  if (entry == values.end() || !absl::SimpleAtoi(entry->second, &value)) return;
  // 0: no timeout at all
  if (value == 0 || value > max_ms) entry->second = absl::StrCat(max_ms);
}

}  // namespace

ClientConfiguration TransactionalConfiguration(ClientConfiguration configuration,
                                               absl::Duration timeout) {
  const int64_t timeout_ms = absl::ToInt64Milliseconds(timeout);
  std::map<std::string, std::string>& values = configuration.values;
  values["transaction.timeout.ms"] = absl::StrCat(timeout_ms);
  configuration.SetDefault("socket.timeout.ms", absl::StrCat(kSocketTimeoutMs));
  configuration.SetDefault("retry.backoff.ms", kRetryBackoffMs);
  Cap(values, "socket.timeout.ms", timeout_ms);
  Cap(values, "delivery.timeout.ms", timeout_ms);
  return configuration;
}

}  // namespace weir::kafka
