#pragma once

#include <string>

#include "client/output/output_format.h"
#include "proto/client.pb.h"

namespace weir::cli {

/// What the CLI prints: every answer as JSON, as a table and as names. The JSON keys are a public
/// interface: they are added to, never changed or removed
/// (tests/unit/client/output/output_test.cc). Times are ISO 8601 in UTC; a number that is not known
/// is null. Names are "job/<id>" and the like, one a line, for scripts. Every function returns
/// whole lines.

std::string AsJson(const proto::ListJobsResponse& jobs);
std::string AsTable(const proto::ListJobsResponse& jobs, const OutputStyle& style);
std::string AsNames(const proto::ListJobsResponse& jobs);

std::string AsJson(const proto::JobDetails& job);
std::string AsTable(const proto::JobDetails& job, const OutputStyle& style);
std::string AsNames(const proto::JobDetails& job);

/// For submit, cancel and stop: which job it is about, as a sentence.
std::string AsJson(const proto::JobSummary& job);
std::string AsTable(const proto::JobSummary& job, const OutputStyle& style);
std::string AsNames(const proto::JobSummary& job);

/// One event of `weir watch`; JSON on a line of its own.
std::string AsJson(const proto::JobEvent& event);
std::string AsTable(const proto::JobEvent& event, const OutputStyle& style);
std::string AsNames(const proto::JobEvent& event);

/// A piece of a worker's log, of `weir logs`; JSON on a line of its own. The table is the heading
/// and what was written.
std::string AsJson(const proto::WorkerLog& log);
std::string AsTable(const proto::WorkerLog& log, const OutputStyle& style);
std::string AsNames(const proto::WorkerLog& log);
/// Whose log it is, and what became of the worker.
std::string LogHeading(const proto::WorkerLog& log);

std::string AsJson(const proto::ListCheckpointsResponse& checkpoints);
std::string AsTable(const proto::ListCheckpointsResponse& checkpoints, const OutputStyle& style);
std::string AsNames(const proto::ListCheckpointsResponse& checkpoints);

/// One checkpoint with its subtasks.
std::string AsJson(const proto::CheckpointDetails& checkpoint);
std::string AsTable(const proto::CheckpointDetails& checkpoint, const OutputStyle& style);
std::string AsNames(const proto::CheckpointDetails& checkpoint);

/// The answer to `weir transactions list`.
std::string AsJson(const proto::TransactionsResponse& response);
std::string AsTable(const proto::TransactionsResponse& response, const OutputStyle& style);
std::string AsNames(const proto::TransactionsResponse& response);

/// The answer about one transaction, which is sentences.
struct TransactionAnswer {
  std::string transactional_id;
  proto::TransactionsResponse response;
};
std::string AsJson(const TransactionAnswer& answer);
std::string AsTable(const TransactionAnswer& answer, const OutputStyle& style);
std::string AsNames(const TransactionAnswer& answer);

/// The answers to `weir dlq list`, `show` and `replay`.
struct DeadLetterTopics {
  proto::DeadLettersResponse response;
};
std::string AsJson(const DeadLetterTopics& topics);
std::string AsTable(const DeadLetterTopics& topics, const OutputStyle& style);
std::string AsNames(const DeadLetterTopics& topics);

struct DeadLetterList {
  proto::DeadLettersResponse response;
  bool contents = false;
};
std::string AsJson(const DeadLetterList& list);
std::string AsTable(const DeadLetterList& list, const OutputStyle& style);
std::string AsNames(const DeadLetterList& list);

struct DeadLetterReplayAnswer {
  proto::DeadLettersResponse response;
};
std::string AsJson(const DeadLetterReplayAnswer& answer);
std::string AsTable(const DeadLetterReplayAnswer& answer, const OutputStyle& style);
std::string AsNames(const DeadLetterReplayAnswer& answer);

std::string AsJson(const proto::ClusterDetails& cluster);
std::string AsTable(const proto::ClusterDetails& cluster, const OutputStyle& style);
std::string AsNames(const proto::ClusterDetails& cluster);

/// Of a cluster, its TaskManagers only.
struct TaskManagerList {
  proto::ClusterDetails cluster;
};
std::string AsJson(const TaskManagerList& list);
std::string AsTable(const TaskManagerList& list, const OutputStyle& style);
std::string AsNames(const TaskManagerList& list);

std::string AsJson(const proto::JobGraph& graph);
std::string AsTable(const proto::JobGraph& graph, const OutputStyle& style);
std::string AsNames(const proto::JobGraph& graph);

/// An answer in the form that was asked for.
template <class Answer>
std::string Rendered(const Answer& answer, const OutputStyle& style) {
  switch (style.format) {
    case OutputFormat::kJson:
      return AsJson(answer);
    case OutputFormat::kYaml:
      return JsonAsYaml(AsJson(answer));
    case OutputFormat::kName:
      return AsNames(answer);
    case OutputFormat::kTable:
    case OutputFormat::kWide:
      break;
  }
  return AsTable(answer, style);
}

}  // namespace weir::cli
