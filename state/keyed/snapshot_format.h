#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "common/time/event_time.h"
#include "common/types/key_group.h"
#include "state/api/keyed_timers.h"
#include "state/api/state_schema.h"
#include "state/api/state_table.h"

/// The bytes of a snapshot of keyed state, which every backend writes and reads:
/// docs/formats/keyed-state-snapshot.md. Pure functions.
///
/// Errors: DATA_LOSS for what cannot be such bytes, FAILED_PRECONDITION for a newer format.
namespace weir {

inline constexpr uint32_t kKeyedSnapshotVersion = 1;

/// What a snapshot says about one state.
struct SnapshotState {
  std::string name;
  StateKind kind = StateKind::kValue;
  bool stamped = false;  // it had a TTL: values are written with the times of their last writes
  StateSchema schema;
  StateSchema map_key_schema;  // of maps

  bool operator==(const SnapshotState&) const = default;
};

struct SnapshotHeader {
  /// The section of one key group. Groups that have nothing have none.
  struct Group {
    uint32_t group = 0;
    uint64_t offset = 0;  // behind the header
    uint64_t size = 0;
    uint64_t checksum = 0;  // StableHash64
  };

  uint32_t max_parallelism = 0;
  KeyGroupRange range;
  StateSchema key_schema;
  std::vector<SnapshotState> states;
  std::vector<Group> groups;  // ascending
};

/// One value in a section. `map_key` is empty but for maps.
struct SnapshotEntry {
  absl::string_view key;
  absl::string_view map_key;
  absl::string_view value;
};
struct SnapshotTimer {
  int64_t time_micros = 0;
  absl::string_view key;
  absl::string_view name_space;
};

/// Makes the section of one group; the calls in this order:
/// (BeginState, AddEntry...) for each state of the header; (BeginTimers, AddTimer...) for event
/// time, then for processing time.
class SnapshotSectionWriter {
 public:
  explicit SnapshotSectionWriter(EventTime watermark);
  void BeginState(uint64_t entries);
  /// Values are appended to the string that is returned, then EndEntry.
  std::string& BeginEntry(StateKind kind, absl::string_view key, absl::string_view map_key);
  void EndEntry();
  void BeginTimers(uint64_t timers);
  void AddTimer(const SnapshotTimer& timer);
  std::string Take() { return std::move(bytes_); }

 private:
  std::string bytes_;
  std::string value_;
};

/// The whole snapshot. The groups' offsets, sizes and checksums are filled in.
/// `sections`: one for each of header.groups.
std::string JoinSnapshot(SnapshotHeader header, const std::vector<std::string>& sections);

/// Whether this begins as one, damaged or not.
bool IsCanonicalSnapshot(absl::string_view bytes);
/// Checks the header's checksum and that the sections are all there.
absl::StatusOr<SnapshotHeader> ReadSnapshotHeader(absl::string_view snapshot);
/// The same for what stands between the checksum and the sections.
absl::StatusOr<SnapshotHeader> DecodeSnapshotHeader(absl::string_view bytes);
/// The section of a group of this snapshot's header; checks its checksum.
absl::StatusOr<absl::string_view> ReadSnapshotSection(absl::string_view snapshot,
                                                      const SnapshotHeader::Group& group);

/// Receives a section. The views are valid as long as the section. Errors end the reading.
class SnapshotSectionReader {
 public:
  virtual ~SnapshotSectionReader() = default;
  virtual absl::Status OnWatermark(EventTime watermark) = 0;
  /// `state`: place in header.states.
  virtual absl::Status OnEntry(size_t state, const SnapshotEntry& entry) = 0;
  virtual absl::Status OnTimer(TimeDomain domain, const SnapshotTimer& timer) = 0;
};
absl::Status DecodeSnapshotSection(const SnapshotHeader& header, absl::string_view section,
                                   SnapshotSectionReader& reader);

}  // namespace weir
