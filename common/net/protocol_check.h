#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace weir {

/// The header in which callers of the client service say which protocol versions they speak: "1-2".
/// Callers that are not Weir's programs, and only know the .proto, send none.
inline constexpr char kProtocolHeader[] = "weir-protocol";
std::string ProtocolHeaderValue();

/// Whether `who` ("the client") speaks a version that this process, `self` ("this JobManager"),
/// speaks. FAILED_PRECONDITION, naming both: "the client speaks protocol versions 2 to 3, this
/// JobManager 1 to 1; they have to be of releases that go together".
absl::Status CheckProtocolVersions(uint32_t min, uint32_t max, absl::string_view who,
                                   absl::string_view self);

/// The same of a header's value; OK for "" and for what is none.
absl::Status CheckProtocolHeader(absl::string_view value, absl::string_view who,
                                 absl::string_view self);

}  // namespace weir
