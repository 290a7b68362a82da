#include "common/net/security_options.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/temporary_directory.h"

namespace weir {
namespace {

TEST(SecurityOptions, ReadsTheTokenWithoutItsNewline) {
  TemporaryDirectory directory;
  std::ofstream(directory.File("token")) << "open sesame\n";
  const auto security = ReadSecurityOptions(
      Config::FromValues({{"security.token-file", directory.File("token")}}).value());
  ASSERT_TRUE(security.ok()) << security.status();
  EXPECT_EQ(security->token, "open sesame");
  EXPECT_FALSE(security->tls());
}

TEST(SecurityOptions, NamesATokenFileThatIsMissingOrEmpty) {
  TemporaryDirectory directory;
  const std::string path = directory.File("token");
  const Config config = Config::FromValues({{"security.token-file", path}}).value();
  EXPECT_EQ(ReadSecurityOptions(config).status(),
            absl::InvalidArgumentError("cannot read security.token-file '" + path + "'"));
  std::ofstream(path) << "\n";
  EXPECT_EQ(ReadSecurityOptions(config).status(),
            absl::InvalidArgumentError("security.token-file '" + path + "' is empty"));
}

}  // namespace
}  // namespace weir
