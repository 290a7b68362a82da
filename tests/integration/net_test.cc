// Control streams over real gRPC: TCP, Unix sockets, TLS, tokens, dead peers, bounds.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

#include "common/exec/mutex.h"
#include "common/exec/thread_executor.h"
#include "common/net/control_connection.h"
#include "common/net/grpc_channel_factory.h"
#include "common/net/grpc_client_stream.h"
#include "common/net/grpc_control_service.h"
#include "common/time/system_clock.h"
#include "tests/support/net/testing_certificates.h"
#include "tests/support/process/child_process.h"
#include "tests/support/temporary_directory.h"

namespace weir {
namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr absl::Duration kPatience = absl::Seconds(20);

proto::Envelope Numbered(uint64_t number, size_t padding = 0) {
  proto::Envelope message;
  message.mutable_header()->set_sequence(number);
  message.mutable_registration_reply()->set_reason(std::string(padding, 'x'));
  return message;
}

// What happened on one side, in order: "connected", "message 7", "broken UNAVAILABLE: ...".
class Events {
 public:
  MessageStreamCallbacks Callbacks() {
    MessageStreamCallbacks callbacks;
    callbacks.on_connected = [this] { Add("connected"); };
    callbacks.on_message = [this](const proto::Envelope& message) {
      Add(absl::StrCat("message ", message.header().sequence()));
    };
    callbacks.on_broken = [this](const absl::Status& status) {
      Add(absl::StrCat("broken ", status.ToString()));
    };
    return callbacks;
  }

  void Add(std::string event) {
    MutexLock lock(mutex_);
    events_.push_back(std::move(event));
    changed_.SignalAll();
  }

  // The event with this index, once it is there; "" when patience ends.
  std::string Await(size_t index) {
    const SystemClock clock;
    const absl::Duration end = clock.Monotonic() + kPatience;
    MutexLock lock(mutex_);
    while (events_.size() <= index) {
      const absl::Duration left = end - clock.Monotonic();
      if (left <= absl::ZeroDuration()) return "";
      changed_.WaitFor(mutex_, left);
    }
    return events_[index];
  }

  size_t count() {
    MutexLock lock(mutex_);
    return events_.size();
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  std::vector<std::string> events_ WEIR_GUARDED_BY(mutex_);
};

ThreadExecutorOptions Named(std::string name) {
  ThreadExecutorOptions options;
  options.name = std::move(name);
  return options;
}

// Runs `closure` on the executor and returns when it has run.
void RunOn(Executor& executor, std::function<void()> closure) {
  auto done = std::make_shared<Events>();
  executor.Post([&closure, done] {
    closure();
    done->Add("done");
  });
  ASSERT_EQ(done->Await(0), "done");
}

std::unique_ptr<GrpcChannelFactory> Factory(SecurityOptions options) {
  auto factory = GrpcChannelFactory::Create(std::move(options));
  EXPECT_TRUE(factory.ok()) << factory.status();
  return factory.ok() ? *std::move(factory) : nullptr;
}

// A server that keeps every stream it gets.
class TestServer {
 public:
  explicit TestServer(SecurityOptions security, const std::string& address = "127.0.0.1:0",
                      MessageStreamOptions options = {})
      : factory_(Factory(std::move(security))),
        service_(
            executor_, factory_->authorizer(),
            [this](std::unique_ptr<MessageStream> stream) {
              streams_.push_back(std::move(stream));
              accepted_.Add("accepted");
              return events_.Callbacks();
            },
            options) {
    auto server = factory_->StartServer(address, {&service_});
    EXPECT_TRUE(server.ok()) << server.status();
    if (server.ok()) server_ = *std::move(server);
  }
  ~TestServer() { Shutdown(); }

  void Shutdown() {
    if (server_ == nullptr) return;
    RunOn(executor_, [this] {
      service_.Shutdown();
      streams_.clear();
    });
    server_->Shutdown();
    server_ = nullptr;
  }
  void Send(proto::Envelope message) {
    RunOn(executor_, [&] { streams_.back()->Send(std::move(message)); });
  }
  void DropStreams() {
    RunOn(executor_, [this] { streams_.clear(); });
  }

  const std::string& address() const { return server_->address(); }
  Events& events() { return events_; }
  Events& accepted() { return accepted_; }

 private:
  ThreadExecutor executor_{Named("server")};
  std::unique_ptr<GrpcChannelFactory> factory_;
  Events events_;
  Events accepted_;
  std::vector<std::unique_ptr<MessageStream>> streams_;  // on executor_
  GrpcControlService service_;
  std::unique_ptr<GrpcServer> server_;
};

class TestStreamClient {
 public:
  TestStreamClient(SecurityOptions security, const std::string& address,
                   MessageStreamOptions options = {}) {
    const auto factory = Factory(std::move(security));
    RunOn(executor_, [&] {
      stream_ = ConnectGrpcStream(*factory, address, executor_, events_.Callbacks(), options);
    });
  }
  ~TestStreamClient() { Drop(); }

  void Drop() {
    RunOn(executor_, [this] { stream_ = nullptr; });
  }
  void Send(proto::Envelope message) {
    RunOn(executor_, [&] { stream_->Send(std::move(message)); });
  }
  Events& events() { return events_; }

 private:
  ThreadExecutor executor_{Named("client")};
  Events events_;
  std::unique_ptr<MessageStream> stream_;  // on executor_
};

class NetTest : public testing::Test {
 protected:
  SecurityOptions MakeTls(const std::string& name) {
    return MakeTestingCertificates(directory_.path(), name);
  }

  TemporaryDirectory directory_;
};

SecurityOptions WithToken(std::string token) {
  SecurityOptions security;
  security.token = std::move(token);
  return security;
}

TEST_F(NetTest, CarriesMessagesBothWaysInOrder) {
  TestServer server({});
  TestStreamClient client({}, server.address());
  EXPECT_EQ(client.events().Await(0), "connected");
  for (uint64_t i = 0; i < 20; ++i) client.Send(Numbered(i));
  for (uint64_t i = 0; i < 20; ++i) {
    EXPECT_EQ(server.events().Await(i), absl::StrCat("message ", i));
  }
  for (uint64_t i = 0; i < 20; ++i) server.Send(Numbered(100 + i));
  for (uint64_t i = 0; i < 20; ++i) {
    EXPECT_EQ(client.events().Await(1 + i), absl::StrCat("message ", 100 + i));
  }
}

TEST_F(NetTest, WorksOverAUnixSocket) {
  TestServer server({}, absl::StrCat("unix:", directory_.path(), "/control.sock"));
  TestStreamClient client({}, server.address());
  client.Send(Numbered(3, 200'000));
  EXPECT_EQ(server.events().Await(0), "message 3");
}

TEST_F(NetTest, RefusedConnectionIsUnavailableAtOnce) {
  TestStreamClient client({}, "127.0.0.1:1");
  EXPECT_EQ(client.events().Await(0), "broken UNAVAILABLE: Connection refused");
}

TEST_F(NetTest, TakenPortIsNamed) {
  TestServer server({});
  const auto factory = Factory({});
  const auto second = factory->StartServer(server.address(), {});
  EXPECT_EQ(second.status(),
            absl::UnavailableError(
                absl::StrCat("cannot listen at ", server.address(), ": Address already in use")));
}

TEST_F(NetTest, RightTokenIsAdmitted) {
  TestServer server(WithToken("open sesame"));
  TestStreamClient client(WithToken("open sesame"), server.address());
  client.Send(Numbered(1));
  EXPECT_EQ(server.events().Await(0), "message 1");
}

TEST_F(NetTest, WrongTokenIsRefused) {
  TestServer server(WithToken("open sesame"));
  TestStreamClient client(WithToken("open barley"), server.address());
  EXPECT_THAT(client.events().Await(0),
              AllOf(HasSubstr("broken UNAUTHENTICATED"), HasSubstr("security.token-file")));
}

TEST_F(NetTest, MissingTokenIsRefused) {
  TestServer server(WithToken("open sesame"));
  TestStreamClient client({}, server.address());
  EXPECT_THAT(client.events().Await(0), HasSubstr("broken UNAUTHENTICATED"));
}

TEST_F(NetTest, TlsWithTheRightCa) {
  const SecurityOptions security = MakeTls("a");
  TestServer server(security);
  SecurityOptions ca_only;
  ca_only.ca_file = security.ca_file;
  TestStreamClient client(ca_only, server.address());
  client.Send(Numbered(1));
  EXPECT_EQ(server.events().Await(0), "message 1");
}

TEST_F(NetTest, TlsRefusesAServerOfAnotherCa) {
  TestServer server(MakeTls("a"));
  TestStreamClient client(MakeTls("b"), server.address());
  EXPECT_THAT(client.events().Await(0), HasSubstr("broken UNAVAILABLE"));
  EXPECT_EQ(server.accepted().count(), 0u);
}

TEST_F(NetTest, PlaintextToATlsServerFails) {
  TestServer server(MakeTls("a"));
  TestStreamClient client({}, server.address());
  EXPECT_THAT(client.events().Await(0), HasSubstr("broken UNAVAILABLE"));
}

TEST_F(NetTest, MutualTlsAdmitsACertificateOfTheCa) {
  SecurityOptions security = MakeTls("a");
  security.require_client_certificate = true;
  TestServer server(security);
  TestStreamClient client(security, server.address());
  client.Send(Numbered(1));
  EXPECT_EQ(server.events().Await(0), "message 1");
}

TEST_F(NetTest, MutualTlsRefusesAClientWithoutCertificate) {
  SecurityOptions security = MakeTls("a");
  security.require_client_certificate = true;
  TestServer server(security);
  SecurityOptions ca_only;
  ca_only.ca_file = security.ca_file;
  TestStreamClient client(ca_only, server.address());
  EXPECT_THAT(client.events().Await(0), HasSubstr("broken UNAVAILABLE"));
}

TEST_F(NetTest, FileThatIsNoCertificateIsNamed) {
  SecurityOptions security;
  security.ca_file = absl::StrCat(directory_.path(), "/ca.pem");
  std::ofstream(security.ca_file) << "hello";
  EXPECT_EQ(GrpcChannelFactory::Create(security).status(),
            absl::InvalidArgumentError(
                absl::StrCat("security.tls.ca-file '", security.ca_file, "' is no PEM file")));
}

TEST_F(NetTest, ServerThatDropsAStreamBreaksIt) {
  TestServer server({});
  TestStreamClient client({}, server.address());
  EXPECT_EQ(client.events().Await(0), "connected");
  EXPECT_EQ(server.accepted().Await(0), "accepted");
  server.DropStreams();
  EXPECT_THAT(client.events().Await(1), HasSubstr("broken UNAVAILABLE"));
  EXPECT_EQ(server.events().count(), 0u);  // who drops is not told
}

TEST_F(NetTest, ClientThatDropsAStreamBreaksIt) {
  TestServer server({});
  TestStreamClient client({}, server.address());
  EXPECT_EQ(server.accepted().Await(0), "accepted");
  client.Drop();
  EXPECT_THAT(server.events().Await(0), HasSubstr("broken UNAVAILABLE"));
}

TEST_F(NetTest, ShutdownWithOpenStreamsIsQuick) {
  TestServer server({});
  std::vector<std::unique_ptr<TestStreamClient>> clients;
  for (int i = 0; i < 10; ++i) {
    clients.push_back(std::make_unique<TestStreamClient>(SecurityOptions(), server.address()));
    EXPECT_EQ(clients.back()->events().Await(0), "connected");
  }
  const SystemClock clock;
  const absl::Duration start = clock.Monotonic();
  server.Shutdown();
  EXPECT_LT(clock.Monotonic() - start, absl::Seconds(1));
  for (auto& client : clients) {
    EXPECT_THAT(client->events().Await(1), HasSubstr("broken UNAVAILABLE"));
  }
}

// A socket that takes connections and reads nothing, so that no stream gets anywhere.
TEST_F(NetTest, BacklogBeyondItsBoundBreaksTheStreamByName) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  ASSERT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(listen(listener, 8), 0);
  ASSERT_EQ(getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), 0);
  MessageStreamOptions options;
  options.max_backlog_bytes = 1 << 20;
  TestStreamClient client({}, absl::StrCat("127.0.0.1:", ntohs(address.sin_port)), options);
  for (uint64_t i = 0; i < 20; ++i) client.Send(Numbered(i, 100'000));
  EXPECT_THAT(client.events().Await(0),
              AllOf(HasSubstr("broken RESOURCE_EXHAUSTED"), HasSubstr("the bound is 1.0 MiB")));
  close(listener);
}

TEST_F(NetTest, MessageBeyondTheLimitBreaksTheStreamByName) {
  TestServer server({});
  TestStreamClient client({}, server.address());
  EXPECT_EQ(client.events().Await(0), "connected");
  client.Send(Numbered(1, kMaxMessageBytes));
  EXPECT_THAT(client.events().Await(1),
              AllOf(HasSubstr("broken RESOURCE_EXHAUSTED"), HasSubstr("32.0 MiB")));
}

// Started by the next test as a process of its own.
TEST(NetPeer, DISABLED_ConnectsAndWaitsToBeKilled) {
  const char* address = getenv("WEIR_TEST_PEER_ADDRESS");
  ASSERT_NE(address, nullptr);
  TestStreamClient client({}, address);
  client.Send(Numbered(77));
  Events never;
  never.Await(0);
}

TEST_F(NetTest, KilledPeerBreaksTheStreamAtOnce) {
  TestServer server({});
  ChildProcessOptions options;
  options.argv = {"/proc/self/exe", "--gtest_also_run_disabled_tests",
                  "--gtest_filter=NetPeer.DISABLED_ConnectsAndWaitsToBeKilled"};
  options.environment = {{"WEIR_TEST_PEER_ADDRESS", server.address()}};
  options.log_file = directory_.File("peer.log");
  auto peer = ChildProcess::Start(options);
  ASSERT_TRUE(peer.ok()) << peer.status();
  ASSERT_EQ(server.events().Await(0), "message 77");
  const SystemClock clock;
  const absl::Duration start = clock.Monotonic();
  ASSERT_TRUE((*peer)->Kill(SIGKILL).ok());
  EXPECT_THAT(server.events().Await(1), HasSubstr("broken UNAVAILABLE"));
  EXPECT_LT(clock.Monotonic() - start, absl::Seconds(1));
}

TEST_F(NetTest, ControlConnectionFindsItsServerAgain) {
  ThreadExecutor executor(Named("connection"));
  Events events;
  auto server = std::make_unique<TestServer>(SecurityOptions());
  const std::string address = server->address();
  const auto factory = Factory({});
  std::unique_ptr<ControlConnection> connection;
  ControlConnectionOptions options;
  options.addresses = {"127.0.0.1:1", address};
  ControlConnectionCallbacks callbacks;
  callbacks.on_up = [&] { events.Add(absl::StrCat("up ", connection->address())); };
  callbacks.on_message = [&](const proto::Envelope&) { events.Add("message"); };
  callbacks.on_down = [&](const absl::Status&) { events.Add("down"); };
  RunOn(executor, [&] {
    connection = std::make_unique<ControlConnection>(
        executor, options,
        [&](const std::string& target, MessageStreamCallbacks stream_callbacks) {
          return ConnectGrpcStream(*factory, target, executor, std::move(stream_callbacks));
        },
        callbacks);
    connection->Start();
  });
  EXPECT_EQ(events.Await(0), absl::StrCat("up ", address));
  EXPECT_EQ(server->accepted().Await(0), "accepted");
  server->Send(Numbered(1));
  EXPECT_EQ(events.Await(1), "message");
  server = nullptr;
  EXPECT_EQ(events.Await(2), "down");
  server = std::make_unique<TestServer>(SecurityOptions(), address);
  EXPECT_EQ(events.Await(3), absl::StrCat("up ", address));
  RunOn(executor, [&] { connection = nullptr; });
}

}  // namespace
}  // namespace weir
