#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace weir::kafka {

struct BrokerAddress {
  std::string host;
  int32_t port = 0;
  auto operator<=>(const BrokerAddress&) const = default;
};

/// "host:port".
std::string BrokerAddressText(const BrokerAddress& address);

/// A connection to one broker, as bytes: TCP, or what encrypts on top of it.
///
/// Calls block up to `deadline`, a time of Clock::Monotonic(). Errors: DEADLINE_EXCEEDED,
/// UNAVAILABLE (refused, reset, closed by the broker); afterwards the stream is of no use.
/// Threads: one at a time. Destruction closes it.
class ByteStream {
 public:
  virtual ~ByteStream() = default;
  /// All of it.
  virtual absl::Status Write(absl::string_view bytes, absl::Duration deadline) = 0;
  /// At least one byte; returns how many.
  virtual absl::StatusOr<size_t> Read(char* buffer, size_t capacity, absl::Duration deadline) = 0;
  /// Neither bytes nor the end have come. Does not block.
  virtual bool Quiet() = 0;
};

/// Opens a connection; errors as above.
using ByteStreamConnector = std::function<absl::StatusOr<std::unique_ptr<ByteStream>>(
    const BrokerAddress& address, absl::Duration deadline)>;

}  // namespace weir::kafka
