#pragma once

#include <string>

#include "proto/client.pb.h"

namespace weir::cli {

/// What the CLI prints. The JSON keys are a public interface: they are added to, never changed or
/// removed (tests/unit/client/cli/output_test.cc). Times are ISO 8601 in UTC; a number that is not
/// known is null. Every function returns whole lines.

std::string JobsAsJson(const proto::ListJobsResponse& jobs);
std::string JobsAsTable(const proto::ListJobsResponse& jobs);

std::string JobAsJson(const proto::JobDetails& job);
std::string JobAsTable(const proto::JobDetails& job);

/// For submit, cancel and stop: which job it is about.
std::string JobStateAsJson(const proto::JobSummary& job);
std::string JobStateAsText(const proto::JobSummary& job);

/// One event of `weir watch`; JSON on a line of its own.
std::string JobEventAsJson(const proto::JobEvent& event);
std::string JobEventAsText(const proto::JobEvent& event);

std::string CheckpointsAsJson(const proto::ListCheckpointsResponse& checkpoints);
std::string CheckpointsAsTable(const proto::ListCheckpointsResponse& checkpoints);

/// The answer to `weir transactions`: rows of a list, or sentences.
std::string TransactionsAsJson(const proto::TransactionsResponse& response);
std::string TransactionsAsTable(const proto::TransactionsResponse& response);
std::string SentencesAsText(const proto::TransactionsResponse& response);

std::string ClusterAsJson(const proto::ClusterDetails& cluster);
std::string ClusterAsTable(const proto::ClusterDetails& cluster);

std::string GraphAsJson(const proto::JobGraph& graph);
std::string GraphAsTable(const proto::JobGraph& graph);

}  // namespace weir::cli
