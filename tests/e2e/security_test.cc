// TLS and token on every connection of a cluster.

#include <gmock/gmock.h>

#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"

#include "tests/e2e/cluster_test.h"

namespace weir {
namespace {

using testing::HasSubstr;

class SecurityTest : public FlightStreamTest {
 protected:
  /// A certificate authority, a certificate for 127.0.0.1 and a token, made now.
  void MakeSecrets() {
    ChildProcessOptions options;
    options.working_directory = secrets_.path();
    options.argv = {
        "sh", "-ec",
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -keyout "
        "ca.key -out ca.pem -subj /CN=weir-test-ca\n"
        "openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out "
        "request.pem -subj /CN=weir\n"
        "printf 'subjectAltName=IP:127.0.0.1,DNS:localhost' > names\n"
        "openssl x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 "
        "-extfile names -out certificate.pem\n"
        "echo the-token > token; echo another > wrong-token"};
    const auto result = ChildProcess::RunToEnd(options, absl::Seconds(30));
    WEIR_ASSERT_OK(result);
    ASSERT_EQ(result->exit_status, 0) << result->standard_error;
  }

  ProcessResult List(std::vector<std::string> flags) {
    ChildProcessOptions options;
    options.argv = {WeirProgram("weir"), "list", "-t", "3s",
                    absl::StrCat("--jobmanager.addresses=", weir().addresses())};
    for (std::string& flag : flags) options.argv.push_back(std::move(flag));
    const auto result = ChildProcess::RunToEnd(options, absl::Seconds(30));
    EXPECT_TRUE(result.ok()) << result.status();
    return result.value_or(ProcessResult());
  }

  TemporaryDirectory secrets_;
};

TEST_F(SecurityTest, JobRunsAndRecoversWithTlsAndToken) {
  MakeSecrets();
  WeirClusterOptions options;
  options.server_options = {{"security.tls.certificate-file", secrets_.File("certificate.pem")},
                            {"security.tls.key-file", secrets_.File("key.pem")},
                            {"security.tls.ca-file", secrets_.File("ca.pem")},
                            {"security.token-file", secrets_.File("token")}};
  options.client_options = {{"security.tls.ca-file", secrets_.File("ca.pem")},
                            {"security.token-file", secrets_.File("token")}};
  StartCluster(options);
  StartStream(FlightDelays());
  AwaitFlow();

  const std::string ca = absl::StrCat("--security.tls.ca-file=", secrets_.File("ca.pem"));
  const ProcessResult without = List({ca});
  EXPECT_EQ(without.exit_status, 5) << without.standard_error;
  EXPECT_EQ(without.standard_error,
            "weir: this cluster asks for a token, and the call carries none "
            "(security.token-file)\n");
  const ProcessResult wrong =
      List({ca, absl::StrCat("--security.token-file=", secrets_.File("wrong-token"))});
  EXPECT_EQ(wrong.exit_status, 5) << wrong.standard_error;
  EXPECT_EQ(wrong.standard_error,
            "weir: the token of the call is not the one of this cluster (security.token-file)\n");
  const ProcessResult plain =
      List({absl::StrCat("--security.token-file=", secrets_.File("token"))});
  EXPECT_NE(plain.exit_status, 0);

  const uint64_t before = Generation();
  WEIR_ASSERT_OK(KillAndAwaitEnd(Workers().at(0), absl::Seconds(10)));
  AwaitRecovery(before);
  ExpectNothingLost();
}

}  // namespace
}  // namespace weir
