#pragma once

namespace weir::kafka {

/// Headers of dead letters in Kafka; a public interface (docs/writing-jobs.md).
inline constexpr char kErrorTopicHeader[] = "weir.errors.topic";
inline constexpr char kErrorPartitionHeader[] = "weir.errors.partition";
inline constexpr char kErrorOffsetHeader[] = "weir.errors.offset";
inline constexpr char kErrorMessageHeader[] = "weir.errors.message";
inline constexpr char kErrorOperatorHeader[] = "weir.errors.operator";
inline constexpr char kErrorOperatorUidHeader[] = "weir.errors.operator.uid";
inline constexpr char kErrorJobHeader[] = "weir.errors.job";
inline constexpr char kErrorJobIdHeader[] = "weir.errors.job.id";
inline constexpr char kErrorSubtaskHeader[] = "weir.errors.subtask";
inline constexpr char kErrorFormatHeader[] = "weir.errors.format";
/// Of a letter that was replayed: "<topic>-<partition>@<offset>" of the dead letter.
inline constexpr char kReplayedHeader[] = "weir.replayed";

}  // namespace weir::kafka
