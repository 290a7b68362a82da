// Certificates that are renewed while servers and clients run, over real gRPC. The files are
// exchanged as the kubelet does it.

#include <gmock/gmock.h>
#include <grpc/grpc_security_constants.h>
#include <grpcpp/security/auth_context.h>
#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include "client/cluster_client.h"
#include "common/net/grpc_channel_factory.h"
#include "common/net/tls_certificates.h"
#include "common/time/system_clock.h"
#include "proto/client.grpc.pb.h"
#include "tests/support/net/mounted_secret.h"
#include "tests/support/net/testing_certificates.h"
#include "tests/support/temporary_directory.h"

namespace weir {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(20);

std::string Contents(const std::string& path) {
  std::ifstream file(path);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

// The certificate, PEM, of who is at the other end; empty when it showed none.
std::string PeerOf(const std::shared_ptr<const grpc::AuthContext>& connection) {
  if (connection == nullptr) return "";
  const auto values = connection->FindPropertyValues(GRPC_X509_PEM_CERT_PROPERTY_NAME);
  return values.empty() ? "" : std::string(values.front().data(), values.front().size());
}

// Answers with the certificate of whoever asks.
class MirrorService final : public proto::Client::Service {
 public:
  grpc::Status DescribeCluster(grpc::ServerContext* context, const proto::DescribeClusterRequest*,
                               proto::ClusterDetails* response) override {
    response->set_cluster_id(PeerOf(context->auth_context()));
    return grpc::Status::OK;
  }
};

// What the two ends of a connection saw of each other; empty when there was none.
struct Sight {
  std::string server;
  std::string client;
};
bool operator==(const Sight& a, const Sight& b) {
  return a.server == b.server && a.client == b.client;
}

class GrpcTlsRenewalTest : public testing::Test {
 protected:
  using Stub = std::unique_ptr<proto::Client::Stub>;

  static std::unique_ptr<GrpcChannelFactory> Factory(
      SecurityOptions options, absl::Duration reload_interval = absl::InfiniteDuration()) {
    auto factory = GrpcChannelFactory::Create(std::move(options), reload_interval);
    EXPECT_TRUE(factory.ok()) << factory.status();
    return factory.ok() ? *std::move(factory) : nullptr;
  }
  std::unique_ptr<GrpcServer> Serve(const GrpcChannelFactory& factory,
                                    const std::string& address = "127.0.0.1:0") {
    auto server = factory.StartServer(address, {&mirror_});
    EXPECT_TRUE(server.ok()) << server.status();
    return server.ok() ? *std::move(server) : nullptr;
  }
  static Stub Connect(const GrpcChannelFactory& factory, const GrpcServer& server) {
    return proto::Client::NewStub(factory.CreateChannel(server.address()));
  }
  static Sight See(proto::Client::Stub& stub) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + absl::ToChronoMilliseconds(kPatience));
    proto::ClusterDetails response;
    if (!stub.DescribeCluster(&context, {}, &response).ok()) return {};
    return {PeerOf(context.auth_context()), response.cluster_id()};
  }
  Sight SeeAnew(const GrpcChannelFactory& factory, const GrpcServer& server) {
    return See(*Connect(factory, server));
  }
  void Look(const GrpcChannelFactory& factory) { factory.certificates()->Look(clock_.Now()); }

  SystemClock clock_;
  TemporaryDirectory directory_;
  MountedSecret secret_{directory_.File("secret")};
  MirrorService mirror_;
};

TEST_F(GrpcTlsRenewalTest, RenewedCertificateIsShownToNewConnectionsByItself) {
  const TestingAuthority authority(directory_.path(), "a");
  const SecurityOptions first = authority.Issue("first");
  const SecurityOptions second = authority.Issue("second");
  secret_.Publish(first);
  const auto factory = Factory(secret_.files(), absl::Milliseconds(20));
  const auto server = Serve(*factory);
  const Stub old_connection = Connect(*factory, *server);
  EXPECT_EQ(See(*old_connection).server, Contents(first.certificate_file));

  secret_.Publish(second);
  const absl::Duration end = clock_.Monotonic() + kPatience;
  std::string shown;
  while (shown != Contents(second.certificate_file) && clock_.Monotonic() < end) {
    shown = SeeAnew(*factory, *server).server;
  }
  EXPECT_EQ(shown, Contents(second.certificate_file));
  EXPECT_EQ(See(*old_connection).server, Contents(first.certificate_file));  // it goes on
}

TEST_F(GrpcTlsRenewalTest, AnotherAuthorityIsTrustedByBothEndsAndTheOldOneNoMore) {
  SecurityOptions before = TestingAuthority(directory_.path(), "a").Issue("a");
  const SecurityOptions after = TestingAuthority(directory_.path(), "b").Issue("b");
  const Sight saw_before = {Contents(before.certificate_file), Contents(before.certificate_file)};
  const Sight saw_after = {Contents(after.certificate_file), Contents(after.certificate_file)};
  secret_.Publish(before);
  SecurityOptions mutual = secret_.files();
  mutual.require_client_certificate = true;
  const auto serving = Factory(mutual);
  const auto server = Serve(*serving);
  const auto asking = Factory(secret_.files());
  const Stub old_connection = Connect(*asking, *server);
  EXPECT_EQ(See(*old_connection), saw_before);

  secret_.Publish(after);
  Look(*serving);
  EXPECT_EQ(SeeAnew(*asking, *server), Sight());  // it has not looked
  Look(*asking);
  EXPECT_EQ(SeeAnew(*asking, *server), saw_after);
  EXPECT_EQ(See(*old_connection), saw_before);

  // By the server alone: whoever trusts its certificate and has one of the old authority.
  before.ca_file = after.ca_file;
  EXPECT_EQ(SeeAnew(*Factory(before), *server), Sight());
}

TEST_F(GrpcTlsRenewalTest, KeyThatDoesNotFitLeavesTheOldPairInUse) {
  const TestingAuthority authority(directory_.path(), "a");
  const SecurityOptions first = authority.Issue("first");
  const SecurityOptions second = authority.Issue("second");
  secret_.Publish(first);
  const auto factory = Factory(secret_.files());
  const auto server = Serve(*factory);
  SecurityOptions mixed = second;
  mixed.key_file = first.key_file;
  secret_.Publish(mixed);
  Look(*factory);
  EXPECT_EQ(SeeAnew(*factory, *server).server, Contents(first.certificate_file));
  secret_.Publish(second);
  Look(*factory);
  EXPECT_EQ(SeeAnew(*factory, *server).server, Contents(second.certificate_file));
}

// A server without authorities, and a client without a certificate, as the CLI mostly is.
TEST_F(GrpcTlsRenewalTest, NobodyIsAskedForACertificateUnlessItIsRequired) {
  const SecurityOptions made = TestingAuthority(directory_.path(), "a").Issue("a");
  SecurityOptions without_authorities = made;
  without_authorities.ca_file.clear();
  SecurityOptions authorities_only;
  authorities_only.ca_file = made.ca_file;
  const auto serving = Factory(without_authorities);
  const auto server = Serve(*serving);
  const Sight one_way = {Contents(made.certificate_file), ""};
  EXPECT_EQ(SeeAnew(*Factory(authorities_only), *server), one_way);
  EXPECT_EQ(SeeAnew(*Factory(made), *server), one_way);
}

// Takes kReloadInterval.
TEST_F(GrpcTlsRenewalTest, ClusterClientThatLivesLongConnectsAgainWithItsRenewedCertificate) {
  SecurityOptions serving = TestingAuthority(directory_.path(), "server").Issue("server");
  SecurityOptions before = TestingAuthority(directory_.path(), "before").Issue("before");
  SecurityOptions after = TestingAuthority(directory_.path(), "after").Issue("after");
  const std::string authorities_of_server = serving.ca_file;
  serving.require_client_certificate = true;
  serving.ca_file = before.ca_file;
  const auto first_factory = Factory(serving);
  auto server = Serve(*first_factory);
  const std::string address = server->address();
  before.ca_file = authorities_of_server;
  secret_.Publish(before);
  ClusterClientOptions options;
  options.addresses = {address};
  options.security = secret_.files();
  options.call_timeout = kPatience;
  options.unreachable_timeout = kPatience;
  const auto client = MakeClusterClient(options);
  ASSERT_TRUE(client.ok()) << client.status();
  const auto old_answer = (*client)->DescribeCluster();
  ASSERT_TRUE(old_answer.ok()) << old_answer.status();
  EXPECT_EQ(old_answer->cluster_id(), Contents(before.certificate_file));

  server->Shutdown();
  serving.ca_file = after.ca_file;
  after.ca_file = authorities_of_server;
  const auto second_factory = Factory(serving);
  server = Serve(*second_factory, address);
  secret_.Publish(after);
  const auto answer = (*client)->DescribeCluster();
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->cluster_id(), Contents(after.certificate_file));
}

}  // namespace
}  // namespace weir
