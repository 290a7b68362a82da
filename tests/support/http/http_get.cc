#include "tests/support/http/http_get.h"

#include <httplib.h>

#include <memory>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace weir {
namespace {

constexpr int kPatienceSeconds = 10;

absl::StatusOr<HttpAnswer> Ask(httplib::ClientImpl& client, const std::string& path,
                               const HttpGetOptions& options) {
  client.set_connection_timeout(kPatienceSeconds);
  client.set_read_timeout(kPatienceSeconds);
  httplib::Request request;
  request.method = options.method;
  request.path = path;
  if (!options.token.empty()) {
    request.set_header("Authorization", absl::StrCat("Bearer ", options.token));
  }
  const httplib::Result result = client.send(request);
  if (!result) {
    return absl::UnavailableError(absl::StrCat("no answer: ", httplib::to_string(result.error())));
  }
  return HttpAnswer{result->status, result->get_header_value("Content-Type"), result->body};
}

}  // namespace

absl::StatusOr<HttpAnswer> HttpGet(const std::string& address, const std::string& path,
                                   const HttpGetOptions& options) {
  const size_t colon = address.rfind(':');
  const std::string host = address.substr(0, colon);
  int port = 0;
  if (colon == std::string::npos || !absl::SimpleAtoi(address.substr(colon + 1), &port)) {
    return absl::InvalidArgumentError(absl::StrCat("'", address, "' is no address"));
  }
  if (options.ca_file.empty()) {
    httplib::ClientImpl client(host, port);
    return Ask(client, path, options);
  }
  httplib::SSLClient client(host, port, options.certificate_file, options.key_file);
  client.set_ca_cert_path(options.ca_file.c_str());
  client.enable_server_certificate_verification(true);
  return Ask(client, path, options);
}

std::map<std::string, double> ParseSeries(const std::string& page) {
  std::map<std::string, double> series;
  for (const absl::string_view line : absl::StrSplit(page, '\n', absl::SkipEmpty())) {
    const size_t blank = line.rfind(' ');
    double value = 0;
    if (line[0] == '#' || blank == absl::string_view::npos) continue;
    if (absl::SimpleAtod(line.substr(blank + 1), &value)) {
      series[std::string(line.substr(0, blank))] = value;
    }
  }
  return series;
}

}  // namespace weir
