#include "common/config/bind_address.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

TEST(IsLoopbackAddressTest, KnowsLoopback) {
  for (const absl::string_view address : {"127.0.0.1:6123", "127.8.9.10:0", "localhost:1",
                                          "LOCALHOST", "[::1]:6123", "::1", "127.0.0.1"}) {
    EXPECT_TRUE(IsLoopbackAddress(address)) << address;
  }
}

TEST(IsLoopbackAddressTest, TakesEverythingElseForReachable) {
  for (const absl::string_view address :
       {"0.0.0.0:6123", "10.0.0.1:1", "[::]:6123", "::", "example.org:1", "localhost.evil.org:1",
        "127.0.0.1.evil.org:1", "128.0.0.1:1", "", ":6123", "[::1", "127.1:6123"}) {
    EXPECT_FALSE(IsLoopbackAddress(address)) << address;
  }
}

absl::Status Check(absl::string_view address, const BindSecurity& security) {
  return CheckBindAddress("rpc.address", address, security);
}

TEST(CheckBindAddressTest, LoopbackNeedsNothing) { EXPECT_TRUE(Check("127.0.0.1:6123", {}).ok()); }

TEST(CheckBindAddressTest, OtherAddressesNeedTlsAndTokenOrTheUsersWord) {
  EXPECT_TRUE(Check("0.0.0.0:6123", {.tls = true, .token = true}).ok());
  EXPECT_TRUE(Check("0.0.0.0:6123", {.insecure = true}).ok());
  for (const BindSecurity& security :
       {BindSecurity{}, BindSecurity{.tls = true}, BindSecurity{.token = true}}) {
    EXPECT_EQ(Check("0.0.0.0:6123", security).code(), absl::StatusCode::kInvalidArgument);
  }
}

TEST(CheckBindAddressTest, MessageNamesWhatIsMissing) {
  EXPECT_EQ(Check("0.0.0.0:6123", {.tls = true}).message(),
            "rpc.address is '0.0.0.0:6123', which is reachable from outside this machine: set "
            "security.token-file, or set security.insecure to let anybody who reaches the port run "
            "programs");
}

TEST(BindSecurityTest, TlsNeedsCertificateAndKey) {
  const auto security = [](const std::map<std::string, std::string>& values) {
    return BindSecurity::FromConfig(Config::FromValues(values).value());
  };
  EXPECT_FALSE(security({{"security.tls.certificate-file", "c"}}).tls);
  EXPECT_TRUE(
      security({{"security.tls.certificate-file", "c"}, {"security.tls.key-file", "k"}}).tls);
  EXPECT_TRUE(security({{"security.token-file", "t"}}).token);
  EXPECT_TRUE(security({{"security.insecure", "true"}}).insecure);
  EXPECT_FALSE(security({}).insecure);
}

}  // namespace
}  // namespace weir
