#include "common/config/option_table.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "common/base/check.h"
#include "common/base/nearest_names.h"
#include "common/config/options.h"

namespace weir {
namespace {

bool IsWellFormed(absl::string_view key) {
  return !key.empty() &&
         key.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789.-") == absl::string_view::npos;
}

void CheckSpec(const OptionSpec& spec) {
  WEIR_CHECK(IsWellFormed(spec.key)) << "option '" << spec.key << "'";
  WEIR_CHECK(!spec.doc.empty()) << "option '" << spec.key << "' has no description";
  if (spec.required) return;
  const absl::Status status = CheckOptionValue(spec, spec.default_text);
  WEIR_CHECK(status.ok()) << "default: " << status;
}

}  // namespace

OptionTable::OptionTable(std::vector<OptionSection> sections) : sections_(std::move(sections)) {
  for (const OptionSection& section : sections_) {
    for (const OptionSpec& spec : section.options) {
      CheckSpec(spec);
      const std::string key(spec.key);
      WEIR_CHECK(by_key_.emplace(key, spec).second) << "option '" << key << "' occurs twice";
      WEIR_CHECK(key_by_environment_name_.emplace(EnvironmentName(key), key).second)
          << "option '" << key << "' shares its environment variable with another";
      keys_.push_back(key);
    }
  }
  for (const std::string& key : keys_) {
    const std::string prefix = absl::StrCat(key, ".");
    const auto next = by_key_.lower_bound(prefix);
    WEIR_CHECK(next == by_key_.end() || !absl::StartsWith(next->first, prefix))
        << "option '" << key << "' is the beginning of '" << next->first << "'";
  }
}

const OptionSpec* OptionTable::Find(absl::string_view key) const {
  const auto found = by_key_.find(std::string(key));
  return found == by_key_.end() ? nullptr : &found->second;
}

const OptionSpec* OptionTable::FindByEnvironmentName(absl::string_view name) const {
  const auto found = key_by_environment_name_.find(std::string(name));
  return found == key_by_environment_name_.end() ? nullptr : Find(found->second);
}

absl::Status OptionTable::UnknownOption(absl::string_view key) const {
  return absl::InvalidArgumentError(
      absl::StrCat("unknown option '", key, "'", DidYouMean(key, keys_)));
}

const OptionTable& WeirOptions() {
  using namespace options;  // NOLINT: the names below, and only here
  static const auto& table = *new OptionTable({
      {"Cluster",
       "What all processes of a cluster share.",
       {kClusterId.spec(), kStorageRoot.spec()}},
      {"Network",
       "Where processes listen and find each other.",
       {kRpcAddress.spec(), kRpcAdvertisedAddress.spec(), kJobmanagerAddresses.spec(),
        kJobmanagerHttpAddress.spec(), kTaskmanagerHttpAddress.spec()}},
      {"TaskManager",
       "Slots, and the worker processes that run in them.",
       {kTaskmanagerSlots.spec(), kTaskmanagerHost.spec(), kTaskmanagerWorkDir.spec(),
        kTaskmanagerMemoryLimit.spec(), kTaskmanagerWorkerMemoryLimit.spec(),
        kWorkerKeepLogs.spec()}},
      {"Security",
       "By default all ports are loopback only.",
       {kSecurityInsecure.spec(), kSecurityTlsCertificateFile.spec(), kSecurityTlsKeyFile.spec(),
        kSecurityTlsCaFile.spec(), kSecurityTlsRequireClientCertificate.spec(),
        kSecurityTokenFile.spec()}},
      {"Logging",
       "What a process writes, and where.",
       {kLogLevel.spec(), kLogFormat.spec(), kLogFile.spec(), kLogMaxFileSize.spec(),
        kLogMaxFiles.spec()}},
      {"Failure detection",
       "How fast a dead process is noticed, or a function that hangs.",
       {kHeartbeatInterval.spec(), kHeartbeatSuspectAfter.spec(),
        kHeartbeatTaskmanagerTimeout.spec(), kHeartbeatWorkerTimeout.spec(),
        kTaskStallTimeout.spec(), kExchangeMemory.spec(), kStateBackend.spec(),
        kStateMemory.spec()}},
      {"Checkpoints",
       "When the state of a job is saved, and what is kept.",
       {kCheckpointInterval.spec(), kCheckpointTimeout.spec(), kCheckpointMinPause.spec(),
        kCheckpointRetained.spec(), kCheckpointRetention.spec(), kCheckpointInlineStateMax.spec(),
        kCheckpointTolerableFailures.spec()}},
      {"Restarts",
       "What happens after a failure. A TaskManager that is told to stop is none: its jobs go on "
       "elsewhere at once, whatever the strategy, and no attempt is used up. The options below "
       "restart.strategy apply to the strategy they name.",
       {kRestartStrategy.spec(), kRestartInitialBackoff.spec(), kRestartMaxBackoff.spec(),
        kRestartMultiplier.spec(), kRestartResetThreshold.spec(), kRestartJitter.spec(),
        kRestartFixedAttempts.spec(), kRestartFixedDelay.spec(),
        kRestartMaxFailuresPerInterval.spec(), kRestartFailureRateInterval.spec(),
        kRestartFailureRateDelay.spec()}},
  });
  return table;
}

}  // namespace weir
