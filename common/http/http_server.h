#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "common/net/security_options.h"

namespace weir {

class TlsCertificates;

/// What a route answers.
struct HttpResponse {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
};

/// One path that is answered to GET and HEAD. `answer` is called by several threads at once and
/// may wait for some seconds.
struct HttpRoute {
  std::string path;     // "/metrics", as a whole
  bool guarded = true;  // asks for the token, and for a certificate where those are required
  std::function<HttpResponse()> answer;
};

struct HttpServerOptions {
  std::string option;        // key of the option the address is from, for messages
  std::string address;       // "host:port", port 0: any; allowed by CheckBindAddress
  bool or_any_port = false;  // when the port is taken
  /// TLS is spoken when a certificate is named. Client certificates are asked for when required.
  SecurityOptions security;
  /// Those of `security`, which somebody else keeps fresh: each connection gets those of its time.
  /// Null: they are read at the start, once.
  std::shared_ptr<TlsCertificates> certificates;
};

/// A small HTTP/1.1 server for health, metrics and configuration: a few fixed paths, no bodies, one
/// request a connection. cpp-httplib does the work (docs/adr/0005-cpp-httplib.md); its header
/// stands in http_server.cc alone.
///
/// Bounds: kThreads requests at once, kWaiting connections behind them; while they are all taken no
/// connection is accepted. A connection that is silent for kPatienceSeconds is closed.
/// Life cycle: serves from Start to Shutdown, which waits for the requests that run.
/// Threads: Shutdown and the destructor by one thread, not one of the server's.
class HttpServer {
 public:
  static constexpr size_t kThreads = 4;
  static constexpr size_t kWaiting = 16;
  static constexpr int kPatienceSeconds = 3;

  /// UNAVAILABLE when the address cannot be listened at, INVALID_ARGUMENT for files of the TLS
  /// options; one sentence each.
  static absl::StatusOr<std::unique_ptr<HttpServer>> Start(HttpServerOptions options,
                                                           std::vector<HttpRoute> routes);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  /// "host:port" with the port it listens on.
  const std::string& address() const { return address_; }
  void Shutdown();

 private:
  struct Impl;
  explicit HttpServer(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
  std::string address_;
};

}  // namespace weir
