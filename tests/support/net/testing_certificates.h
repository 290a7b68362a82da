#pragma once

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"

#include "common/net/security_options.h"
#include "tests/support/process/child_process.h"

namespace weir {

/// A certificate authority, made by openssl in `directory`: <name>-ca.pem, <name>-ca.key.
class TestingAuthority {
 public:
  TestingAuthority(const std::string& directory, const std::string& name)
      : directory_(directory), ca_(absl::StrCat(directory, "/", name, "-ca")) {
    Run(
        absl::StrCat("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes "
                     "-days 2 -subj /CN=test-ca -keyout '",
                     ca_, ".key' -out '", ca_, ".pem'"));
  }

  /// A certificate for 127.0.0.1 with a serial of its own, signed by it: <name>.pem, <name>.key.
  SecurityOptions Issue(const std::string& name) const {
    const std::string base = absl::StrCat(directory_, "/", name);
    Run(absl::StrCat(
        "openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes "
        "-subj /CN=weir -keyout '",
        base, ".key' -out '", base, ".csr'; echo subjectAltName=IP:127.0.0.1 > '", base,
        ".ext'; openssl x509 -req -days 2 -in '", base, ".csr' -CA '", ca_, ".pem' -CAkey '", ca_,
        ".key' -CAcreateserial -extfile '", base, ".ext' -out '", base, ".pem'"));
    SecurityOptions security;
    security.certificate_file = absl::StrCat(base, ".pem");
    security.key_file = absl::StrCat(base, ".key");
    security.ca_file = absl::StrCat(ca_, ".pem");
    return security;
  }

 private:
  static void Run(const std::string& script) {
    ChildProcessOptions options;
    options.argv = {"/bin/sh", "-ec", script};
    auto result = ChildProcess::RunToEnd(options, absl::Seconds(30));
    EXPECT_TRUE(result.ok() && result->exit_status == 0)
        << (result.ok() ? result->standard_error : result.status().ToString());
  }

  const std::string directory_;
  const std::string ca_;
};

/// A certificate of this name by an authority of this name.
inline SecurityOptions MakeTestingCertificates(const std::string& directory,
                                               const std::string& name) {
  return TestingAuthority(directory, name).Issue(name);
}

}  // namespace weir
