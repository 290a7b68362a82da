// The HTTP server on real sockets: routes, token, TLS, bounds, and its end.

#include "common/http/http_server.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

#include "common/net/tls_certificates.h"
#include "common/time/system_clock.h"
#include "tests/support/http/http_get.h"
#include "tests/support/net/mounted_secret.h"
#include "tests/support/net/testing_certificates.h"
#include "tests/support/temporary_directory.h"

namespace weir {
namespace {

using testing::HasSubstr;

class HttpServerTest : public testing::Test {
 protected:
  absl::StatusOr<std::unique_ptr<HttpServer>> TryStart(const std::string& address,
                                                       SecurityOptions security = {},
                                                       bool or_any_port = false) {
    HttpServerOptions options;
    options.option = "jobmanager.http-address";
    options.address = address;
    options.or_any_port = or_any_port;
    options.security = std::move(security);
    options.certificates = certificates_;
    return HttpServer::Start(std::move(options),
                             {{"/open", false,
                               [] {
                                 return HttpResponse{200, "text/plain", "hello"};
                               }},
                              {"/guarded", true, [] {
                                 return HttpResponse{200, "text/plain", "secret"};
                               }}});
  }
  void Start(SecurityOptions security = {}) {
    auto server = TryStart("127.0.0.1:0", std::move(security));
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }
  // Status and body.
  std::string Get(const std::string& path, const HttpGetOptions& options = {}) {
    const absl::StatusOr<HttpAnswer> answer = HttpGet(server_->address(), path, options);
    if (!answer.ok()) return answer.status().ToString();
    return absl::StrCat(answer->status, " ", answer->body);
  }
  // A connection that says nothing.
  int Connect() {
    const int connection = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int port = 0;
    const std::string& bound = server_->address();
    EXPECT_TRUE(absl::SimpleAtoi(bound.substr(bound.rfind(':') + 1), &port));
    address.sin_port = htons(static_cast<uint16_t>(port));
    EXPECT_EQ(connect(connection, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    return connection;
  }

  TemporaryDirectory directory_;
  std::shared_ptr<TlsCertificates> certificates_;
  std::unique_ptr<HttpServer> server_;
};

TEST_F(HttpServerTest, AnswersItsPathsAndNoOthers) {
  Start();
  EXPECT_EQ(Get("/open"), "200 hello");
  EXPECT_EQ(Get("/guarded"), "200 secret");
  EXPECT_EQ(Get("/openx"), "404 there is no such path\n");
  EXPECT_EQ(Get("/" + std::string(5000, 'a')), "404 there is no such path\n");
  HttpGetOptions post;
  post.method = "POST";
  EXPECT_EQ(Get("/open", post), "405 only GET and HEAD are answered here\n");
  HttpGetOptions head;
  head.method = "HEAD";
  EXPECT_EQ(Get("/open", head), "200 ");
}

TEST_F(HttpServerTest, GuardedPathsAskForTheToken) {
  SecurityOptions security;
  security.token = "open sesame";
  Start(security);
  EXPECT_EQ(Get("/open"), "200 hello");
  EXPECT_THAT(Get("/guarded"), HasSubstr("401 this cluster asks for a token"));
  HttpGetOptions wrong;
  wrong.token = "open barley";
  EXPECT_THAT(Get("/guarded", wrong), HasSubstr("401 the token of the call is not"));
  HttpGetOptions right;
  right.token = "open sesame";
  EXPECT_EQ(Get("/guarded", right), "200 secret");
}

TEST_F(HttpServerTest, SpeaksTlsWithACertificate) {
  const SecurityOptions security = MakeTestingCertificates(directory_.path(), "a");
  Start(security);
  HttpGetOptions options;
  options.ca_file = security.ca_file;
  EXPECT_EQ(Get("/open", options), "200 hello");
  EXPECT_EQ(Get("/guarded", options), "200 secret");
  EXPECT_THAT(Get("/open"), HasSubstr("UNAVAILABLE"));
  options.ca_file = MakeTestingCertificates(directory_.path(), "other").ca_file;
  EXPECT_THAT(Get("/open", options), HasSubstr("UNAVAILABLE"));
}

TEST_F(HttpServerTest, ProbesNeedNoClientCertificate) {
  SecurityOptions security = MakeTestingCertificates(directory_.path(), "a");
  security.require_client_certificate = true;
  Start(security);
  HttpGetOptions options;
  options.ca_file = security.ca_file;
  EXPECT_EQ(Get("/open", options), "200 hello");
  EXPECT_THAT(Get("/guarded", options), HasSubstr("403 this path asks for a client certificate"));
  const SecurityOptions stranger = MakeTestingCertificates(directory_.path(), "stranger");
  options.certificate_file = stranger.certificate_file;
  options.key_file = stranger.key_file;
  EXPECT_THAT(Get("/guarded", options), HasSubstr("UNAVAILABLE"));
  options.certificate_file = security.certificate_file;
  options.key_file = security.key_file;
  EXPECT_EQ(Get("/guarded", options), "200 secret");
}

HttpGetOptions ClientOf(const SecurityOptions& files) {
  HttpGetOptions options;
  options.ca_file = files.ca_file;
  options.certificate_file = files.certificate_file;
  options.key_file = files.key_file;
  return options;
}

TEST_F(HttpServerTest, RenewedCertificatesCountFromTheNextConnectionOn) {
  const SecurityOptions before = MakeTestingCertificates(directory_.path(), "before");
  const SecurityOptions after = MakeTestingCertificates(directory_.path(), "after");
  MountedSecret secret(directory_.File("secret"));
  secret.Publish(before);
  SecurityOptions security = secret.files();
  security.require_client_certificate = true;
  auto certificates = TlsCertificates::Create(security);
  ASSERT_TRUE(certificates.ok()) << certificates.status();
  certificates_ = *certificates;
  Start(security);
  const HttpGetOptions old_client = ClientOf(before);
  HttpGetOptions new_client = ClientOf(after);
  EXPECT_EQ(Get("/guarded", old_client), "200 secret");
  EXPECT_THAT(Get("/guarded", new_client), HasSubstr("UNAVAILABLE"));

  secret.Publish(after);
  certificates_->Look(SystemClock().Now());
  EXPECT_EQ(Get("/guarded", new_client), "200 secret");
  EXPECT_THAT(Get("/guarded", old_client), HasSubstr("UNAVAILABLE"));
  new_client.certificate_file = before.certificate_file;
  new_client.key_file = before.key_file;
  EXPECT_THAT(Get("/guarded", new_client), HasSubstr("UNAVAILABLE"));
}

TEST_F(HttpServerTest, NamesWhatItCannotServeWith) {
  Start();
  EXPECT_EQ(TryStart(server_->address()).status(),
            absl::UnavailableError(absl::StrCat("cannot listen at ", server_->address(),
                                                " (jobmanager.http-address): Address already in "
                                                "use")));
  const auto elsewhere = TryStart(server_->address(), {}, /*or_any_port=*/true);
  ASSERT_TRUE(elsewhere.ok()) << elsewhere.status();
  EXPECT_NE((*elsewhere)->address(), server_->address());
  SecurityOptions missing;
  missing.certificate_file = directory_.File("nothing.pem");
  missing.key_file = directory_.File("nothing.key");
  EXPECT_THAT(std::string(TryStart("127.0.0.1:0", missing).status().message()),
              HasSubstr("nothing.pem"));
}

TEST_F(HttpServerTest, SilentConnectionsDelayTheOthersForAsLongAsTheyArePatient) {
  Start();
  std::vector<int> silent;
  for (size_t i = 0; i < HttpServer::kThreads; ++i) silent.push_back(Connect());
  EXPECT_EQ(Get("/open"), "200 hello");
  for (const int connection : silent) close(connection);
}

TEST_F(HttpServerTest, MayBeShutDownAtOnceAndTwice) {
  Start();
  server_->Shutdown();
  server_->Shutdown();
}

}  // namespace
}  // namespace weir
