#pragma once

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"

#include "common/net/security_options.h"
#include "tests/support/process/child_process.h"

namespace weir {

/// A CA, and a certificate for 127.0.0.1 signed by it, made by openssl in `directory`: <name>.pem,
/// <name>.key, <name>-ca.pem.
inline SecurityOptions MakeTestingCertificates(const std::string& directory,
                                               const std::string& name) {
  const std::string base = absl::StrCat(directory, "/", name);
  const std::string script = absl::StrCat(
      "set -e; openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 "
      "-subj /CN=test-ca -keyout '",
      base, "-ca.key' -out '", base,
      "-ca.pem'; "
      "openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=weir "
      "-keyout '",
      base, ".key' -out '", base,
      ".csr'; "
      "echo subjectAltName=IP:127.0.0.1 > '",
      base,
      ".ext'; "
      "openssl x509 -req -days 2 -in '",
      base, ".csr' -CA '", base, "-ca.pem' -CAkey '", base, "-ca.key' -CAcreateserial -extfile '",
      base, ".ext' -out '", base, ".pem'");
  ChildProcessOptions options;
  options.argv = {"/bin/sh", "-c", script};
  auto result = ChildProcess::RunToEnd(options, absl::Seconds(30));
  EXPECT_TRUE(result.ok() && result->exit_status == 0)
      << (result.ok() ? result->standard_error : result.status().ToString());
  SecurityOptions security;
  security.certificate_file = absl::StrCat(base, ".pem");
  security.key_file = absl::StrCat(base, ".key");
  security.ca_file = absl::StrCat(base, "-ca.pem");
  return security;
}

}  // namespace weir
