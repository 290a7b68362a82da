#include "common/http/http_server.h"

#include <httplib.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <map>
#include <optional>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

#include "common/base/log.h"
#include "common/base/status_macros.h"
#include "common/exec/mutex.h"
#include "common/exec/thread_blocking_pool.h"
#include "common/net/tls_certificates.h"
#include "common/net/token_check.h"

namespace weir {
namespace {

constexpr size_t kMaxBodyBytes = 4096;
constexpr absl::Duration kLookInterval = absl::Milliseconds(1);
// httplib ends its loop at errors of accept that pass, such as a machine out of descriptors.
constexpr absl::Duration kListenAgainAfter = absl::Seconds(1);

// httplib's queue, bounded: its accept loop waits here while all threads and places are taken.
class BoundedTaskQueue final : public httplib::TaskQueue {
 public:
  explicit BoundedTaskQueue(BlockingPool& pool) : pool_(pool) {}

  void enqueue(std::function<void()> connection) override {
    {
      MutexLock lock(mutex_);
      while (open_ >= HttpServer::kThreads + HttpServer::kWaiting) less_.Wait(mutex_);
      ++open_;
    }
    pool_.Submit([this, connection = std::move(connection)] {
      connection();
      MutexLock lock(mutex_);
      --open_;
      less_.SignalAll();
    });
  }

  // Called by the accept loop when it has ended; the queue is destroyed behind it.
  void shutdown() override {
    MutexLock lock(mutex_);
    while (open_ > 0) less_.Wait(mutex_);
  }

 private:
  BlockingPool& pool_;
  Mutex mutex_;
  CondVar less_;
  size_t open_ WEIR_GUARDED_BY(mutex_) = 0;
};

struct HostPort {
  std::string host;  // without brackets
  int port = 0;
};

HostPort SplitHostPort(const std::string& address) {
  const size_t colon = address.rfind(':');
  HostPort result{address.substr(0, colon), 0};
  if (result.host.size() > 1 && result.host.front() == '[') {
    result.host = result.host.substr(1, result.host.size() - 2);
  }
  if (colon == std::string::npos || !absl::SimpleAtoi(address.substr(colon + 1), &result.port)) {
    result.port = -1;
  }
  return result;
}

// OpenSSL's callback of a handshake: it goes on with the certificates that there are by then. By
// threads of the pool.
int ServeWithCurrent(SSL* connection, void* certificates) {
  const std::shared_ptr<const TlsMaterial> material =
      static_cast<const TlsCertificates*>(certificates)->current();
  bool served = SSL_use_certificate(connection, material->leaf.get()) == 1 &&
                SSL_use_PrivateKey(connection, material->private_key.get()) == 1;
  for (const auto& above : material->chain) {
    served = served && SSL_add1_chain_cert(connection, above.get()) == 1;
  }
  if (material->store != nullptr) {
    served = served && SSL_set1_verify_cert_store(connection, material->store.get()) == 1;
  }
  return served ? 1 : 0;
}

void SetUpTls(TlsCertificates& certificates, bool ask_for_certificate, SSL_CTX& context) {
  SSL_CTX_set_min_proto_version(&context, TLS1_2_VERSION);
  SSL_CTX_set_cert_cb(&context, &ServeWithCurrent, &certificates);
  // None is resumed: each client is checked against the authorities of its time.
  SSL_CTX_set_session_cache_mode(&context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(&context, SSL_OP_NO_TICKET);
  SSL_CTX_set_num_tickets(&context, 0);
  // A probe has none, and may see the health endpoints; the guarded ones look for it.
  if (ask_for_certificate) SSL_CTX_set_verify(&context, SSL_VERIFY_PEER, nullptr);
}

// `options.certificates` are there when a certificate is named.
std::unique_ptr<httplib::Server> MakeServer(const HttpServerOptions& options) {
  if (options.security.certificate_file.empty()) return std::make_unique<httplib::Server>();
  return std::make_unique<httplib::SSLServer>([&options](SSL_CTX& context) {
    SetUpTls(*options.certificates, options.security.require_client_certificate, context);
    return true;
  });
}

void Answer(const HttpResponse& answer, httplib::Response* response) {
  response->status = answer.status;
  response->set_header("Cache-Control", "no-store");
  response->set_header("X-Content-Type-Options", "nosniff");
  response->set_content(answer.body, answer.content_type);
}

HttpResponse Sentence(int status, absl::string_view sentence) {
  return {status, "text/plain; charset=utf-8", absl::StrCat(sentence, "\n")};
}

}  // namespace

struct HttpServer::Impl {
  Impl(HttpServerOptions options_in, std::vector<HttpRoute> routes_in)
      : options(std::move(options_in)), token(options.security.token) {
    for (HttpRoute& route : routes_in) {
      std::string path = route.path;
      routes.emplace(std::move(path), std::move(route));
    }
  }

  void Configure();
  absl::StatusOr<std::string> Bind();
  // The accept loop, on one thread of the pool until Stop.
  void Listen();
  void AwaitListening();
  void Stop();
  bool StopsWithin(absl::Duration delay);
  void Handle(const httplib::Request& request, httplib::Response* response) const;
  std::optional<HttpResponse> Refusal(const httplib::Request& request) const;

  const HttpServerOptions options;
  const TokenCheck token;
  std::map<std::string, HttpRoute> routes;
  std::unique_ptr<httplib::Server> server;
  std::string address;

  Mutex mutex;
  CondVar changed;
  bool stopping WEIR_GUARDED_BY(mutex) = false;
  bool ended WEIR_GUARDED_BY(mutex) = false;
  // One thread accepts.
  ThreadBlockingPool pool{{.name = "weir-http", .threads = kThreads + 1}};
};

void HttpServer::Impl::Configure() {
  server->set_keep_alive_max_count(1);
  server->set_read_timeout(kPatienceSeconds);
  server->set_write_timeout(kPatienceSeconds);
  server->set_payload_max_length(kMaxBodyBytes);
  // Not SO_REUSEPORT, httplib's own choice: a second process would share the port in silence.
  server->set_socket_options([](socket_t socket) {
    const int on = 1;
    setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  });
  server->new_task_queue = [this] { return new BoundedTaskQueue(pool); };
  // Before httplib's routes, which are regular expressions.
  server->set_pre_routing_handler(
      [this](const httplib::Request& request, httplib::Response& response) {
        Handle(request, &response);
        return httplib::Server::HandlerResponse::Handled;
      });
}

absl::StatusOr<std::string> HttpServer::Impl::Bind() {
  const HostPort wanted = SplitHostPort(options.address);
  const std::string host = options.address.substr(0, options.address.rfind(':'));
  if (wanted.port > 0) {
    errno = 0;
    if (server->bind_to_port(wanted.host, wanted.port)) return options.address;
    const std::string reason = errno == 0 ? "no such address" : strerror(errno);
    if (!options.or_any_port) {
      return absl::UnavailableError(
          absl::StrCat("cannot listen at ", options.address, " (", options.option, "): ", reason));
    }
  }
  errno = 0;
  const int port = wanted.port < 0 ? -1 : server->bind_to_any_port(wanted.host);
  if (port > 0) return absl::StrCat(host, ":", port);
  return absl::UnavailableError(
      absl::StrCat("cannot listen at ", options.address, " (", options.option,
                   "): ", errno == 0 ? "no such address" : strerror(errno)));
}

bool HttpServer::Impl::StopsWithin(absl::Duration delay) {
  MutexLock lock(mutex);
  if (!stopping && delay > absl::ZeroDuration()) changed.WaitFor(mutex, delay);
  return stopping;
}

void HttpServer::Impl::Listen() {
  const HostPort bound = SplitHostPort(address);
  bool listening = true;
  while (!StopsWithin(listening ? absl::ZeroDuration() : kListenAgainAfter)) {
    if (!listening) listening = server->bind_to_port(bound.host, bound.port);
    if (!listening) continue;
    server->listen_after_bind();
    listening = false;
    if (StopsWithin(absl::ZeroDuration())) break;
    LogWarning("HTTP connections are not accepted; trying again", {{"address", address}});
  }
  MutexLock lock(mutex);
  ended = true;
  changed.SignalAll();
}

void HttpServer::Impl::AwaitListening() {
  MutexLock lock(mutex);
  while (!ended && !server->is_running()) changed.WaitFor(mutex, kLookInterval);
}

void HttpServer::Impl::Stop() {
  {
    MutexLock lock(mutex);
    stopping = true;
    changed.SignalAll();
  }
  AwaitListening();  // httplib's stop has no effect on a loop that has not begun
  server->stop();
  {
    // Connections that were accepted are answered by the pool before the loop ends.
    MutexLock lock(mutex);
    while (!ended) changed.Wait(mutex);
  }
  pool.Shutdown();
}

std::optional<HttpResponse> HttpServer::Impl::Refusal(const httplib::Request& request) const {
  if (request.ssl != nullptr && options.security.require_client_certificate &&
      SSL_get0_peer_certificate(request.ssl) == nullptr) {
    return Sentence(403,
                    "this path asks for a client certificate "
                    "(security.tls.require-client-certificate)");
  }
  const absl::Status admitted = token.Check(request.get_header_value(TokenCheck::kHeader));
  if (admitted.ok()) return std::nullopt;
  return Sentence(401, absl::string_view(admitted.message()));
}

void HttpServer::Impl::Handle(const httplib::Request& request, httplib::Response* response) const {
  if (request.method != "GET" && request.method != "HEAD") {
    response->set_header("Allow", "GET, HEAD");
    return Answer(Sentence(405, "only GET and HEAD are answered here"), response);
  }
  const auto route = routes.find(request.path);
  if (route == routes.end()) return Answer(Sentence(404, "there is no such path"), response);
  if (route->second.guarded) {
    if (const std::optional<HttpResponse> refusal = Refusal(request)) {
      if (refusal->status == 401) response->set_header("WWW-Authenticate", "Bearer");
      return Answer(*refusal, response);
    }
  }
  Answer(route->second.answer(), response);
}

HttpServer::HttpServer(std::unique_ptr<Impl> impl)
    : impl_(std::move(impl)), address_(impl_->address) {}

HttpServer::~HttpServer() { Shutdown(); }

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Start(HttpServerOptions options,
                                                              std::vector<HttpRoute> routes) {
  if (options.certificates == nullptr && !options.security.certificate_file.empty()) {
    WEIR_ASSIGN_OR_RETURN(options.certificates, TlsCertificates::Create(options.security));
  }
  auto impl = std::make_unique<Impl>(std::move(options), std::move(routes));
  impl->server = MakeServer(impl->options);
  if (!impl->server->is_valid()) {
    return absl::InternalError("OpenSSL makes no context for HTTP with TLS");
  }
  impl->Configure();
  absl::StatusOr<std::string> address = impl->Bind();
  if (!address.ok()) return address.status();
  impl->address = *std::move(address);
  impl->pool.Submit([serving = impl.get()] { serving->Listen(); });
  impl->AwaitListening();
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

void HttpServer::Shutdown() {
  if (impl_ == nullptr) return;
  impl_->Stop();
  impl_.reset();
}

}  // namespace weir
