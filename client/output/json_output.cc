#include <map>
#include <utility>

#include "absl/time/time.h"

#include "client/output/output.h"
#include <nlohmann/json.hpp>

namespace weir::cli {
namespace {

using Json = nlohmann::ordered_json;

// Bytes that are no UTF-8 (of a log line, say) are replaced; nothing throws.
std::string Line(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Json Time(int64_t ms) {
  if (ms == 0) return nullptr;
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", absl::FromUnixMillis(ms), absl::UTCTimeZone());
}

Json Summary(const proto::JobSummary& job) {
  return {{"job_id", job.job()},
          {"name", job.name()},
          {"state", job.state()},
          {"generation", job.generation()},
          {"restarts", job.restarts()},
          {"reason", job.reason()},
          {"submitted_at", Time(job.submitted_at_ms())}};
}

Json Counts(const proto::CheckpointCounts& counts) {
  Json json = {{"triggered", counts.triggered()},
               {"completed", counts.completed()},
               {"failed", counts.failed()}};
  json["latest_epoch"] = counts.has_latest_epoch() ? Json(counts.latest_epoch()) : Json(nullptr);
  json["restored_epoch"] =
      counts.has_restored_epoch() ? Json(counts.restored_epoch()) : Json(nullptr);
  return json;
}

Json Checkpoint(const proto::CheckpointDetails& checkpoint) {
  return {{"epoch", checkpoint.epoch()},
          {"generation", checkpoint.generation()},
          {"term", checkpoint.term()},
          {"state", checkpoint.state()},
          {"triggered_at", Time(checkpoint.triggered_at_ms())},
          {"duration_ms", checkpoint.duration_ms()},
          {"state_bytes", checkpoint.state_bytes()},
          {"committed", checkpoint.committed()},
          {"failure", checkpoint.failure()}};
}

template <class Strings>
Json StringArray(const Strings& strings) {
  Json array = Json::array();
  for (const std::string& string : strings) array.push_back(string);
  return array;
}

template <class StringMap>
Json StringObject(const StringMap& entries) {
  Json object = Json::object();
  const std::map<std::string, std::string> sorted(entries.begin(), entries.end());
  for (const auto& [key, value] : sorted) object[key] = value;
  return object;
}

template <class SinkMetrics>
Json Sinks(const SinkMetrics& sinks) {
  Json array = Json::array();
  for (const proto::SinkMetrics& sink : sinks) {
    Json metrics = Json::object();
    const std::map<std::string, double> sorted(sink.values().begin(), sink.values().end());
    for (const auto& [name, value] : sorted) metrics[name] = value;
    array.push_back({{"uid", sink.sink_uid()}, {"metrics", metrics}});
  }
  return array;
}

template <class Counts>
Json Operators(const Counts& operators) {
  Json array = Json::array();
  for (const proto::OperatorCounts& one : operators) {
    array.push_back({{"uid", one.uid()},
                     {"name", one.name()},
                     {"records_in", one.records_in()},
                     {"records_out", one.records_out()},
                     {"filtered", one.filtered()},
                     {"late", one.late()},
                     {"skipped", one.skipped()},
                     {"dead_lettered", one.dead_lettered()}});
  }
  return array;
}

Json Operator(const proto::OperatorDescriptor& descriptor) {
  return {{"uid", descriptor.uid()},
          {"name", descriptor.name()},
          {"kind", proto::OperatorDescriptor::Kind_Name(descriptor.kind())},
          {"type", descriptor.type()},
          {"configuration", StringObject(descriptor.configuration())},
          {"output_schema", descriptor.output_schema()}};
}

Json TaskManagers(const proto::ClusterDetails& cluster) {
  Json array = Json::array();
  for (const proto::TaskManagerDetails& manager : cluster.task_managers()) {
    array.push_back({{"taskmanager_id", manager.task_manager()},
                     {"host", manager.host()},
                     {"pid", manager.pid()},
                     {"slots", manager.slots()},
                     {"slots_used", manager.slots_used()},
                     {"state", manager.state()}});
  }
  return array;
}

}  // namespace

std::string AsJson(const proto::ListJobsResponse& jobs) {
  Json list = Json::array();
  for (const proto::JobSummary& job : jobs.jobs()) list.push_back(Summary(job));
  return Line({{"jobs", list}});
}

std::string AsJson(const proto::JobDetails& job) {
  Json json = Summary(job.summary());
  json["workers"] = Json::array();
  for (const proto::WorkerDetails& worker : job.workers()) {
    json["workers"].push_back({{"worker_id", worker.worker()},
                               {"pid", worker.pid()},
                               {"taskmanager", worker.task_manager()},
                               {"state", worker.state()},
                               {"resident_bytes", worker.resident_bytes()}});
  }
  json["tasks"] = Json::array();
  for (const proto::TaskDetails& task : job.tasks()) {
    json["tasks"].push_back({{"vertex", task.vertex()},
                             {"index", task.index()},
                             {"name", task.name()},
                             {"state", task.state()},
                             {"worker_id", task.worker()},
                             {"records_in", task.records_in()},
                             {"records_out", task.records_out()},
                             {"splits", StringArray(task.splits())},
                             {"sinks", Sinks(task.sinks())},
                             {"operators", Operators(task.operators())}});
  }
  json["sinks"] = Sinks(job.sinks());
  json["notes"] = StringArray(job.notes());
  json["checkpoints"] = Counts(job.checkpoints());
  json["configuration"] = StringObject(job.configuration());
  return Line(json);
}

std::string AsJson(const proto::JobSummary& job) { return Line(Summary(job)); }

std::string AsJson(const proto::JobEvent& event) {
  Json json = {{"sequence", event.sequence()}, {"at", Time(event.at_ms())}};
  if (event.kind() == proto::JobEvent::STATE) {
    json["kind"] = "state";
    json["job"] = Summary(event.job());
  } else {
    json["kind"] = "checkpoint";
    json["checkpoint"] = Checkpoint(event.checkpoint());
  }
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string AsJson(const proto::WorkerLog& log) {
  Json json = {{"worker_id", log.worker()},
               {"taskmanager", log.task_manager()},
               {"alive", log.alive()},
               {"ending", log.ending()},
               {"written_at", Time(log.written_at_ms())},
               {"offset", log.offset()},
               {"text", log.data()}};
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string AsJson(const proto::CheckpointDetails& checkpoint) {
  Json json = Checkpoint(checkpoint);
  json["subtasks"] = Json::array();
  for (const proto::SubtaskCheckpoint& one : checkpoint.subtasks()) {
    json["subtasks"].push_back({{"vertex", one.vertex()},
                                {"index", one.index()},
                                {"name", one.name()},
                                {"end_to_end_us", one.end_to_end_us()},
                                {"alignment_us", one.alignment_us()},
                                {"sync_us", one.sync_us()},
                                {"prepare_us", one.prepare_us()},
                                {"async_us", one.async_us()},
                                {"written_bytes", one.written_bytes()},
                                {"state_bytes", one.state_bytes()}});
  }
  return Line(json);
}

std::string AsJson(const proto::ListCheckpointsResponse& checkpoints) {
  Json json = Counts(checkpoints.counts());
  json["checkpoints"] = Json::array();
  for (const proto::CheckpointDetails& checkpoint : checkpoints.checkpoints()) {
    json["checkpoints"].push_back(Checkpoint(checkpoint));
  }
  return Line(json);
}

std::string AsJson(const proto::TransactionsResponse& response) {
  Json list = Json::array();
  for (const proto::SinkTransaction& one : response.transactions()) {
    Json row = {{"sink", one.sink_uid()},
                {"prefix", one.prefix()},
                {"transactional_id", one.transactional_id()},
                {"kind", one.kind()},
                {"meaning", one.meaning()},
                {"state", one.state()},
                {"producer_id", one.producer_id()},
                {"producer_epoch", one.producer_epoch()}};
    row["fence"] = one.has_fence() ? Json(one.fence()) : Json(nullptr);
    row["subtask"] = one.has_subtask() ? Json(one.subtask()) : Json(nullptr);
    row["slot"] = one.has_slot() ? Json(one.slot()) : Json(nullptr);
    row["age_ms"] = one.has_age_ms() ? Json(one.age_ms()) : Json(nullptr);
    row["timeout_ms"] = one.timeout_ms();
    row["marker_epoch"] = one.has_marker_epoch() ? Json(one.marker_epoch()) : Json(nullptr);
    list.push_back(std::move(row));
  }
  return Line({{"transactions", list}, {"sentences", StringArray(response.sentences())}});
}

std::string AsJson(const TransactionAnswer& answer) { return AsJson(answer.response); }

std::string AsJson(const proto::ClusterDetails& cluster) {
  Json json = {{"cluster_id", cluster.cluster_id()}, {"version", cluster.version()}};
  json["leader"] = {{"address", cluster.leader_address()},
                    {"term", cluster.term()},
                    {"pid", cluster.leader_pid()}};
  json["taskmanagers"] = TaskManagers(cluster);
  return Line(json);
}

std::string AsJson(const TaskManagerList& list) {
  return Line({{"taskmanagers", TaskManagers(list.cluster)}});
}

std::string AsJson(const proto::JobGraph& graph) {
  Json json = {{"job_name", graph.job_name()},
               {"max_parallelism", graph.max_parallelism()},
               {"fingerprint", graph.fingerprint()}};
  json["vertices"] = Json::array();
  for (const proto::JobVertex& vertex : graph.vertices()) {
    Json operators = Json::array();
    for (const proto::OperatorDescriptor& descriptor : vertex.operators()) {
      operators.push_back(Operator(descriptor));
    }
    json["vertices"].push_back({{"id", vertex.id()},
                                {"name", vertex.name()},
                                {"parallelism", vertex.parallelism()},
                                {"operators", operators}});
  }
  json["edges"] = Json::array();
  for (const proto::JobEdge& edge : graph.edges()) {
    json["edges"].push_back({{"source_vertex", edge.source_vertex()},
                             {"target_vertex", edge.target_vertex()},
                             {"exchange", proto::JobEdge::Exchange_Name(edge.exchange())}});
  }
  return Line(json);
}

}  // namespace weir::cli
