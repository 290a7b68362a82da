#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/operator/stream_graph.h"
#include "tests/sim/broker/broker_link.h"
#include "tests/sim/outside.h"
#include "tests/sim/sim_brokers.h"
#include "tests/sim/sim_config.h"
#include "tests/sim/sim_process.h"

namespace weir::sim {

/// Positions a sink writer had been given at the barrier of an epoch, by split: what the manifest
/// of that epoch has to say if no barrier overtook a record. Filled by writers, read by checkers.
struct BarrierRecord {
  struct Key {
    std::string worker;
    Epoch epoch;
    uint32_t subtask = 0;
    auto operator<=>(const Key&) const = default;
  };
  std::map<Key, std::map<uint64_t, int64_t>> positions;
};

/// What the connectors and the operator of one worker process reach.
struct ModelContext {
  SimWorld& world;
  const SimConfig& config;
  Outside& outside;
  BarrierRecord& barriers;
  SimBrokers& brokers;
  SimProcess* process = nullptr;  // null where the job is only planned
  BrokerLink* link = nullptr;     // as above: the process's way to the brokers
  std::string worker;
  /// Where there is a process: its host and the JobManagers hear nothing of each other until then.
  std::function<void(absl::Duration until)> cut_off;
};

inline constexpr char kJobName[] = "model";
inline constexpr char kSourceUid[] = "source";
inline constexpr char kOperatorUid[] = "count";
inline constexpr char kSinkUid[] = "sink";

std::string SplitName(uint64_t split);
uint64_t SplitNumber(const std::string& name);

/// source -> count -> sink, as the configuration has it, or with keyed operators before the count
/// (tests/sim/keyed). The context must outlive the graph.
StreamGraph MakeModelGraph(ModelContext& context);

/// (split, index)
SchemaPtr RecordSchema();

std::shared_ptr<const Source> MakeModelSource(ModelContext& context);
std::unique_ptr<Operator> MakeModelOperator(ModelContext& context);
std::shared_ptr<const Sink> MakeModelSink(ModelContext& context);

/// State of the operator: how far each split was counted, and the watermark it has seen.
struct ModelOperatorState {
  std::map<uint64_t, int64_t> next;       // position behind the last record
  std::map<uint64_t, uint64_t> checksum;  // of the records, from the split's start
  int64_t watermark_us = INT64_MIN;

  std::string Encode(uint32_t padding) const;
  static ModelOperatorState Decode(const std::string& state);
};

/// What the checksum of records [from, to) of a split has to be.
uint64_t ExpectedChecksum(uint64_t split, int64_t from, int64_t to);
uint64_t RecordValue(uint64_t split, int64_t index);
int64_t EventTimeOf(int64_t index);

}  // namespace weir::sim
