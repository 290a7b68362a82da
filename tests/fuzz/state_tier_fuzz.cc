// Any bytes as parts of a checkpoint of the state tier; the first byte chooses which. Nothing may
// fail in another way than by a status, and what is accepted must come back equal.

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"

#include "common/base/check.h"
#include "common/base/stable_hash.h"
#include "common/exec/blocking_pool.h"
#include "common/types/byte_reader.h"
#include "state/tiered/dirty_log.h"
#include "state/tiered/list_value.h"
#include "state/tiered/tier_key.h"
#include "state/tiered/tier_manifest.h"
#include "state/tiered/tiered_keyed_state_backend.h"
#include "tests/support/settable_clock.h"
#include "tests/support/temporary_directory.h"

namespace weir {
namespace {

class InlinePool final : public BlockingPool {
 public:
  void Submit(std::function<void()> work) override { work(); }
};

bool Refused(const absl::Status& status) {
  WEIR_CHECK(status.ok() || absl::IsDataLoss(status) || absl::IsInvalidArgument(status) ||
             absl::IsFailedPrecondition(status))
      << status;
  return !status.ok();
}

/// A log with these bytes as its only block, all checksums right.
std::string LogOf(absl::string_view block, uint64_t entries) {
  DirtyLogEncoder empty;
  empty.Begin(1);
  std::string log = empty.bytes();
  if (!block.empty()) {
    AppendFixed(static_cast<uint32_t>(block.size()), &log);
    AppendFixed(StableHash64(block), &log);
    log.append(block.data(), block.size());
  }
  std::string count;
  AppendFixed(entries, &count);
  AppendFixed(uint32_t{0}, &log);
  AppendFixed(StableHash64(absl::string_view(count)), &log);
  return log + count;
}

void FuzzLog(absl::string_view body) {
  DirtyLogEncoder again;
  again.Begin(1);
  uint64_t entries = 0;
  const auto add = [&](const DirtyEntry& entry) {
    ++entries;
    again.Add(entry);
    return absl::OkStatus();
  };
  (void)Refused(ReadDirtyLog(LogOf(body, UINT64_MAX), add).status());
  again.End();
  const std::string log = LogOf(body, entries);
  const auto pass = [](const DirtyEntry&) { return absl::OkStatus(); };
  if (Refused(ReadDirtyLog(log, pass).status())) return;
  if (body.size() < DirtyLogEncoder::kBlockBytes) WEIR_CHECK(again.bytes() == log);
}

void FuzzManifest(absl::string_view body) {
  std::string bytes = "WEIRTIER";
  AppendFixed(kTierManifestVersion, &bytes);
  AppendFixed(StableHash64(body), &bytes);
  bytes.append(body.data(), body.size());
  const absl::StatusOr<TierManifest> manifest = DecodeTierManifest(bytes);
  if (Refused(manifest.status())) return;
  // Runs of watermarks may be split; written again they are not.
  const std::string again = EncodeTierManifest(*manifest);
  WEIR_CHECK(EncodeTierManifest(*DecodeTierManifest(again)) == again);
}

void FuzzKeys(absl::string_view body) {
  TimeDomain domain;
  DueTimer timer;
  if (ReadTimerKey(body, &domain, &timer)) {
    WEIR_CHECK(TimerKey(timer.group, domain, timer.time_micros, timer.key, timer.name_space) ==
               body);
  }
  std::string key;
  absl::string_view map_key;
  if (body.size() >= kTierPrefixSize) (void)SplitMapKey(body, &key, &map_key);
}

/// A value in one part or in many, as bytes and as a cell, whose elements are `values`.
template <class Cell>
void FuzzParts(const TierState& state, std::vector<std::string> Cell::*values,
               absl::string_view body) {
  std::string again;
  size_t elements = 0;
  const bool read = ReadListParts(state.kind, state.formats, body, [&](const ListPart& part) {
    AppendVarint(part.format, &again);
    AppendVarint(part.count, &again);
    again.append(part.elements.data(), part.elements.size());
    elements += part.count;
  });
  Cell cell;
  WEIR_CHECK(state.Decode(body, &cell) == read);
  if (!read) return;
  WEIR_CHECK(again == body && (cell.*values).size() == elements);
  std::string joined = again.substr(0, 1);
  if (!JoinListParts(state.kind, state.formats, body, &joined)) return;
  Cell of_joined;
  WEIR_CHECK(state.Decode(joined, &of_joined) && of_joined.*values == cell.*values);
}

void FuzzList(absl::string_view body) {
  TierState state;
  state.kind = StateKind::kList;
  const StateSchema text = StateCodec<std::string>::Schema();
  state.formats = {{false, kNoStamp, text, {}}, {true, kNoStamp, text, {}}};
  state.cell_type = &CellTypeOf<ListCell<std::string>>();
  FuzzParts(state, &ListCell<std::string>::values, body);
  // An entry of a map.
  using Texts = std::vector<std::string>;
  state.kind = StateKind::kMap;
  state.formats = {{false, kNoStamp, StateCodec<Texts>::Schema(), {}}};
  state.cell_type = &CellTypeOf<ValueCell<Texts>>();
  FuzzParts(state, &ValueCell<Texts>::value, body);
}

TierManifest ManifestOf(uint64_t log_bytes) {
  TierManifest manifest;
  manifest.max_parallelism = 1;
  manifest.range = {0, 1};
  manifest.key_schema = StateCodec<std::string>::Schema();
  manifest.watermarks_micros = {7};
  const StateSchema text = StateCodec<std::string>::Schema();
  const StateSchema number = StateCodec<int32_t>::Schema();
  TierState value;
  value.id = 1;
  value.name = "value";
  value.formats = {{false, kNoStamp, number, {}},
                   {true, kNoStamp, StateCodec<int64_t>::Schema(), {}}};
  TierState map = value;
  map.id = 2;
  map.name = "map";
  map.kind = StateKind::kMap;
  map.formats = {{false, kNoStamp, text, number}};
  TierState list = map;
  list.id = 3;
  list.name = "list";
  list.kind = StateKind::kList;
  list.formats = {{false, kNoStamp, text, {}}};
  TierState unknown = list;
  unknown.id = 4;
  unknown.name = "unknown";
  manifest.states = {value, map, list, unknown};
  manifest.logs = {{"log", log_bytes}};
  return manifest;
}

/// A log that a backend restores, reads and writes again.
void FuzzRestore(absl::string_view body) {
  static const TemporaryDirectory directory;
  uint64_t entries = 0;
  const auto count = [&entries](const DirtyEntry&) {
    ++entries;
    return absl::OkStatus();
  };
  (void)ReadDirtyLog(LogOf(body, UINT64_MAX), count);
  const std::string log = LogOf(body, entries);
  const std::string path = directory.File("log");
  std::ofstream(path, std::ios::binary) << log;
  const KeyedStateIncrement increment{EncodeTierManifest(ManifestOf(log.size())),
                                      {{"log", log.size(), path, nullptr}}};
  SettableClock clock;
  InlinePool pool;
  TieredStateOptions options;
  options.directory = directory.File("backend");
  options.instance = "fuzz";
  auto backend = TieredKeyedStateBackend::Open(
      {"fuzz", StateCodec<std::string>::Schema(), 1, {0, 1}}, options, clock, pool);
  WEIR_CHECK(backend.ok());
  if (Refused((*backend)->RestoreIncrements({&increment, 1}))) return;
  auto value = (*backend)->GetState(ValueStateDescriptor<int64_t>("value"));
  auto map = (*backend)->GetMapState(MapStateDescriptor<int64_t, std::string>("map"));
  auto list = (*backend)->GetListState(ListStateDescriptor<std::string>("list"));
  (*backend)->SetCurrentKey(KeyRefOf("a", 1));
  (void)value.Value();
  (void)map.Entries();
  std::vector<std::string> elements = list.Get();
  // Behind what is there: in memory, in RocksDB, and from there.
  for (const std::string element : {"added", "once more"}) {
    list.Add(element);
    elements.push_back(element);
    if (Refused((*backend)->status())) return;
    clock.Advance(absl::Seconds(11));
    (*backend)->BeginBatch();
    (*backend)->BeginBatch();
    (*backend)->SetCurrentKey(KeyRefOf("a", 1));
  }
  WEIR_CHECK(list.Get() == elements || !(*backend)->status().ok());
  while ((*backend)->timers().PopDue(TimeDomain::kEventTime, 1000)) continue;
  if (Refused((*backend)->status())) return;
  const auto frozen = (*backend)->Freeze();
  WEIR_CHECK(frozen.ok());
  (void)Refused((*frozen)->Write().status());
}

void FuzzOne(uint8_t choice, absl::string_view body) {
  switch (choice % 5) {
    case 0:
      return FuzzLog(body);
    case 1:
      return FuzzManifest(body);
    case 2:
      return FuzzKeys(body);
    case 4:
      return FuzzList(body);
    default:
      return FuzzRestore(body);
  }
}

}  // namespace
}  // namespace weir

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  weir::FuzzOne(data[0], {reinterpret_cast<const char*>(data) + 1, size - 1});
  return 0;
}
