// Any bytes as parts of a snapshot of keyed state; the first byte chooses which. Nothing may fail
// in another way than by a status, and what is accepted must come back equal when it is written.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"

#include "common/base/check.h"
#include "common/time/clock.h"
#include "common/types/key_codec.h"
#include "state/api/state_codec.h"
#include "state/keyed/heap_keyed_state_backend.h"
#include "state/keyed/snapshot_format.h"
#include "state/keyed/state_compatibility.h"

namespace weir {
namespace {

struct Visit {
  int32_t id = 0;
  std::string page;
  std::optional<double> seconds;
  WEIR_RECORD(Visit, id, page, seconds)
};
struct LaterVisit {
  std::string page;
  int64_t id = 0;
  bool known = false;
  WEIR_RECORD(LaterVisit, page, id, known)
};

class FuzzClock final : public Clock {
 public:
  absl::Time Now() const override { return absl::FromUnixSeconds(1'700'000'000); }
  absl::Duration Monotonic() const override { return absl::Seconds(1); }
};

/// All keys are in group 0.
KeyedStateBackend::Options OptionsOf() {
  return {"fuzz", StateCodec<std::string>::Schema(), 1, {0, 1}};
}

template <class Record>
void GetStates(KeyedStateBackend& backend) {
  const StateTtl ttl{std::chrono::hours(1)};
  (void)backend.GetState(ValueStateDescriptor<Record>("value"));
  (void)backend.GetListState(ListStateDescriptor<Record>("list", ttl));
  (void)backend.GetMapState(MapStateDescriptor<std::pair<std::string, int32_t>, Record>("map"));
  WEIR_CHECK(backend.status().ok()) << backend.status();
}

bool Refused(const absl::Status& status) {
  WEIR_CHECK(status.ok() || absl::IsDataLoss(status) || absl::IsInvalidArgument(status) ||
             absl::IsFailedPrecondition(status))
      << status;
  return !status.ok();
}

std::string WriteAll(KeyedStateBackend& backend) { return *(*backend.Freeze())->Write(); }

template <class Record>
void RestoreSection(const SnapshotHeader& header, const std::string& section) {
  const FuzzClock clock;
  HeapKeyedStateBackend backend(OptionsOf(), clock);
  GetStates<Record>(backend);
  const std::string snapshot = JoinSnapshot(header, {section});
  const absl::string_view snapshots[] = {snapshot};
  if (Refused(backend.Restore(snapshots))) return;
  const std::string written = WriteAll(backend);
  auto list = backend.GetListState(ListStateDescriptor<Record>("list", {std::chrono::hours(1)}));
  backend.SetCurrentKey(KeyRefOf("a", 1));
  const size_t elements = list.Get().size();
  list.Add(Record());
  WEIR_CHECK(list.Get().size() == elements + 1);
  HeapKeyedStateBackend again(OptionsOf(), clock);
  const absl::string_view once_more[] = {written};
  WEIR_CHECK(again.Restore(once_more).ok());
  WEIR_CHECK(WriteAll(again) == written);
  GetStates<Record>(again);
  WEIR_CHECK(WriteAll(again) == written);
}

void FuzzSection(absl::string_view body) {
  SnapshotHeader header;
  header.max_parallelism = 1;
  header.range = {0, 1};
  header.key_schema = StateCodec<std::string>::Schema();
  const StateSchema visit = StateCodec<Visit>::Schema();
  header.states = {
      {"list", StateKind::kList, true, visit, {}},
      {"map", StateKind::kMap, false, visit, StateCodec<std::pair<std::string, int32_t>>::Schema()},
      {"unknown", StateKind::kValue, false, visit, {}},
      {"value", StateKind::kValue, false, visit, {}},
  };
  header.groups.resize(1);
  const std::string section(body);
  RestoreSection<Visit>(header, section);
  RestoreSection<LaterVisit>(header, section);
}

void FuzzHeader(absl::string_view body) {
  const absl::StatusOr<SnapshotHeader> header = DecodeSnapshotHeader(body);
  if (Refused(header.status())) return;
  StateDefinition wanted;
  wanted.name = "state";
  wanted.schema = StateCodec<LaterVisit>::Schema();
  for (const SnapshotState& state : header->states) {
    (void)Refused(CheckStateCompatible(state, wanted).status());
  }
  (void)Refused(CheckKeysCompatible(header->key_schema, StateCodec<int64_t>::Schema()));
}

void FuzzSnapshot(absl::string_view body) {
  const FuzzClock clock;
  HeapKeyedStateBackend backend(OptionsOf(), clock);
  const absl::string_view snapshots[] = {body};
  (void)Refused(backend.Restore(snapshots));
}

/// A schema, and a value that it may be of.
template <class T>
void FuzzValue(absl::string_view body) {
  if (const auto value = DecodeState<T>(body); value.ok()) {
    std::string again;
    EncodeState(*value, &again);
    WEIR_CHECK(again == body);
    ByteReader in(body);
    WEIR_CHECK(SkipValue(StateCodec<T>::Schema(), in) && in.done());
  }
  ByteReader in(body);
  StateSchema schema;
  if (!StateSchema::ReadFrom(in, &schema)) return;
  if (!CompareSchemas(schema, StateCodec<T>::Schema()).ok()) return;
  const absl::string_view rest = in.rest();
  const bool decoded = DecodeState<T>(rest, &schema).ok();
  ByteReader skipped(rest);
  const bool passed = SkipValue(schema, skipped) && skipped.done();
  WEIR_CHECK(passed || !decoded);
}

template <class K>
void FuzzKey(absl::string_view body) {
  const absl::StatusOr<K> key = DecodeKey<K>(body);
  if (!Refused(key.status())) WEIR_CHECK(EncodeKey(*key) == body);
}

void FuzzOne(uint8_t choice, absl::string_view body) {
  switch (choice % 5) {
    case 0:
      return FuzzSection(body);
    case 1:
      return FuzzHeader(body);
    case 2:
      return FuzzSnapshot(body);
    case 3:
      FuzzValue<std::vector<std::pair<LaterVisit, std::optional<uint64_t>>>>(body);
      return FuzzValue<Visit>(body);
    default:
      FuzzKey<Visit>(body);
      FuzzKey<int16_t>(body);
      FuzzKey<double>(body);
      FuzzKey<std::string>(body);
      FuzzKey<std::vector<std::optional<ByteArray>>>(body);
      FuzzKey<std::pair<std::string, float>>(body);
  }
}

}  // namespace
}  // namespace weir

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  weir::FuzzOne(data[0], {reinterpret_cast<const char*>(data) + 1, size - 1});
  return 0;
}
