#pragma once

#include "common/time/clock.h"
#include "connectors/kafka/wire/byte_stream.h"

namespace weir::kafka {

/// Plain TCP. The connector resolves the name (which may block longer than the deadline when the
/// machine's resolver does) and tries its addresses in order. `clock` must outlive the connector
/// and its streams, and run with real time.
ByteStreamConnector TcpConnector(const Clock& clock);

}  // namespace weir::kafka
