// Requests and answers on one connection, and when it is broken.

#include "connectors/kafka/wire/wire_connection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/escaping.h"

#include "connectors/kafka/wire/end_txn_message.h"
#include "connectors/kafka/wire/fetch_message.h"

namespace weir::kafka {
namespace {

using testing::HasSubstr;

/// Plays bytes, and keeps what is written.
class TestingByteStream final : public ByteStream {
 public:
  TestingByteStream(std::string input, std::string* output)
      : input_(std::move(input)), output_(output) {}
  absl::Status Write(absl::string_view bytes, absl::Duration /*deadline*/) override {
    output_->append(bytes.data(), bytes.size());
    return absl::OkStatus();
  }
  absl::StatusOr<size_t> Read(char* buffer, size_t capacity, absl::Duration /*deadline*/) override {
    if (input_.empty()) return absl::UnavailableError("closed");
    const size_t size = input_.copy(buffer, std::min<size_t>(capacity, 3));
    input_.erase(0, size);
    return size;
  }
  bool Quiet() override { return input_.empty(); }

 private:
  std::string input_;
  std::string* output_;
};

// EndTxn in versions 0 to `max`, correlation id 1.
std::string Versions(const std::string& max) {
  return "00000010"
         "00000001"
         "0000"
         "00000001"
         "001a0000" +
         max;
}

class WireConnectionTest : public testing::Test {
 protected:
  absl::Status Open(const std::string& answers_hex) {
    auto connection = WireConnection::Open(
        std::make_unique<TestingByteStream>(absl::HexStringToBytes(answers_hex), &written_),
        options_, absl::InfiniteDuration());
    if (connection.ok()) connection_ = *std::move(connection);
    return connection.status();
  }
  absl::StatusOr<EndTxnResponse> EndTxn() {
    written_.clear();
    return connection_->Call(EndTxnRequest{"p~1~0~0", 4711, 3, true}, absl::InfiniteDuration());
  }
  std::string Written() const { return absl::BytesToHexString(written_); }

  WireConnectionOptions options_;
  std::unique_ptr<WireConnection> connection_;
  std::string written_;
};

TEST_F(WireConnectionTest, ASimpleVersionHasSimpleHeaders) {
  ASSERT_TRUE(Open(Versions("0002") + "0000000a"
                                      "00000002"
                                      "00000000"
                                      "0033")
                  .ok());
  // API key, version 0, correlation id 1, client id.
  EXPECT_EQ(Written(),
            "0000000e"
            "0012"
            "0000"
            "00000001"
            "0004"
            "77656972");
  const auto response = EndTxn();
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->error_code, 51);
  EXPECT_EQ(Written(),
            "00000022"
            "001a"
            "0002"
            "00000002"
            "0004"
            "77656972"
            "0007707e317e307e300000000000001267000301");
  EXPECT_FALSE(connection_->broken());
}

TEST_F(WireConnectionTest, AFlexibleVersionHasTaggedFieldsInItsHeaders) {
  // Version 5 exists, and is not ours. The answer's header has a field that we do not know.
  ASSERT_TRUE(Open(Versions("0005") + "0000000f"
                                      "00000002"
                                      "01"
                                      "0001"
                                      "aa"
                                      "00000000"
                                      "0000"
                                      "00")
                  .ok());
  const auto response = EndTxn();
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(Written(),
            "00000023"
            "001a"
            "0004"
            "00000002"
            "0004"
            "77656972"
            "00"
            "08707e317e307e30000000000000126700030100");
}

TEST_F(WireConnectionTest, WithoutACommonVersionNothingIsSent) {
  ASSERT_TRUE(Open(Versions("0000")).ok());
  const auto response = EndTxn();
  EXPECT_EQ(response.status().code(), absl::StatusCode::kUnimplemented);
  EXPECT_THAT(std::string(response.status().message()), HasSubstr("EndTxn versions 0 to 0"));
  EXPECT_EQ(connection_->Call(FetchRequest(), absl::InfiniteDuration()).status().code(),
            absl::StatusCode::kUnimplemented);
  EXPECT_EQ(written_, "");
  EXPECT_FALSE(connection_->broken());
}

TEST_F(WireConnectionTest, AnAnswerToAnotherRequestBreaksIt) {
  ASSERT_TRUE(Open(Versions("0001") + "0000000a"
                                      "00000003"
                                      "00000000"
                                      "0000")
                  .ok());
  EXPECT_EQ(EndTxn().status().code(), absl::StatusCode::kDataLoss);
  EXPECT_TRUE(connection_->broken());
  EXPECT_EQ(EndTxn().status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(written_, "");
}

TEST_F(WireConnectionTest, AnAnswerOfAnotherShapeBreaksIt) {
  ASSERT_TRUE(Open(Versions("0001") + "0000000b"
                                      "00000002"
                                      "00000000"
                                      "000000")
                  .ok());
  const auto response = EndTxn();
  EXPECT_EQ(response.status().code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(response.status().message()), HasSubstr("EndTxn response"));
  EXPECT_TRUE(connection_->broken());
}

TEST_F(WireConnectionTest, ALostConnectionBreaksIt) {
  ASSERT_TRUE(Open(Versions("0001") + "0000000a"
                                      "00000002"
                                      "0000")
                  .ok());
  EXPECT_EQ(EndTxn().status().code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(connection_->broken());
}

TEST_F(WireConnectionTest, AnAnswerAboveTheLimitIsNotRead) {
  options_.max_response_bytes = 100;
  ASSERT_TRUE(Open(Versions("0001") + "00000065").ok());
  const auto response = EndTxn();
  EXPECT_EQ(response.status().code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(response.status().message()), HasSubstr("101 bytes"));
}

TEST_F(WireConnectionTest, ASizeBelowZeroIsAnError) {
  ASSERT_TRUE(Open(Versions("0001") + "ffffffff").ok());
  EXPECT_EQ(EndTxn().status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(WireConnectionTest, OpeningFailsWithTheBroker) {
  EXPECT_EQ(Open("").code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(Open("0000000a"
                 "00000001"
                 "0023"
                 "00000000")
                .code(),
            absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace weir::kafka
