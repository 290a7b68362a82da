#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "state/api/operator_state_store.h"
#include "state/api/state_schema.h"

/// The bytes of a snapshot of operator state: docs/formats/operator-state-snapshot.md. Pure.
///
/// Errors: DATA_LOSS for what cannot be such bytes, FAILED_PRECONDITION for a newer format.
namespace weir {

inline constexpr uint32_t kOperatorStateVersion = 1;

/// What a snapshot says about one state.
struct WrittenOperatorState {
  std::string name;
  OperatorStateMode mode = OperatorStateMode::kList;
  StateSchema schema;
  StateSchema map_key_schema;  // of broadcast state

  bool operator==(const WrittenOperatorState&) const = default;
};

/// Makes one object. Each state: BeginState, then so many elements.
class OperatorStateWriter {
 public:
  void BeginState(const WrittenOperatorState& state, uint64_t elements);
  /// An element as Decode gives it.
  void AddEncoded(absl::string_view element);
  void AddListElement(absl::string_view value);
  void AddMapEntry(absl::string_view key, absl::string_view value);
  /// Empty when there was no state.
  std::string Take();

 private:
  uint64_t states_ = 0;
  std::string body_;
};

/// A state of an object. Its elements are as they were written, valid as long as the object.
struct EncodedOperatorState {
  WrittenOperatorState info;
  std::vector<absl::string_view> elements;
};

/// `mode`: what the object has to be of.
absl::StatusOr<std::vector<EncodedOperatorState>> DecodeOperatorState(absl::string_view object,
                                                                      OperatorStateMode mode);

/// The parts of an element. False never comes for what DecodeOperatorState gives.
bool ReadListElement(absl::string_view element, absl::string_view* value);
bool ReadMapEntry(absl::string_view element, absl::string_view* key, absl::string_view* value);

}  // namespace weir
