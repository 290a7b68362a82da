#pragma once

namespace weir {

/// The version of this build of Weir, as --version shows it.
inline constexpr char kVersion[] = "0.1.0";

}  // namespace weir
