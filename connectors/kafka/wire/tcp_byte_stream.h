#pragma once

#include "common/time/clock.h"
#include "connectors/kafka/wire/byte_stream.h"

namespace weir::kafka {

/// Of sockets; names as in librdkafka's configuration.
struct TcpOptions {
  enum class Family { kAny, kV4, kV6 };
  Family address_family = Family::kAny;
  bool keepalive = false;
  int send_buffer_bytes = 0;                                           // 0: the system's
  int receive_buffer_bytes = 0;                                        // 0: the system's
  absl::Duration connection_setup_timeout = absl::InfiniteDuration();  // of each address
};

/// Plain TCP. The connector resolves the name (which may block longer than the deadline when the
/// machine's resolver does) and tries its addresses in order. `clock` must outlive the connector
/// and its streams, and run with real time.
ByteStreamConnector TcpConnector(const Clock& clock, const TcpOptions& options = {});

}  // namespace weir::kafka
