#pragma once

namespace weir {

/// What was built, as /version and weir_build_info show it. Its values are of the last build of
/// the servers, not of their libraries'.
struct BuildInfo {
  const char* version;
  const char* commit;      // "-dirty" behind it when files differ from it; "unknown" without git
  const char* build_type;  // "Release", "RelWithDebInfo+asan"
};

BuildInfo GetBuildInfo();

}  // namespace weir
