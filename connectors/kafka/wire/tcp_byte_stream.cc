#include "connectors/kafka/wire/tcp_byte_stream.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"

namespace weir::kafka {
namespace {

absl::Status ConnectionError(const BrokerAddress& address, absl::string_view what, int error) {
  return absl::UnavailableError(
      absl::StrCat(BrokerAddressText(address), ": ", what, ": ", std::strerror(error)));
}

class TcpByteStream final : public ByteStream {
 public:
  TcpByteStream(const Clock& clock, BrokerAddress address, int socket)
      : clock_(clock), address_(std::move(address)), socket_(socket) {}
  ~TcpByteStream() override { close(socket_); }
  TcpByteStream(const TcpByteStream&) = delete;
  TcpByteStream& operator=(const TcpByteStream&) = delete;

  absl::Status Write(absl::string_view bytes, absl::Duration deadline) override {
    while (!bytes.empty()) {
      const ssize_t sent = send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent >= 0) {
        bytes.remove_prefix(static_cast<size_t>(sent));
      } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
        WEIR_RETURN_IF_ERROR(Await(POLLOUT, deadline, "write"));
      } else if (errno != EINTR) {
        return ConnectionError(address_, "write", errno);
      }
    }
    return absl::OkStatus();
  }

  absl::StatusOr<size_t> Read(char* buffer, size_t capacity, absl::Duration deadline) override {
    while (true) {
      const ssize_t received = recv(socket_, buffer, capacity, 0);
      if (received > 0) return static_cast<size_t>(received);
      if (received == 0) {
        return absl::UnavailableError(
            absl::StrCat(BrokerAddressText(address_), " closed the connection"));
      }
      if (errno == EAGAIN || errno == EWOULDBLOCK) {
        WEIR_RETURN_IF_ERROR(Await(POLLIN, deadline, "read"));
      } else if (errno != EINTR) {
        return ConnectionError(address_, "read", errno);
      }
    }
  }

  bool Quiet() override {
    pollfd waited{socket_, POLLIN, 0};
    return poll(&waited, 1, 0) == 0;
  }

  /// Tries one resolved address.
  absl::Status Connect(const addrinfo& resolved, const TcpOptions& options,
                       absl::Duration deadline) {
    deadline = std::min(deadline, clock_.Monotonic() + options.connection_setup_timeout);
    Set(IPPROTO_TCP, TCP_NODELAY, 1);
    if (options.keepalive) Set(SOL_SOCKET, SO_KEEPALIVE, 1);
    if (options.send_buffer_bytes > 0) Set(SOL_SOCKET, SO_SNDBUF, options.send_buffer_bytes);
    if (options.receive_buffer_bytes > 0) Set(SOL_SOCKET, SO_RCVBUF, options.receive_buffer_bytes);
    if (connect(socket_, resolved.ai_addr, resolved.ai_addrlen) == 0) return absl::OkStatus();
    if (errno != EINPROGRESS) return ConnectionError(address_, "connect", errno);
    WEIR_RETURN_IF_ERROR(Await(POLLOUT, deadline, "connect"));
    int error = 0;
    socklen_t size = sizeof(error);
    getsockopt(socket_, SOL_SOCKET, SO_ERROR, &error, &size);
    return error == 0 ? absl::OkStatus() : ConnectionError(address_, "connect", error);
  }

 private:
  // What the system refuses is not worth a connection.
  void Set(int level, int name, int value) {
    setsockopt(socket_, level, name, &value, sizeof(value));
  }
  absl::Status Await(int16_t events, absl::Duration deadline, absl::string_view what) {
    while (true) {
      const absl::Duration left = deadline - clock_.Monotonic();
      if (left <= absl::ZeroDuration()) {
        return absl::DeadlineExceededError(
            absl::StrCat(BrokerAddressText(address_), ": ", what, " timed out"));
      }
      pollfd waited{socket_, events, 0};
      // Rounded up, so that the last round does not spin.
      const int64_t milliseconds = absl::ToInt64Milliseconds(left) + 1;
      const int ready =
          poll(&waited, 1,
               static_cast<int>(std::min<int64_t>(milliseconds, std::numeric_limits<int>::max())));
      if (ready > 0) return absl::OkStatus();
      if (ready < 0 && errno != EINTR) return ConnectionError(address_, what, errno);
    }
  }

  const Clock& clock_;
  const BrokerAddress address_;
  const int socket_;
};

absl::StatusOr<std::unique_ptr<ByteStream>> Connect(const Clock& clock,
                                                    const BrokerAddress& address,
                                                    const TcpOptions& options,
                                                    absl::Duration deadline) {
  addrinfo hints{};
  hints.ai_family = options.address_family == TcpOptions::Family::kV4   ? AF_INET
                    : options.address_family == TcpOptions::Family::kV6 ? AF_INET6
                                                                        : AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int failed =
      getaddrinfo(address.host.c_str(), absl::StrCat(address.port).c_str(), &hints, &found);
  if (failed != 0) {
    return absl::UnavailableError(
        absl::StrCat(BrokerAddressText(address), ": ", gai_strerror(failed)));
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found, freeaddrinfo);
  absl::Status status = absl::UnavailableError(BrokerAddressText(address));
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    const int descriptor =
        socket(each->ai_family, each->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0) {
      status = ConnectionError(address, "socket", errno);
      continue;
    }
    auto stream = std::make_unique<TcpByteStream>(clock, address, descriptor);
    status = stream->Connect(*each, options, deadline);
    if (status.ok()) return stream;
  }
  return status;
}

}  // namespace

std::string BrokerAddressText(const BrokerAddress& address) {
  return absl::StrCat(address.host, ":", address.port);
}

ByteStreamConnector TcpConnector(const Clock& clock, const TcpOptions& options) {
  return [&clock, options](const BrokerAddress& address, absl::Duration deadline) {
    return Connect(clock, address, options, deadline);
  };
}

}  // namespace weir::kafka
