#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"

#include "common/config/option.h"

/// Every option of Weir's processes; option_table.cc arranges them into sections. Each has its
/// description here and nowhere else: docs/configuration.md and --help are made from it.
namespace weir::options {

using StringList = std::vector<std::string>;

inline constexpr Option<std::string> kClusterId(
    "cluster.id", "default", "Name of the cluster; keeps clusters apart that share storage.");
inline constexpr Option<std::string> kStorageRoot =
    Option<std::string>(
        "storage.root", "",
        "Directory for the cluster log, checkpoints and job binaries. Every process "
        "of the cluster must see the same directory under this path.")
        .Required();

inline constexpr Option<std::string> kRpcAddress(
    "rpc.address", "127.0.0.1:6123",
    "Address and port a JobManager listens on. Port 0 takes a free port. An address that is not "
    "loopback needs TLS and a token, or security.insecure.");
inline constexpr Option<std::string> kRpcAdvertisedAddress(
    "rpc.advertised-address", "",
    "Address under which TaskManagers and clients reach this JobManager, when it differs from "
    "rpc.address, for example behind NAT or when listening on 0.0.0.0.");

inline constexpr Option<std::string> kJobmanagerHttpAddress(
    "jobmanager.http-address", "127.0.0.1:6180",
    "Address and port at which a JobManager answers HTTP: health, metrics, configuration. Port 0 "
    "takes a free port; so does a JobManager that was told no address and finds the default "
    "taken. An address that is not loopback needs TLS and a token, or security.insecure.");
inline constexpr Option<std::string> kTaskmanagerHttpAddress(
    "taskmanager.http-address", "127.0.0.1:6181",
    "The same of a TaskManager, which also shows the metrics of its workers.");

inline constexpr Option<StringList> kJobmanagerAddresses(
    "jobmanager.addresses", "127.0.0.1:6123",
    "Addresses of all JobManagers, leader and standbys, in any order; used by TaskManagers and "
    "clients to find the leader.");

inline constexpr Option<int64_t> kTaskmanagerSlots =
    Option<int64_t>("taskmanager.slots", "2",
                    "Number of task slots a TaskManager offers; each slot runs one thread.")
        .AtLeast("1")
        .AtMost("1024");
inline constexpr Option<std::string> kTaskmanagerWorkDir(
    "taskmanager.work-dir", "/tmp/weir",
    "Local directory for downloaded job binaries and the logs of workers; each TaskManager needs "
    "its own. Nothing in it is missed when it is lost: checkpoints are in storage.root.");
inline constexpr Option<ByteSize> kTaskmanagerMemoryLimit(
    "taskmanager.memory-limit", "0",
    "Memory of a TaskManager and its workers together. A tenth of it (64 MiB to 512 MiB) is kept "
    "for the TaskManager; when the resident memory of all workers is above the rest, the largest "
    "of them is killed, and its job's reason says so. 0, and any value above it, is the memory "
    "limit of the TaskManager's control group (that of a container or a service; cgroup v1 or v2), "
    "and without one no limit.");
inline constexpr Option<ByteSize> kTaskmanagerWorkerMemoryLimit(
    "taskmanager.worker-memory-limit", "0",
    "Resident memory each worker process may use; its TaskManager kills one that uses more, and "
    "the job's reason says so. 0 leaves only the limit of all workers together.");
inline constexpr Option<std::string> kTaskmanagerHost(
    "taskmanager.host", "127.0.0.1",
    "Host name or address of this TaskManager's node, as the cluster shows it. An address that is "
    "not loopback needs TLS and a token, or security.insecure.");

inline constexpr Option<int64_t> kWorkerKeepLogs =
    Option<int64_t>("worker.keep-logs", "5",
                    "Number of ended workers whose log files a TaskManager keeps, per job.")
        .AtLeast("0");

inline constexpr Option<bool> kSecurityInsecure(
    "security.insecure", "false",
    "Allows listening on addresses that are not loopback without TLS and a token. Whoever reaches "
    "such a port can run any program: a job is an uploaded executable. Logged at start.");
inline constexpr Option<std::string> kSecurityTlsCertificateFile(
    "security.tls.certificate-file", "",
    "PEM file with the certificate chain of this process. Given together with "
    "security.tls.key-file it turns TLS on.");
inline constexpr Option<std::string> kSecurityTlsKeyFile(
    "security.tls.key-file", "", "PEM file with the private key of this process.");
inline constexpr Option<std::string> kSecurityTlsCaFile(
    "security.tls.ca-file", "",
    "PEM file with the certificate authorities that certificates of other processes are checked "
    "against.");
inline constexpr Option<bool> kSecurityTlsRequireClientCertificate(
    "security.tls.require-client-certificate", "false",
    "Whether whoever connects must present a certificate, too (mutual TLS).");
inline constexpr Option<std::string> kSecurityTokenFile(
    "security.token-file", "",
    "File with the token that every call must carry, and every HTTP request for metrics and "
    "configuration; read at start, by all processes and clients.");

inline constexpr Option<std::string> kLogLevel =
    Option<std::string>("log.level", "info", "Least severe level that is logged.")
        .OneOf("debug|info|warning|error");
inline constexpr Option<std::string> kLogFormat =
    Option<std::string>("log.format", "text",
                        "Lines for people (text) or one JSON object a line (json).")
        .OneOf("text|json");
inline constexpr Option<std::string> kLogFile("log.file", "",
                                              "File to log to; empty logs to stderr.");
inline constexpr Option<ByteSize> kLogMaxFileSize(
    "log.max-file-size", "100mb",
    "Size at which log.file is renamed to <name>.1.<extension> and begun anew; 0 never does.");
inline constexpr Option<int64_t> kLogMaxFiles =
    Option<int64_t>("log.max-files", "5", "Number of renamed log files that are kept.")
        .AtLeast("1")
        .AtMost("1000");

inline constexpr Option<absl::Duration> kHeartbeatInterval =
    Option<absl::Duration>("heartbeat.interval", "200ms",
                           "Time between reports of TaskManagers and workers.")
        .AtLeast("10ms");
inline constexpr Option<absl::Duration> kHeartbeatSuspectAfter =
    Option<absl::Duration>(
        "heartbeat.suspect-after", "1s",
        "Time in which a TaskManager may come back whose stream to the JobManager broke; then it "
        "counts as lost, with its workers, and their jobs are recovered.")
        .AtLeast("50ms");
inline constexpr Option<absl::Duration> kHeartbeatTaskmanagerTimeout =
    Option<absl::Duration>(
        "heartbeat.taskmanager-timeout", "10s",
        "Time without a report after which a TaskManager's stream is taken to be broken. A "
        "TaskManager that hears nothing of the leader for so long looks for another one.")
        .AtLeast("50ms");

inline constexpr Option<absl::Duration> kHeartbeatWorkerTimeout =
    Option<absl::Duration>(
        "heartbeat.worker-timeout", "30s",
        "Time without a report after which a worker process that is there but hangs is killed, and "
        "its job recovered.")
        .AtLeast("1s");

inline constexpr Option<absl::Duration> kCheckpointInterval =
    Option<absl::Duration>("checkpoint.interval", "10s",
                           "Time from the start of one checkpoint to the start of the next.")
        .AtLeast("10ms")
        .ForJobs();
inline constexpr Option<absl::Duration> kCheckpointTimeout =
    Option<absl::Duration>("checkpoint.timeout", "10min",
                           "Time after which a checkpoint that is not complete is aborted.")
        .AtLeast("100ms")
        .ForJobs();
inline constexpr Option<absl::Duration> kCheckpointMinPause =
    Option<absl::Duration>(
        "checkpoint.min-pause", "0",
        "Least time between the end of one checkpoint and the start of the next.")
        .ForJobs();
inline constexpr Option<int64_t> kCheckpointRetained =
    Option<int64_t>("checkpoint.retained", "3", "Number of completed checkpoints that are kept.")
        .AtLeast("1")
        .AtMost("1000")
        .ForJobs();
inline constexpr Option<std::string> kCheckpointRetention =
    Option<std::string>(
        "checkpoint.retention", "delete-on-cancellation",
        "What becomes of the checkpoints of a job that has ended. Those of a FAILED job are kept "
        "unless it is no-externalized-checkpoints; those of a CANCELED one only with "
        "retain-on-cancellation; those of a FINISHED one never. A job that is suspended keeps its "
        "own in any case, and what a job owns and has not committed is kept, too.")
        .OneOf("delete-on-cancellation|retain-on-cancellation|no-externalized-checkpoints")
        .ForJobs();
inline constexpr Option<ByteSize> kCheckpointInlineStateMax =
    Option<ByteSize>("checkpoint.inline-state-max", "4kb",
                     "State of a task up to this size is stored in the checkpoint's manifest "
                     "instead of a file of its own.")
        .AtMost("1mb")
        .ForJobs();
inline constexpr Option<int64_t> kCheckpointTolerableFailures =
    Option<int64_t>(
        "checkpoint.tolerable-failures", "-1",
        "Number of checkpoints in a row that may fail before the job is restarted; 0 tolerates "
        "none, -1 any number.")
        .AtLeast("-1")
        .ForJobs();

inline constexpr Option<absl::Duration> kTaskStallTimeout =
    Option<absl::Duration>(
        "task.stall-timeout", "10s",
        "Time after which a function or connector that does not return is named, in the worker's "
        "log and in 'weir describe', with the record it works at.")
        .AtLeast("100ms")
        .ForJobs();

inline constexpr Option<std::string> kStateBackend =
    Option<std::string>(
        "state.backend", "hashmap",
        "Where keyed state lies: hashmap is the worker's memory, written as a whole at each "
        "checkpoint; rocksdb is memory for what is used most and files for the rest, and a "
        "checkpoint writes what has changed.")
        .OneOf("hashmap|rocksdb")
        .ForJobs();
inline constexpr Option<ByteSize> kStateMemory =
    Option<ByteSize>("state.memory", "256mb",
                     "Memory of each worker for decoded keyed state with state.backend rocksdb, "
                     "divided among its tasks with keyed state; RocksDB's own caches come on top. "
                     "Unless it is set, a worker on a TaskManager with a memory limit "
                     "(taskmanager.memory-limit, taskmanager.worker-memory-limit) takes two fifths "
                     "of what the limit leaves for its slots.")
        .AtLeast("1mb")
        .ForJobs();
inline constexpr Option<ByteSize> kExchangeMemory =
    Option<ByteSize>(
        "exchange.memory", "64mb",
        "Memory of each worker for records that other workers of the job have sent and its tasks "
        "have not taken yet; who sends more waits. As much again may wait in it for other workers, "
        "and as much between its own tasks, but 64 KiB of each channel at least. Unless it is set, "
        "a worker on a TaskManager with a memory limit takes at most a tenth of what the limit "
        "leaves for its slots.")
        .AtLeast("1mb")
        .ForJobs();

inline constexpr Option<std::string> kRestartStrategy =
    Option<std::string>("restart.strategy", "exponential-delay", "How a failed job is restarted.")
        .OneOf("exponential-delay|fixed-delay|failure-rate|none")
        .ForJobs();
inline constexpr Option<absl::Duration> kRestartInitialBackoff =
    Option<absl::Duration>("restart.exponential-delay.initial-backoff", "100ms",
                           "Delay before the second restart in a row; the first is at once.")
        .ForJobs();
inline constexpr Option<absl::Duration> kRestartMaxBackoff =
    Option<absl::Duration>("restart.exponential-delay.max-backoff", "1min",
                           "Longest delay before a restart.")
        .ForJobs();
inline constexpr Option<double> kRestartMultiplier =
    Option<double>("restart.exponential-delay.multiplier", "2.0",
                   "Factor by which the delay grows with each failure.")
        .AtLeast("1")
        .ForJobs();
inline constexpr Option<absl::Duration> kRestartResetThreshold =
    Option<absl::Duration>(
        "restart.exponential-delay.reset-threshold", "10min",
        "Time without a failure after which the delay starts again at its initial value.")
        .ForJobs();
inline constexpr Option<double> kRestartJitter =
    Option<double>("restart.exponential-delay.jitter", "0.1",
                   "Random share by which each delay is made longer or shorter.")
        .AtLeast("0")
        .AtMost("1")
        .ForJobs();
inline constexpr Option<int64_t> kRestartFixedAttempts =
    Option<int64_t>("restart.fixed-delay.attempts", "3",
                    "Number of restarts before the job fails for good.")
        .AtLeast("0")
        .ForJobs();
inline constexpr Option<absl::Duration> kRestartFixedDelay =
    Option<absl::Duration>("restart.fixed-delay.delay", "1s", "Delay before each restart.")
        .ForJobs();
inline constexpr Option<int64_t> kRestartMaxFailuresPerInterval =
    Option<int64_t>("restart.failure-rate.max-failures-per-interval", "3",
                    "Number of failures within the interval after which the job fails for good.")
        .AtLeast("1")
        .ForJobs();
inline constexpr Option<absl::Duration> kRestartFailureRateInterval =
    Option<absl::Duration>("restart.failure-rate.failure-rate-interval", "1min",
                           "Interval over which failures are counted.")
        .AtLeast("1ms")
        .ForJobs();
inline constexpr Option<absl::Duration> kRestartFailureRateDelay =
    Option<absl::Duration>("restart.failure-rate.delay", "1s", "Delay before each restart.")
        .ForJobs();

}  // namespace weir::options
