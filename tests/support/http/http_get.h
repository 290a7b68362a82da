#pragma once

#include <map>
#include <string>

#include "absl/status/statusor.h"

namespace weir {

struct HttpGetOptions {
  std::string method = "GET";
  std::string token;             // sent as "Bearer ..."; empty: none
  std::string ca_file;           // given: over TLS
  std::string certificate_file;  // of the client
  std::string key_file;
};

struct HttpAnswer {
  int status = 0;
  std::string content_type;
  std::string body;
};

/// One request to "host:port". UNAVAILABLE when there is no answer.
absl::StatusOr<HttpAnswer> HttpGet(const std::string& address, const std::string& path,
                                   const HttpGetOptions& options = {});

/// The series of a Prometheus page, "name{labels}" as written, with their values.
std::map<std::string, double> ParseSeries(const std::string& page);

}  // namespace weir
