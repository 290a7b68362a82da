#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

#include "common/base/check.h"
#include "connectors/kafka/wire/api_versions_message.h"
#include "connectors/kafka/wire/byte_stream.h"
#include "connectors/kafka/wire/find_coordinator_message.h"
#include "connectors/kafka/wire/metadata_message.h"
#include "connectors/kafka/wire/wire_codec.h"
#include "tests/support/manual_executor.h"
#include "tests/support/testing_retry_wait.h"

namespace weir::kafka {

/// What a broker does with one request.
enum class TestingReply {
  kAnswer,
  kCloseUnanswered,  // the connection breaks after the request
  kNever,            // no answer until the deadline
};

/// Brokers that a test answers for, over streams in memory and virtual time. A handler decodes the
/// request and encodes the response; ApiVersions is answered by itself.
class TestingWireBrokers {
 public:
  using Handler = std::function<TestingReply(const BrokerAddress& at, absl::string_view body,
                                             int16_t version, WireWriter& response)>;

  template <class Request>
  void On(
      std::function<TestingReply(const BrokerAddress&, const Request&, typename Request::Response&)>
          handle) {
    versions.api_keys.push_back(
        {Request::kApi.key, Request::kApi.min_version, Request::kApi.max_version});
    handlers_[Request::kApi.key] = [this, handle](const BrokerAddress& at, absl::string_view body,
                                                  int16_t version, WireWriter& out) {
      const auto request = DecodeMessage<Request>(version, body);
      WEIR_CHECK(request.ok()) << request.status();
      calls.push_back(absl::StrCat(Request::kApi.name, "@", at.host));
      typename Request::Response response;
      const TestingReply reply = handle(at, *request, response);
      EncodeMessage(response, version, out);
      return reply;
    };
    flexible_from_[Request::kApi.key] = Request::kApi.first_flexible_version;
  }

  ByteStreamConnector Connector() {
    return [this](const BrokerAddress& at,
                  absl::Duration /*deadline*/) -> absl::StatusOr<std::unique_ptr<ByteStream>> {
      ++connects;
      if (down.count(at) > 0) return absl::UnavailableError("refused");
      return std::unique_ptr<ByteStream>(new Stream(*this, at));
    };
  }

  std::vector<std::string> calls;  // "EndTxn@host"
  int connects = 0;
  std::map<BrokerAddress, bool> down;
  std::map<BrokerAddress, bool> closed;  // its connections, while they are at rest
  ApiVersionsResponse versions;
  std::string client_id;  // of the last request
  ManualExecutor executor;
  ManualClock clock{executor};

 private:
  class Stream final : public ByteStream {
   public:
    Stream(TestingWireBrokers& brokers, BrokerAddress at) : brokers_(brokers), at_(std::move(at)) {}
    absl::Status Write(absl::string_view bytes, absl::Duration /*deadline*/) override {
      reply_ = brokers_.Serve(at_, bytes.substr(4), answer_);
      return absl::OkStatus();
    }
    absl::StatusOr<size_t> Read(char* buffer, size_t capacity, absl::Duration deadline) override {
      if (reply_ == TestingReply::kNever) {
        brokers_.executor.Advance(deadline - brokers_.clock.Monotonic());
        return absl::DeadlineExceededError("read timed out");
      }
      if (reply_ == TestingReply::kCloseUnanswered) return absl::UnavailableError("closed");
      const size_t size = std::min<size_t>({capacity, answer_.size(), 7});  // in pieces
      WEIR_CHECK(size > 0) << "nothing to read";
      std::copy_n(answer_.begin(), size, buffer);
      answer_.erase(0, size);
      return size;
    }

    bool Quiet() override { return brokers_.closed.count(at_) == 0; }

   private:
    TestingWireBrokers& brokers_;
    BrokerAddress at_;
    std::string answer_;
    TestingReply reply_ = TestingReply::kAnswer;
  };

  TestingReply Serve(const BrokerAddress& at, absl::string_view frame, std::string& answer) {
    WireReader reader(frame);
    const int16_t key = reader.Int16("key");
    const int16_t version = reader.Int16("version");
    const int32_t correlation_id = reader.Int32("correlation id");
    client_id = std::string(reader.String("client id"));
    const bool flexible = key != kApiVersionsApi.key && version >= flexible_from_[key];
    if (flexible) reader.SkipTaggedFields("header");
    WEIR_CHECK(reader.ok()) << reader.status();
    WireWriter body;
    body.Int32(correlation_id);
    if (flexible) body.NoTaggedFields();
    TestingReply reply = TestingReply::kAnswer;
    if (key == kApiVersionsApi.key) {
      EncodeMessage(versions, version, body);
    } else {
      WEIR_CHECK(handlers_.count(key) > 0) << "no handler for API " << key;
      reply = handlers_[key](at, frame.substr(reader.position()), version, body);
    }
    WireWriter out;
    out.NullableBytes(body.bytes());
    answer = out.Take();
    return reply;
  }

  std::map<int16_t, Handler> handlers_;
  std::map<int16_t, int16_t> flexible_from_;
};

}  // namespace weir::kafka
