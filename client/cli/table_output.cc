#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

#include "client/cli/output.h"
#include "common/base/bytes_format.h"

namespace weir::cli {
namespace {

using Row = std::vector<std::string>;

// Columns two spaces apart, the first row being the heading; nothing behind the last cell.
std::string Table(const std::vector<Row>& rows) {
  std::vector<size_t> widths;
  for (const Row& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const Row& row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      absl::StrAppend(&line, row[i], std::string(widths[i] + 2 - row[i].size(), ' '));
    }
    line.erase(line.find_last_not_of(' ') + 1);
    absl::StrAppend(&text, line, "\n");
  }
  return text;
}

std::string Time(int64_t ms) {
  if (ms == 0) return "-";
  return absl::FormatTime("%Y-%m-%d %H:%M:%S UTC", absl::FromUnixMillis(ms), absl::UTCTimeZone());
}

std::string Counts(const proto::CheckpointCounts& counts) {
  std::string text =
      absl::StrCat("Checkpoints: ", counts.completed(), " completed, ", counts.failed(), " failed");
  if (counts.has_latest_epoch()) absl::StrAppend(&text, ", latest ", counts.latest_epoch());
  if (counts.has_restored_epoch()) absl::StrAppend(&text, ", restored ", counts.restored_epoch());
  return text + "\n";
}

std::string Seconds(double ms) { return absl::StrFormat("%.1fs", ms / 1000); }

// Of all tasks: the oldest, the slowest, the sum of the others.
std::map<std::string, std::map<std::string, double>> MetricsOfSinks(const proto::JobDetails& job) {
  std::map<std::string, std::map<std::string, double>> all;
  const auto add = [&all](const proto::SinkMetrics& sink) {
    for (const auto& [name, value] : sink.values()) {
      double& known = all[sink.sink_uid()][name];
      const bool greatest = absl::EndsWith(name, "Ms") || absl::EndsWith(name, "Ratio");
      known = greatest ? std::max(known, value) : known + value;
    }
  };
  for (const proto::TaskDetails& task : job.tasks()) {
    for (const proto::SinkMetrics& sink : task.sinks()) add(sink);
  }
  for (const proto::SinkMetrics& sink : job.sinks()) add(sink);
  return all;
}

std::string SinkLine(const std::string& uid, std::map<std::string, double> metrics) {
  constexpr absl::string_view kSlots = "transactionSlots";
  std::string slots;
  for (const auto& [name, value] : metrics) {
    if (!absl::StartsWith(name, kSlots) || value == 0) continue;
    absl::StrAppend(&slots, slots.empty() ? "" : ", ", value, " ",
                    absl::AsciiStrToLower(name.substr(kSlots.size())));
  }
  // A committer that cannot publish again counts none.
  const std::string replays = metrics.count("replays") == 0
                                  ? ""
                                  : absl::StrFormat(", %.0f replays of %.0f records",
                                                    metrics["replays"], metrics["replayedRecords"]);
  return absl::StrFormat(
      "Sink '%s': oldest open transaction %s of %s (%.0f %%), %.0f committed, last commit %.0f ms, "
      "longest %.0f ms%s, slots: %s\n",
      uid, Seconds(metrics["oldestPendingTransactionAgeMs"]),
      Seconds(metrics["transactionTimeoutMs"]),
      100 * metrics["oldestPendingTransactionTimeoutRatio"], metrics["committedTransactions"],
      metrics["lastCommitLatencyMs"], metrics["maxCommitLatencyMs"], replays,
      slots.empty() ? "none" : slots);
}

std::string OrDash(const std::string& text) { return text.empty() ? "-" : text; }

}  // namespace

std::string JobsAsTable(const proto::ListJobsResponse& jobs) {
  std::vector<Row> rows = {{"JOB", "NAME", "STATE", "GENERATION", "RESTARTS", "SUBMITTED"}};
  for (const proto::JobSummary& job : jobs.jobs()) {
    rows.push_back({job.job(), job.name(), job.state(), absl::StrCat(job.generation()),
                    absl::StrCat(job.restarts()), Time(job.submitted_at_ms())});
  }
  return Table(rows);
}

std::string JobStateAsText(const proto::JobSummary& job) {
  std::string text = absl::StrCat("job '", job.name(), "' (", job.job(), ") is ", job.state());
  if (!job.reason().empty()) absl::StrAppend(&text, ": ", job.reason());
  return text + "\n";
}

std::string JobEventAsText(const proto::JobEvent& event) {
  const std::string time =
      absl::FormatTime("%H:%M:%E3S", absl::FromUnixMillis(event.at_ms()), absl::UTCTimeZone());
  if (event.kind() == proto::JobEvent::STATE) {
    const proto::JobSummary& job = event.job();
    return absl::StrCat(time, "  ", job.state(), ", generation ", job.generation(),
                        job.reason().empty() ? "" : ": ", job.reason(), "\n");
  }
  const proto::CheckpointDetails& checkpoint = event.checkpoint();
  return absl::StrCat(time, "  checkpoint ", checkpoint.epoch(), " ", checkpoint.state(), " in ",
                      checkpoint.duration_ms(), " ms", checkpoint.failure().empty() ? "" : ": ",
                      checkpoint.failure(), "\n");
}

std::string JobAsTable(const proto::JobDetails& job) {
  const proto::JobSummary& summary = job.summary();
  std::string text = Table({{"Job:", summary.job()},
                            {"Name:", summary.name()},
                            {"State:", summary.state()},
                            {"Reason:", OrDash(summary.reason())},
                            {"Generation:", absl::StrCat(summary.generation())},
                            {"Restarts:", absl::StrCat(summary.restarts())},
                            {"Submitted:", Time(summary.submitted_at_ms())}});
  absl::StrAppend(&text, Counts(job.checkpoints()));
  for (const std::string& note : job.notes()) absl::StrAppend(&text, "Note: ", note, "\n");
  for (const auto& [uid, metrics] : MetricsOfSinks(job)) {
    // Only a writer that is open tells a timeout.
    if (metrics.count("transactionTimeoutMs") > 0) absl::StrAppend(&text, SinkLine(uid, metrics));
  }
  std::vector<Row> workers = {{"WORKER", "PID", "TASKMANAGER", "STATE", "MEMORY"}};
  for (const proto::WorkerDetails& worker : job.workers()) {
    workers.push_back({worker.worker(), absl::StrCat(worker.pid()), worker.task_manager(),
                       worker.state(), FormatBytes(worker.resident_bytes())});
  }
  std::vector<Row> tasks = {{"TASK", "NAME", "STATE", "WORKER", "IN", "OUT", "SPLITS"}};
  for (const proto::TaskDetails& task : job.tasks()) {
    tasks.push_back({absl::StrCat(task.vertex(), ".", task.index()), task.name(), task.state(),
                     OrDash(task.worker()), absl::StrCat(task.records_in()),
                     absl::StrCat(task.records_out()), OrDash(absl::StrJoin(task.splits(), ","))});
  }
  absl::StrAppend(&text, "\n", Table(workers), "\n", Table(tasks));
  return text;
}

std::string CheckpointsAsTable(const proto::ListCheckpointsResponse& checkpoints) {
  std::vector<Row> rows = {
      {"EPOCH", "GENERATION", "STATE", "TRIGGERED", "DURATION", "SIZE", "COMMITTED", "FAILURE"}};
  for (const proto::CheckpointDetails& checkpoint : checkpoints.checkpoints()) {
    rows.push_back({absl::StrCat(checkpoint.epoch()), absl::StrCat(checkpoint.generation()),
                    checkpoint.state(), Time(checkpoint.triggered_at_ms()),
                    absl::StrCat(checkpoint.duration_ms(), " ms"),
                    FormatBytes(checkpoint.state_bytes()), checkpoint.committed() ? "yes" : "no",
                    OrDash(checkpoint.failure())});
  }
  return absl::StrCat(Counts(checkpoints.counts()), "\n", Table(rows));
}

std::string TransactionsAsTable(const proto::TransactionsResponse& response) {
  std::vector<Row> rows = {{"TRANSACTIONAL ID", "KIND", "STATE", "PRODUCER", "FENCE", "SUBTASK",
                            "SLOT", "AGE", "TIMEOUT", "MARKER", "MEANING"}};
  for (const proto::SinkTransaction& one : response.transactions()) {
    rows.push_back({one.transactional_id(), one.kind(), one.state(),
                    absl::StrCat(one.producer_id(), ":", one.producer_epoch()),
                    one.has_fence() ? absl::StrCat(one.fence()) : "-",
                    one.has_subtask() ? absl::StrCat(one.subtask()) : "-",
                    one.has_slot() ? absl::StrCat(one.slot()) : "-",
                    one.has_age_ms() ? Seconds(static_cast<double>(one.age_ms())) : "-",
                    Seconds(static_cast<double>(one.timeout_ms())),
                    !one.has_marker_epoch() ? "-" : absl::StrCat("epoch ", one.marker_epoch()),
                    one.meaning()});
  }
  return Table(rows);
}

std::string SentencesAsText(const proto::TransactionsResponse& response) {
  return absl::StrCat(absl::StrJoin(response.sentences(), "\n"), "\n");
}

std::string ClusterAsTable(const proto::ClusterDetails& cluster) {
  std::string text = Table({{"Cluster:", cluster.cluster_id()},
                            {"Version:", OrDash(cluster.version())},
                            {"Leader:", cluster.leader_address()},
                            {"Term:", absl::StrCat(cluster.term())}});
  std::vector<Row> rows = {{"TASKMANAGER", "HOST", "PID", "SLOTS", "USED", "STATE"}};
  for (const proto::TaskManagerDetails& manager : cluster.task_managers()) {
    rows.push_back({manager.task_manager(), manager.host(), absl::StrCat(manager.pid()),
                    absl::StrCat(manager.slots()), absl::StrCat(manager.slots_used()),
                    manager.state()});
  }
  absl::StrAppend(&text, "\n", Table(rows));
  return text;
}

std::string GraphAsTable(const proto::JobGraph& graph) {
  std::vector<Row> rows = {{"VERTEX", "PARALLELISM", "NAME", "INPUTS"}};
  for (const proto::JobVertex& vertex : graph.vertices()) {
    std::vector<std::string> inputs;
    for (const proto::JobEdge& edge : graph.edges()) {
      if (edge.target_vertex() == vertex.id()) inputs.push_back(absl::StrCat(edge.source_vertex()));
    }
    rows.push_back({absl::StrCat(vertex.id()), absl::StrCat(vertex.parallelism()), vertex.name(),
                    OrDash(absl::StrJoin(inputs, ","))});
  }
  return absl::StrCat(Table({{"Job:", graph.job_name()}, {"Fingerprint:", graph.fingerprint()}}),
                      "\n", Table(rows));
}

}  // namespace weir::cli
