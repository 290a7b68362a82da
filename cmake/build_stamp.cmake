# Writes the source that says what was built (common/http/build_info.h), when it differs from the
# one that is there:
#   cmake -DSOURCE=... -DOUTPUT=.../build_info.cc -DBUILD_TYPE=... -P build_stamp.cmake
set(commit "unknown")
find_program(git git)
if(git)
  execute_process(
    COMMAND "${git}" -C "${SOURCE}" describe --always --dirty --abbrev=12 --exclude=*
    OUTPUT_VARIABLE described
    RESULT_VARIABLE result
    OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  if(result EQUAL 0)
    set(commit "${described}")
  endif()
endif()
file(CONFIGURE OUTPUT "${OUTPUT}" CONTENT [[
#include "common/http/build_info.h"

#include "common/base/version.h"

namespace weir {

BuildInfo GetBuildInfo() { return {kVersion, "@commit@", "@BUILD_TYPE@"}; }

}  // namespace weir
]] @ONLY)
