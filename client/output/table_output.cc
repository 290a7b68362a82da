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

#include "client/output/output.h"
#include "client/output/table.h"
#include "common/base/bytes_format.h"

namespace weir::cli {
namespace {

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

std::string Milliseconds(int64_t us) {
  return absl::StrFormat("%.1f ms", static_cast<double>(us) / 1000);
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

template <class Number>
std::string Text(Number number) {
  return absl::StrCat(number);
}

bool IsWide(const OutputStyle& style) { return style.format == OutputFormat::kWide; }

// Appends the columns that -o wide has more.
void Widen(const OutputStyle& style, Row* row, const Row& more) {
  if (IsWide(style)) row->insert(row->end(), more.begin(), more.end());
}

std::string TaskManagerTable(const proto::ClusterDetails& cluster, const OutputStyle& style) {
  std::vector<Row> rows = {{"TASKMANAGER", "HOST", "PID", "SLOTS", "USED", "STATE"}};
  Widen(style, &rows[0], {"FREE"});
  for (const proto::TaskManagerDetails& manager : cluster.task_managers()) {
    Row& row = rows.emplace_back(Row{manager.task_manager(), manager.host(), Text(manager.pid()),
                                     Text(manager.slots()), Text(manager.slots_used()),
                                     State(manager.state())});
    Widen(style, &row, {Text(manager.slots() - manager.slots_used())});
  }
  return Table(rows, style.colours);
}

std::string WorkerTable(const proto::JobDetails& job, const OutputStyle& style) {
  std::vector<Row> rows = {{"WORKER", "PID", "TASKMANAGER", "STATE", "MEMORY"}};
  for (const proto::WorkerDetails& worker : job.workers()) {
    rows.push_back({worker.worker(), Text(worker.pid()), worker.task_manager(),
                    State(worker.state()), FormatBytes(worker.resident_bytes())});
  }
  return Table(rows, style.colours);
}

std::string TaskTable(const proto::JobDetails& job, const OutputStyle& style) {
  std::vector<Row> rows = {{"TASK", "NAME", "STATE", "WORKER", "IN", "OUT", "SPLITS"}};
  for (const proto::TaskDetails& task : job.tasks()) {
    rows.push_back({absl::StrCat(task.vertex(), ".", task.index()), task.name(),
                    State(task.state()), OrDash(task.worker()), Text(task.records_in()),
                    Text(task.records_out()), OrDash(absl::StrJoin(task.splits(), ","))});
  }
  return Table(rows, style.colours);
}

// The books, over all subtasks.
std::string OperatorTable(const proto::JobDetails& job, const OutputStyle& style) {
  std::vector<proto::OperatorCounts> sums;  // in order of their first appearance
  for (const proto::TaskDetails& task : job.tasks()) {
    for (const proto::OperatorCounts& one : task.operators()) {
      auto sum = std::find_if(sums.begin(), sums.end(),
                              [&one](const auto& other) { return other.uid() == one.uid(); });
      if (sum == sums.end()) {
        sums.push_back(one);
        continue;
      }
      sum->set_records_in(sum->records_in() + one.records_in());
      sum->set_records_out(sum->records_out() + one.records_out());
      sum->set_filtered(sum->filtered() + one.filtered());
      sum->set_late(sum->late() + one.late());
      sum->set_skipped(sum->skipped() + one.skipped());
      sum->set_dead_lettered(sum->dead_lettered() + one.dead_lettered());
    }
  }
  std::vector<Row> rows = {
      {"OPERATOR", "IN", "OUT", "FILTERED", "LATE", "SKIPPED", "DEAD-LETTERED"}};
  Widen(style, &rows[0], {"UID"});
  for (const proto::OperatorCounts& one : sums) {
    Row& row = rows.emplace_back(Row{one.name(), Text(one.records_in()), Text(one.records_out()),
                                     Text(one.filtered()), Text(one.late()), Text(one.skipped()),
                                     Text(one.dead_lettered())});
    Widen(style, &row, {one.uid()});
  }
  return Table(rows, style.colours);
}

std::string ConfigurationTable(const proto::JobDetails& job, const OutputStyle& style) {
  std::vector<Row> rows = {{"OPTION", "VALUE"}};
  const std::map<std::string, std::string> sorted(job.configuration().begin(),
                                                  job.configuration().end());
  for (const auto& [key, value] : sorted) rows.push_back({key, value});
  return Table(rows, style.colours);
}

// What the state of its operators belongs to: "route: string, by hash", or the planner's words.
std::string KeyingOf(const proto::JobGraph& graph, const proto::JobVertex& vertex) {
  std::vector<std::string> keyings;
  for (const proto::JobEdge& edge : graph.edges()) {
    if (edge.target_vertex() != vertex.id() || edge.exchange() != proto::JobEdge::HASH) continue;
    keyings.push_back(absl::StrCat(edge.key(), ", by hash"));
  }
  for (const proto::OperatorDescriptor& one : vertex.operators()) {
    const auto keying = one.configuration().find("keying");
    if (keying != one.configuration().end()) keyings.push_back(keying->second);
  }
  keyings.erase(std::unique(keyings.begin(), keyings.end()), keyings.end());
  return OrDash(absl::StrJoin(keyings, "; "));
}

}  // namespace

std::string AsTable(const proto::ListJobsResponse& jobs, const OutputStyle& style) {
  std::vector<Row> rows = {{"JOB", "NAME", "STATE", "GENERATION", "RESTARTS", "SUBMITTED"}};
  Widen(style, &rows[0], {"REASON"});
  for (const proto::JobSummary& job : jobs.jobs()) {
    Row& row =
        rows.emplace_back(Row{job.job(), job.name(), State(job.state()), Text(job.generation()),
                              Text(job.restarts()), Time(job.submitted_at_ms())});
    Widen(style, &row, {OrDash(job.reason())});
  }
  return Table(rows, style.colours);
}

std::string AsTable(const proto::JobSummary& job, const OutputStyle& style) {
  std::string text = absl::StrCat("job '", job.name(), "' (", job.job(), ") is ",
                                  Coloured(State(job.state()), style.colours));
  if (!job.reason().empty()) absl::StrAppend(&text, ": ", job.reason());
  return text + "\n";
}

std::string AsTable(const proto::JobEvent& event, const OutputStyle& style) {
  const std::string time =
      absl::FormatTime("%H:%M:%E3S", absl::FromUnixMillis(event.at_ms()), absl::UTCTimeZone());
  if (event.kind() == proto::JobEvent::STATE) {
    const proto::JobSummary& job = event.job();
    return absl::StrCat(time, "  ", Coloured(State(job.state()), style.colours), ", generation ",
                        job.generation(), job.reason().empty() ? "" : ": ", job.reason(), "\n");
  }
  const proto::CheckpointDetails& checkpoint = event.checkpoint();
  const std::string size =
      IsWide(style) ? absl::StrCat(", ", FormatBytes(checkpoint.state_bytes())) : "";
  return absl::StrCat(time, "  checkpoint ", checkpoint.epoch(), " ",
                      Coloured(State(checkpoint.state()), style.colours), " in ",
                      checkpoint.duration_ms(), " ms", size,
                      checkpoint.failure().empty() ? "" : ": ", checkpoint.failure(), "\n");
}

std::string AsTable(const proto::JobDetails& job, const OutputStyle& style) {
  const proto::JobSummary& summary = job.summary();
  std::string text = Table({{"Job:", summary.job()},
                            {"Name:", summary.name()},
                            {"State:", State(summary.state())},
                            {"Reason:", OrDash(summary.reason())},
                            {"Generation:", Text(summary.generation())},
                            {"Restarts:", Text(summary.restarts())},
                            {"Submitted:", Time(summary.submitted_at_ms())}},
                           style.colours);
  absl::StrAppend(&text, Counts(job.checkpoints()));
  for (const std::string& note : job.notes()) absl::StrAppend(&text, "Note: ", note, "\n");
  for (const auto& [uid, metrics] : MetricsOfSinks(job)) {
    // Only a writer that is open tells a timeout.
    if (metrics.count("transactionTimeoutMs") > 0) absl::StrAppend(&text, SinkLine(uid, metrics));
  }
  absl::StrAppend(&text, "\n", WorkerTable(job, style), "\n", TaskTable(job, style), "\n",
                  OperatorTable(job, style));
  if (IsWide(style)) absl::StrAppend(&text, "\n", ConfigurationTable(job, style));
  return text;
}

std::string LogHeading(const proto::WorkerLog& log) {
  return absl::StrCat("==> worker ", log.worker(), " on TaskManager ", log.task_manager(), ": ",
                      log.alive() ? "alive" : log.ending(), "\n");
}

std::string AsTable(const proto::WorkerLog& log, const OutputStyle&) {
  return absl::StrCat(LogHeading(log), log.data());
}

std::string AsTable(const proto::ListCheckpointsResponse& checkpoints, const OutputStyle& style) {
  std::vector<Row> rows = {
      {"EPOCH", "GENERATION", "STATE", "TRIGGERED", "DURATION", "SIZE", "COMMITTED", "FAILURE"}};
  Widen(style, &rows[0], {"TERM"});
  for (const proto::CheckpointDetails& checkpoint : checkpoints.checkpoints()) {
    Row& row = rows.emplace_back(
        Row{Text(checkpoint.epoch()), Text(checkpoint.generation()), State(checkpoint.state()),
            Time(checkpoint.triggered_at_ms()), absl::StrCat(checkpoint.duration_ms(), " ms"),
            FormatBytes(checkpoint.state_bytes()), checkpoint.committed() ? "yes" : "no",
            OrDash(checkpoint.failure())});
    Widen(style, &row, {Text(checkpoint.term())});
  }
  return absl::StrCat(Counts(checkpoints.counts()), "\n", Table(rows, style.colours));
}

std::string AsTable(const proto::CheckpointDetails& checkpoint, const OutputStyle& style) {
  std::string text =
      absl::StrCat("Checkpoint ", checkpoint.epoch(), " (", checkpoint.state(), ", generation ",
                   checkpoint.generation(), ", committed: ", checkpoint.committed() ? "yes" : "no",
                   "): triggered ", Time(checkpoint.triggered_at_ms()), ", ",
                   checkpoint.duration_ms(), " ms, ", FormatBytes(checkpoint.state_bytes()), "\n");
  if (!checkpoint.failure().empty()) absl::StrAppend(&text, checkpoint.failure(), "\n");
  if (checkpoint.subtasks().empty()) {
    return absl::StrCat(text, "What its subtasks did is not known to this leader.\n");
  }
  std::vector<Row> rows = {
      {"TASK", "NAME", "END TO END", "ALIGNMENT", "SYNC", "PREPARE", "ASYNC", "WRITTEN", "STATE"}};
  for (const proto::SubtaskCheckpoint& one : checkpoint.subtasks()) {
    rows.push_back({absl::StrCat(one.vertex(), ".", one.index()), one.name(),
                    Milliseconds(one.end_to_end_us()), Milliseconds(one.alignment_us()),
                    Milliseconds(one.sync_us()), Milliseconds(one.prepare_us()),
                    Milliseconds(one.async_us()), FormatBytes(one.written_bytes()),
                    FormatBytes(one.state_bytes())});
  }
  return absl::StrCat(text, "\n", Table(rows, style.colours));
}

std::string AsTable(const proto::TransactionsResponse& response, const OutputStyle& style) {
  std::vector<Row> rows = {{"TRANSACTIONAL ID", "KIND", "STATE", "PRODUCER", "FENCE", "SUBTASK",
                            "SLOT", "AGE", "TIMEOUT", "MARKER", "MEANING"}};
  Widen(style, &rows[0], {"SINK", "PREFIX"});
  for (const proto::SinkTransaction& one : response.transactions()) {
    Row& row = rows.emplace_back(Row{
        one.transactional_id(), one.kind(), one.state(),
        absl::StrCat(one.producer_id(), ":", one.producer_epoch()),
        one.has_fence() ? Text(one.fence()) : "-", one.has_subtask() ? Text(one.subtask()) : "-",
        one.has_slot() ? Text(one.slot()) : "-",
        one.has_age_ms() ? Seconds(static_cast<double>(one.age_ms())) : "-",
        Seconds(static_cast<double>(one.timeout_ms())),
        !one.has_marker_epoch() ? "-" : absl::StrCat("epoch ", one.marker_epoch()), one.meaning()});
    Widen(style, &row, {one.sink_uid(), one.prefix()});
  }
  return Table(rows, style.colours);
}

std::string AsTable(const TransactionAnswer& answer, const OutputStyle&) {
  return absl::StrCat(absl::StrJoin(answer.response.sentences(), "\n"), "\n");
}

std::string AsTable(const proto::ClusterDetails& cluster, const OutputStyle& style) {
  std::vector<Row> rows = {{"Cluster:", cluster.cluster_id()},
                           {"Version:", OrDash(cluster.version())},
                           {"Leader:", cluster.leader_address()},
                           {"Term:", Text(cluster.term())}};
  if (IsWide(style)) rows.push_back({"Leader's pid:", Text(cluster.leader_pid())});
  return absl::StrCat(Table(rows, style.colours), "\n", TaskManagerTable(cluster, style));
}

std::string AsTable(const TaskManagerList& list, const OutputStyle& style) {
  return TaskManagerTable(list.cluster, style);
}

std::string AsTable(const proto::JobGraph& graph, const OutputStyle& style) {
  std::vector<Row> rows = {{"VERTEX", "PARALLELISM", "NAME", "INPUTS", "KEYS"}};
  Widen(style, &rows[0], {"OPERATORS"});
  for (const proto::JobVertex& vertex : graph.vertices()) {
    std::vector<std::string> inputs;
    for (const proto::JobEdge& edge : graph.edges()) {
      if (edge.target_vertex() == vertex.id()) inputs.push_back(Text(edge.source_vertex()));
    }
    std::vector<std::string> uids;
    for (const proto::OperatorDescriptor& one : vertex.operators()) uids.push_back(one.uid());
    Row& row = rows.emplace_back(Row{Text(vertex.id()), Text(vertex.parallelism()), vertex.name(),
                                     OrDash(absl::StrJoin(inputs, ",")), KeyingOf(graph, vertex)});
    Widen(style, &row, {OrDash(absl::StrJoin(uids, ","))});
  }
  return absl::StrCat(
      Table({{"Job:", graph.job_name()}, {"Fingerprint:", graph.fingerprint()}}, style.colours),
      "\n", Table(rows, style.colours));
}

}  // namespace weir::cli
