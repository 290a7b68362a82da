#include "state/api/state_handle.h"

#include "common/base/check.h"

namespace weir::internal {

void FailUnboundState() {
  WEIR_CHECK(false) << "a state was used that was not got from the operator's context: call "
                       "GetState, GetListState, GetMapState, GetReducingState or "
                       "GetAggregatingState when the operator is opened, and keep what it returns";
  __builtin_unreachable();
}

}  // namespace weir::internal
