#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "common/base/status_macros.h"
#include "connectors/kafka/wire/api_definition.h"
#include "connectors/kafka/wire/byte_stream.h"
#include "connectors/kafka/wire/wire_codec.h"

namespace weir::kafka {

struct WireConnectionOptions {
  std::string client_id = "weir";
  size_t max_response_bytes = 256u << 20;  // a larger one breaks the connection
};

/// Requests and answers with one broker, one at a time, each in the highest version that both
/// sides know (asked with ApiVersions at the opening).
///
/// After any error in the midst of an exchange the connection is broken(): every later call is
/// UNAVAILABLE, and the broker may or may not have acted on the request. An error that leaves it
/// unbroken (UNIMPLEMENTED: no common version) means that nothing was sent.
/// Errors: DEADLINE_EXCEEDED, UNAVAILABLE, DATA_LOSS (an answer that is none, too large, or to
/// another request). Deadlines are times of Clock::Monotonic(). Threads: one at a time.
/// Source: Kafka's protocol guide, "Request Header" v1 and v2, "Response Header" v0 and v1.
class WireConnection {
 public:
  static absl::StatusOr<std::unique_ptr<WireConnection>> Open(std::unique_ptr<ByteStream> stream,
                                                              const WireConnectionOptions& options,
                                                              absl::Duration deadline);

  bool broken() const { return broken_; }
  /// Between exchanges: broken, or the broker has closed it meanwhile, for being idle, say.
  bool lost() { return broken_ || !stream_->Quiet(); }

  template <class Request>
  absl::StatusOr<typename Request::Response> Call(const Request& request, absl::Duration deadline) {
    WEIR_ASSIGN_OR_RETURN(const int16_t version, CommonVersion(Request::kApi));
    WireWriter body;
    EncodeMessage(request, version, body);
    WEIR_ASSIGN_OR_RETURN(const std::string answer,
                          Exchange(Request::kApi, version, body.bytes(), deadline));
    auto response = DecodeMessage<typename Request::Response>(version, answer);
    if (!response.ok()) broken_ = true;
    return response;
  }

 private:
  WireConnection(std::unique_ptr<ByteStream> stream, const WireConnectionOptions& options)
      : stream_(std::move(stream)), options_(options) {}

  absl::StatusOr<int16_t> CommonVersion(const ApiDefinition& api) const;
  absl::StatusOr<std::string> Exchange(const ApiDefinition& api, int16_t version,
                                       const std::string& body, absl::Duration deadline);
  absl::StatusOr<std::string> SendAndReceive(const std::string& frame, absl::Duration deadline);
  absl::Status ReadExactly(std::string& out, size_t bytes, absl::Duration deadline);

  const std::unique_ptr<ByteStream> stream_;
  const WireConnectionOptions options_;
  std::map<int16_t, std::pair<int16_t, int16_t>> broker_versions_;  // API key -> min, max
  int32_t last_correlation_id_ = 0;
  bool broken_ = false;
};

}  // namespace weir::kafka
