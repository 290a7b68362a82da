// What the wire client takes of librdkafka's configuration, and real sockets.

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "absl/strings/match.h"

#include "common/exec/retry_wait.h"
#include "common/time/system_clock.h"
#include "connectors/kafka/transactional/wire_transaction_clients.h"
#include "connectors/kafka/wire/tcp_byte_stream.h"

namespace weir::kafka {
namespace {

ClientConfiguration Configuration(std::map<std::string, std::string> values) {
  values.emplace("bootstrap.servers", "a:1,b:2");
  return {ClientKind::kProducer, std::move(values)};
}

TEST(WireOptionsTest, NamesAreLibrdkafkas) {
  const SystemClock clock;
  const auto options = WireOptions(Configuration({{"client.id", "me"},
                                                  {"socket.timeout.ms", "1234"},
                                                  {"retry.backoff.ms", "20"},
                                                  {"reconnect.backoff.max.ms", "400"},
                                                  {"receive.message.max.bytes", "5000"}}),
                                   clock);
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->brokers.connection.client_id, "me");
  EXPECT_EQ(options->brokers.request_timeout, absl::Milliseconds(1234));
  EXPECT_EQ(options->min_backoff, absl::Milliseconds(20));
  EXPECT_EQ(options->max_backoff, absl::Milliseconds(400));
  EXPECT_EQ(options->brokers.connection.max_response_bytes, 5000u);
  EXPECT_EQ(options->brokers.bootstrap, (std::vector<BrokerAddress>{{"a", 1}, {"b", 2}}));
}

TEST(WireOptionsTest, WhatIsNotGivenKeepsItsDefault) {
  const SystemClock clock;
  const auto options = WireOptions(Configuration({{"socket.timeout.ms", "0"}}), clock);
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->brokers.request_timeout, BrokerRegistryOptions().request_timeout);
  EXPECT_EQ(options->max_backoff, WireTransactionClientOptions().max_backoff);
}

TEST(WireOptionsTest, EncryptionIsRefusedByName) {
  const SystemClock clock;
  const absl::Status refused =
      WireOptions(Configuration({{"security.protocol", "SASL_SSL"}}), clock).status();
  EXPECT_TRUE(absl::IsUnimplemented(refused));
  EXPECT_TRUE(absl::StrContains(refused.message(), "SASL_SSL"));
}

/// A listening socket on loopback.
class TcpByteStreamTest : public testing::Test {
 protected:
  TcpByteStreamTest() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    socklen_t size = sizeof(address);
    EXPECT_EQ(bind(listener_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(listen(listener_, 1), 0);
    EXPECT_EQ(getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
  }
  ~TcpByteStreamTest() override { close(listener_); }
  absl::StatusOr<std::unique_ptr<ByteStream>> Connect(const TcpOptions& options) {
    return TcpConnector(clock_, options)({"localhost", port_},
                                         clock_.Monotonic() + absl::Seconds(10));
  }
  bool AwaitNoise(ByteStream& stream) {
    const absl::Duration deadline = clock_.Monotonic() + absl::Seconds(10);
    ThreadRetryWait wait;
    while (stream.Quiet() && clock_.Monotonic() < deadline) wait.Wait(absl::Milliseconds(1));
    return !stream.Quiet();
  }

  const SystemClock clock_;
  int listener_ = -1;
  int32_t port_ = 0;
};

TEST_F(TcpByteStreamTest, IsQuietUntilTheOtherSideCloses) {
  TcpOptions options;
  options.address_family = TcpOptions::Family::kV4;
  options.keepalive = true;
  options.receive_buffer_bytes = 1 << 16;
  auto stream = Connect(options);
  ASSERT_TRUE(stream.ok()) << stream.status();
  const int other = accept(listener_, nullptr, nullptr);
  EXPECT_TRUE((*stream)->Quiet());
  close(other);
  EXPECT_TRUE(AwaitNoise(**stream));
}

TEST_F(TcpByteStreamTest, TheAddressFamilyIsKeptTo) {
  TcpOptions options;
  options.address_family = TcpOptions::Family::kV6;
  EXPECT_FALSE(Connect(options).ok());
}

}  // namespace
}  // namespace weir::kafka
