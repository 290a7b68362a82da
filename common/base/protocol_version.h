#pragma once

#include <cstdint>

namespace weir {

/// Version of the control protocol (proto/control.proto). Every handshake carries the range a
/// process speaks; no overlap is refused, naming both sides.
inline constexpr uint32_t kProtocolVersionMin = 1;
inline constexpr uint32_t kProtocolVersion = 1;

}  // namespace weir
