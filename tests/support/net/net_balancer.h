#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

#include "common/base/check.h"

namespace weir {

/// A load balancer in front of servers on 127.0.0.1: each connection goes to the next of them, and
/// stays with it.
/// Threads: its own. Life cycle: from its construction on; the destructor ends all connections.
class NetBalancer {
 public:
  /// `servers`: "127.0.0.1:PORT".
  explicit NetBalancer(std::vector<std::string> servers) : servers_(std::move(servers)) {
    sockaddr_in any = AddressOf("127.0.0.1:0");
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    socklen_t size = sizeof(any);
    WEIR_CHECK(bind(listener_, reinterpret_cast<sockaddr*>(&any), size) == 0 &&
               listen(listener_, 16) == 0 &&
               getsockname(listener_, reinterpret_cast<sockaddr*>(&any), &size) == 0)
        << "a listening socket";
    address_ = absl::StrCat("127.0.0.1:", ntohs(any.sin_port));
    acceptor_ = std::thread([this] { Accept(); });
  }
  ~NetBalancer() {
    shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    for (const int socket : sockets_) shutdown(socket, SHUT_RDWR);
    for (std::thread& pump : pumps_) pump.join();
    for (const int socket : sockets_) close(socket);
    close(listener_);
  }
  NetBalancer(const NetBalancer&) = delete;
  NetBalancer& operator=(const NetBalancer&) = delete;

  const std::string& address() const { return address_; }

 private:
  static sockaddr_in AddressOf(absl::string_view server) {
    int port = 0;
    WEIR_CHECK(absl::SimpleAtoi(server.substr(server.rfind(':') + 1), &port)) << "a port";
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<uint16_t>(port));
    return address;
  }
  void Accept() {
    for (size_t next = 0;; ++next) {
      const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (client < 0) return;
      const sockaddr_in address = AddressOf(servers_[next % servers_.size()]);
      const int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      sockets_.insert(sockets_.end(), {client, server});
      if (connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
        shutdown(client, SHUT_RDWR);
        continue;
      }
      pumps_.emplace_back([client, server] { Pump(client, server); });
      pumps_.emplace_back([client, server] { Pump(server, client); });
    }
  }
  static void Pump(int from, int to) {
    char bytes[16384];
    for (ssize_t got = 0; (got = recv(from, bytes, sizeof(bytes), 0)) > 0;) {
      for (ssize_t sent = 0; sent < got;) {
        const ssize_t more = send(to, bytes + sent, static_cast<size_t>(got - sent), MSG_NOSIGNAL);
        if (more <= 0) break;
        sent += more;
      }
    }
    shutdown(from, SHUT_RDWR);
    shutdown(to, SHUT_RDWR);
  }

  const std::vector<std::string> servers_;
  int listener_ = -1;
  std::string address_;
  // Of the acceptor's thread, until it has ended.
  std::vector<int> sockets_;
  std::vector<std::thread> pumps_;
  std::thread acceptor_;
};

}  // namespace weir
