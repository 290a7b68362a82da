#pragma once

namespace weir {

/// What a sink promises about each record after failures: may be missing or doubled (none), is
/// there at least once, is there exactly once.
enum class DeliveryGuarantee { kNone, kAtLeastOnce, kExactlyOnce };

}  // namespace weir
