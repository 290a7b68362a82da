#include "connectors/kafka/wire/wire_connection.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

#include "connectors/kafka/wire/api_versions_message.h"
#include "connectors/kafka/wire/kafka_error.h"

namespace weir::kafka {
namespace {

// What is allocated ahead of the bytes that have come.
constexpr size_t kReadStep = 1u << 20;

}  // namespace

absl::StatusOr<std::unique_ptr<WireConnection>> WireConnection::Open(
    std::unique_ptr<ByteStream> stream, const WireConnectionOptions& options,
    absl::Duration deadline) {
  std::unique_ptr<WireConnection> connection(new WireConnection(std::move(stream), options));
  connection->broker_versions_[kApiVersionsApi.key] = {0, 0};
  WEIR_ASSIGN_OR_RETURN(const ApiVersionsResponse versions,
                        connection->Call(ApiVersionsRequest(), deadline));
  if (versions.error_code != 0) {
    return absl::UnavailableError(absl::StrCat(
        "ApiVersions: ", KafkaErrorText(static_cast<KafkaError>(versions.error_code))));
  }
  for (const ApiVersionsResponse::Range& range : versions.api_keys) {
    connection->broker_versions_[range.api_key] = {range.min_version, range.max_version};
  }
  return connection;
}

absl::StatusOr<int16_t> WireConnection::CommonVersion(const ApiDefinition& api) const {
  const auto found = broker_versions_.find(api.key);
  if (found == broker_versions_.end()) {
    return absl::UnimplementedError(absl::StrCat("the broker does not know ", api.name));
  }
  const auto [min, max] = found->second;
  const int16_t version = std::min(max, api.max_version);
  if (version < std::max(min, api.min_version)) {
    return absl::UnimplementedError(absl::StrCat("the broker speaks ", api.name, " versions ", min,
                                                 " to ", max, ", this client ", api.min_version,
                                                 " to ", api.max_version));
  }
  return version;
}

absl::StatusOr<std::string> WireConnection::Exchange(const ApiDefinition& api, int16_t version,
                                                     const std::string& body,
                                                     absl::Duration deadline) {
  if (broken_) return absl::UnavailableError("the connection is broken");
  const int32_t correlation_id = ++last_correlation_id_;
  WireWriter header;
  header.Int16(api.key);
  header.Int16(version);
  header.Int32(correlation_id);
  header.String(options_.client_id);  // never compact, in no version
  if (api.Flexible(version)) header.NoTaggedFields();
  WireWriter frame;
  frame.ArrayLength(header.bytes().size() + body.size());
  frame.Raw(header.bytes());
  frame.Raw(body);

  broken_ = true;  // until all is well
  absl::StatusOr<std::string> answer = SendAndReceive(frame.bytes(), deadline);
  if (!answer.ok()) return Annotate(answer.status(), api.name);
  WireReader reader(*answer);
  const int32_t answered = reader.Int32("correlation id");
  if (reader.ok() && answered != correlation_id) {
    reader.Fail("correlation id", absl::StrCat(answered, " instead of ", correlation_id));
  }
  // ApiVersions is answered without, whatever its version.
  if (api.Flexible(version) && api.key != kApiVersionsApi.key) {
    reader.SkipTaggedFields("response header");
  }
  if (!reader.ok()) return Annotate(reader.status(), api.name);
  broken_ = false;
  return answer->substr(reader.position());
}

absl::StatusOr<std::string> WireConnection::SendAndReceive(const std::string& frame,
                                                           absl::Duration deadline) {
  WEIR_RETURN_IF_ERROR(stream_->Write(frame, deadline));
  std::string size_bytes;
  WEIR_RETURN_IF_ERROR(ReadExactly(size_bytes, 4, deadline));
  const int32_t size = WireReader(size_bytes).Int32("size");
  if (size < 0 || static_cast<size_t>(size) > options_.max_response_bytes) {
    return absl::DataLossError(absl::StrCat("an answer of ", size, " bytes, at most ",
                                            options_.max_response_bytes, " are allowed"));
  }
  std::string answer;
  WEIR_RETURN_IF_ERROR(ReadExactly(answer, static_cast<size_t>(size), deadline));
  return answer;
}

absl::Status WireConnection::ReadExactly(std::string& out, size_t bytes, absl::Duration deadline) {
  while (out.size() < bytes) {
    const size_t have = out.size();
    const size_t step = std::min(bytes - have, kReadStep);
    out.resize(have + step);
    const absl::StatusOr<size_t> read = stream_->Read(out.data() + have, step, deadline);
    out.resize(have + (read.ok() ? *read : 0));
    WEIR_RETURN_IF_ERROR(read.status());
  }
  return absl::OkStatus();
}

}  // namespace weir::kafka
