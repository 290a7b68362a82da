// Any bytes as an object of operator state, under a right checksum; the first byte chooses which.
// Nothing may fail in another way than by a status, and what is accepted must come back equal when
// it is written.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"

#include "common/base/check.h"
#include "common/base/stable_hash.h"
#include "common/types/byte_reader.h"
#include "state/operator/operator_state_backend.h"
#include "state/operator/operator_state_format.h"

namespace weir {
namespace {

struct Held {
  int32_t id = 0;
  std::string text;
  std::optional<double> weight;
  WEIR_RECORD(Held, id, text, weight)
};
struct LaterHeld {
  std::string text;
  int64_t id = 0;
  bool known = false;
  WEIR_RECORD(LaterHeld, text, id, known)
};

bool Refused(const absl::Status& status) {
  WEIR_CHECK(status.ok() || absl::IsDataLoss(status) || absl::IsInvalidArgument(status) ||
             absl::IsFailedPrecondition(status))
      << status;
  return !status.ok();
}

std::string ObjectOf(absl::string_view body) {
  std::string object = "WEIROPST";
  AppendFixed(kOperatorStateVersion, &object);
  AppendFixed(StableHash64(body), &object);
  object.append(body.data(), body.size());
  return object;
}

OperatorStatePart PartOf(OperatorStateMode mode, const std::string& object) {
  OperatorStatePart part;
  if (object.empty()) return part;
  const auto shared = std::make_shared<const std::string>(object);
  if (mode == OperatorStateMode::kUnionList) part.union_lists = shared;
  if (mode == OperatorStateMode::kBroadcast) part.broadcast = shared;
  if (mode != OperatorStateMode::kList) return part;
  part.lists = shared;
  const auto states = DecodeOperatorState(object, mode);
  if (!states.ok()) return part;
  for (const EncodedOperatorState& state : *states) {
    part.list_sizes[state.info.name] += state.elements.size();
  }
  return part;
}

template <class Record>
void Claim(OperatorStateMode mode, OperatorStateBackend& backend) {
  const ListStateDescriptor<Record> list("state");
  if (mode == OperatorStateMode::kList) (void)backend.GetListState(list);
  if (mode == OperatorStateMode::kUnionList) (void)backend.GetUnionListState(list);
  if (mode == OperatorStateMode::kBroadcast) {
    (void)backend.GetBroadcastState(
        MapStateDescriptor<std::pair<std::string, int32_t>, Record>("state"));
  }
}

std::string Write(OperatorStateMode mode, const OperatorStateBackend& backend) {
  const auto frozen = backend.Freeze();
  if (frozen == nullptr) return "";
  const OperatorStateObjects objects = frozen->Write();
  return mode == OperatorStateMode::kList        ? objects.lists
         : mode == OperatorStateMode::kUnionList ? objects.union_lists
                                                 : objects.broadcast;
}

template <class Record>
void Restore(OperatorStateMode mode, absl::string_view body) {
  OperatorStateBackend backend;
  if (Refused(backend.Restore({PartOf(mode, ObjectOf(body))}, {0, 1}))) return;
  const std::string carried = Write(mode, backend);
  Claim<Record>(mode, backend);
  if (Refused(backend.status())) return;
  const std::string claimed = Write(mode, backend);
  for (const std::string& written : {carried, claimed}) {
    OperatorStateBackend again;
    WEIR_CHECK(again.Restore({PartOf(mode, written)}, {0, 1}).ok());
    WEIR_CHECK(Write(mode, again) == written);
    Claim<Record>(mode, again);
    WEIR_CHECK(again.status().ok());
    WEIR_CHECK(Write(mode, again) == claimed);
  }
}

void FuzzOne(uint8_t choice, absl::string_view body) {
  const auto mode = static_cast<OperatorStateMode>(choice % 3 + 1);
  if (choice >= 128) {
    (void)Refused(DecodeOperatorState(body, mode).status());
    return;
  }
  Restore<Held>(mode, body);
  Restore<LaterHeld>(mode, body);
}

}  // namespace
}  // namespace weir

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  weir::FuzzOne(data[0], {reinterpret_cast<const char*>(data) + 1, size - 1});
  return 0;
}
