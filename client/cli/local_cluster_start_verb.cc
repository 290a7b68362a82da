#include <memory>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

#include "client/cli/local_cluster_flags.h"
#include "client/cli/verb.h"
#include "client/contexts/context_file.h"
#include "client/local_cluster/background_cluster.h"
#include "common/base/status_macros.h"
#include "common/config/options.h"

namespace weir::cli {
namespace {

constexpr absl::Duration kStartTimeout = absl::Seconds(30);
constexpr absl::Duration kPollInterval = absl::Milliseconds(50);
constexpr char kContext[] = "local";

struct NumberFlag {
  const char* name;
  int64_t otherwise;
  int64_t most;
  const char* help;
};
constexpr NumberFlag kTaskManagers = {"taskmanagers", 1, 64,
                                      "TaskManagers to start; 1 by default."};
constexpr NumberFlag kSlots = {"slots", 4, 1024, "Slots of each TaskManager; 4 by default."};
constexpr NumberFlag kPort = {"port", 0, 65535,
                              "Port of the JobManager; by default 6123, or a free one when that is "
                              "taken."};

absl::StatusOr<int64_t> Read(const ParsedFlags& flags, const NumberFlag& flag) {
  if (!flags.Has(flag.name)) return flag.otherwise;
  int64_t number = 0;
  const std::string text = flags.Get(flag.name);
  if (absl::SimpleAtoi(text, &number) && number >= 1 && number <= flag.most) return number;
  return absl::InvalidArgumentError(absl::StrCat(
      "--", flag.name, " is '", text, "'; a number from 1 to ", flag.most, " is expected"));
}

absl::Status Check(const ParsedFlags& flags) {
  for (const NumberFlag& flag : {kTaskManagers, kSlots, kPort}) {
    WEIR_RETURN_IF_ERROR(Read(flags, flag).status());
  }
  return absl::OkStatus();
}

// Until all TaskManagers are registered.
absl::Status AwaitComplete(const BackgroundCluster& cluster,
                           const BackgroundClusterOptions& options, CliEnvironment& environment) {
  ClusterClientOptions client_options;
  client_options.addresses = {cluster.Address()};
  client_options.call_timeout = absl::Seconds(1);
  WEIR_ASSIGN_OR_RETURN(const std::unique_ptr<ClusterClient> client,
                        environment.make_client(std::move(client_options)));
  const absl::Duration end = environment.clock.Monotonic() + kStartTimeout;
  int64_t told = -1;
  while (true) {
    WEIR_RETURN_IF_ERROR(cluster.CheckServers());
    const absl::StatusOr<proto::ClusterDetails> details = client->DescribeCluster();
    const int64_t registered = details.ok() ? details->task_managers_size() : 0;
    if (registered >= options.task_managers) return absl::OkStatus();
    if (environment.error_is_terminal && registered != told) {
      environment.error << "waiting: " << registered << " of " << options.task_managers
                        << " TaskManagers are registered" << std::endl;
      told = registered;
    }
    if (environment.clock.Monotonic() >= end) {
      return absl::DeadlineExceededError(
          absl::StrCat("the cluster is not complete after ", absl::FormatDuration(kStartTimeout),
                       ": ", registered, " of ", options.task_managers,
                       " TaskManagers are registered; its logs are in ", cluster.directory()));
    }
    environment.pause(kPollInterval);
  }
}

absl::Status StartLocalCluster(const ParsedFlags& flags, CliEnvironment& environment) {
  WEIR_ASSIGN_OR_RETURN(std::string directory, LocalClusterDirectory(flags, environment));
  WEIR_ASSIGN_OR_RETURN(ContextFile contexts, ReadContextFileOf(environment.variables));
  BackgroundClusterOptions options;
  options.program_directory = environment.program_directory;
  options.variables = environment.variables;
  WEIR_ASSIGN_OR_RETURN(options.task_managers, Read(flags, kTaskManagers));
  WEIR_ASSIGN_OR_RETURN(options.slots, Read(flags, kSlots));
  WEIR_ASSIGN_OR_RETURN(options.port, Read(flags, kPort));
  BackgroundCluster cluster(std::move(directory));
  WEIR_RETURN_IF_ERROR(cluster.Lock());
  absl::Status started = cluster.Start(options);
  if (absl::IsAlreadyExists(started)) return started;
  if (started.ok()) started = AwaitComplete(cluster, options, environment);
  const std::string addresses(options::kJobmanagerAddresses.key());
  if (started.ok()) {
    contexts.contexts[kContext] = {{addresses, cluster.Address()}};
    contexts.current = kContext;
    started = WriteContextFile(contexts);
  }
  if (!started.ok()) {
    WEIR_RETURN_IF_ERROR(cluster.Stop(kLocalClusterGrace).status());
    return started;
  }
  environment.out << "a local cluster runs at " << cluster.Address() << ", with "
                  << options.task_managers << " TaskManager"
                  << (options.task_managers == 1 ? "" : "s") << " of " << options.slots
                  << " slots; context '" << kContext << "' is the current one\n";
  const std::string variable = EnvironmentName(addresses);
  if (environment.variables.count(variable) > 0) {
    environment.error << "note: " << variable << " is set, and goes before the current context\n";
  }
  return absl::OkStatus();
}

}  // namespace

Verb LocalClusterStartVerb() {
  Verb verb;
  verb.name = "local-cluster start";
  verb.summary = "Start a cluster on this machine, in the background, and make it the context.";
  verb.flags = {LocalClusterDirectoryFlag()};
  for (const NumberFlag& flag : {kTaskManagers, kSlots, kPort}) {
    verb.flags.push_back({flag.name, "", true, "N", flag.help});
  }
  verb.prints_objects = false;
  verb.check = Check;
  verb.run_alone = StartLocalCluster;
  return verb;
}

}  // namespace weir::cli
