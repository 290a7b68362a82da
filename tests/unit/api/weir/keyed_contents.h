#pragma once

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"

#include "common/base/status_macros.h"
#include "common/exec/thread_blocking_pool.h"
#include "common/time/system_clock.h"
#include "proto/checkpoint.pb.h"
#include "state/keyed/snapshot_format.h"
#include "state/tiered/tier_manifest.h"
#include "state/tiered/tiered_keyed_state_backend.h"
#include "tests/support/temporary_directory.h"

namespace weir {

/// What is in the keyed state of a snapshot of a harness: values (entries of maps), and timers.
struct KeyedContents {
  size_t entries = 0;
  size_t timers = 0;
  bool operator==(const KeyedContents&) const = default;
};

/// The canonical snapshot of keyed state that RocksDB has written.
inline absl::StatusOr<std::string> CanonicalOf(const proto::OperatorSnapshot& one) {
  WEIR_ASSIGN_OR_RETURN(const TierManifest manifest, DecodeTierManifest(one.state().inlined()));
  const TemporaryDirectory directory;
  const SystemClock clock;
  ThreadBlockingPool pool({.name = "weir-test", .threads = 1});
  KeyedStateIncrement increment{one.state().inlined(), {}};
  for (const proto::StateFile& file : one.files()) {
    const std::string& bytes = file.object().inlined();
    increment.files.push_back({file.name(), bytes.size(),
                               directory.File(absl::StrCat("file-", increment.files.size())),
                               nullptr});
    std::ofstream(increment.files.back().path, std::ios::binary) << bytes;
  }
  KeyedStateBackend::Options options;
  options.operator_name = one.uid();
  options.key_schema = manifest.key_schema;
  options.max_parallelism = manifest.max_parallelism;
  options.range = manifest.range;
  TieredStateOptions tiered;
  tiered.directory = directory.File("state");
  tiered.instance = "contents";
  WEIR_ASSIGN_OR_RETURN(const auto backend,
                        TieredKeyedStateBackend::Open(options, tiered, clock, pool));
  WEIR_RETURN_IF_ERROR(backend->RestoreIncrements(absl::MakeConstSpan(&increment, 1)));
  WEIR_ASSIGN_OR_RETURN(const std::unique_ptr<FrozenState> frozen, backend->Freeze());
  return frozen->Write();
}

inline absl::StatusOr<KeyedContents> ContentsOfState(const proto::OperatorSnapshot& one) {
  class Reader final : public SnapshotSectionReader {
   public:
    absl::Status OnWatermark(EventTime) override { return absl::OkStatus(); }
    absl::Status OnEntry(size_t, const SnapshotEntry&) override {
      ++contents.entries;
      return absl::OkStatus();
    }
    absl::Status OnTimer(TimeDomain, const SnapshotTimer&) override {
      ++contents.timers;
      return absl::OkStatus();
    }
    KeyedContents contents;
  };
  Reader reader;
  std::string bytes = one.state().inlined();
  if (bytes.empty()) return reader.contents;
  if (IsTierManifest(bytes)) {
    WEIR_ASSIGN_OR_RETURN(bytes, CanonicalOf(one));
  }
  WEIR_ASSIGN_OR_RETURN(const SnapshotHeader header, ReadSnapshotHeader(bytes));
  for (const SnapshotHeader::Group& group : header.groups) {
    WEIR_ASSIGN_OR_RETURN(const auto section, ReadSnapshotSection(bytes, group));
    WEIR_RETURN_IF_ERROR(DecodeSnapshotSection(header, section, reader));
  }
  return reader.contents;
}

/// Of all operators. {SIZE_MAX, SIZE_MAX}: it cannot be read.
inline KeyedContents ContentsOf(const std::string& harness_snapshot) {
  constexpr KeyedContents kUnreadable{SIZE_MAX, SIZE_MAX};
  KeyedContents sum;
  proto::TaskSnapshot task;
  if (!task.ParseFromString(harness_snapshot)) return kUnreadable;
  for (const proto::OperatorSnapshot& one : task.operators()) {
    const absl::StatusOr<KeyedContents> contents = ContentsOfState(one);
    if (!contents.ok()) return kUnreadable;
    sum.entries += contents->entries;
    sum.timers += contents->timers;
  }
  return sum;
}

}  // namespace weir
