#include "common/config/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/config/options.h"

namespace weir {
namespace {

using testing::ElementsAre;

TEST(ConfigTest, GivesDefaults) {
  const Config config;
  EXPECT_EQ(config.Get(options::kClusterId), "default");
  EXPECT_EQ(config.Get(options::kTaskmanagerSlots), 2);
  EXPECT_EQ(config.Get(options::kCheckpointTimeout), absl::Minutes(10));
  EXPECT_EQ(config.Get(options::kCheckpointInlineStateMax), ByteSize{4096});
  EXPECT_EQ(config.Get(options::kRestartMultiplier), 2.0);
  EXPECT_FALSE(config.Get(options::kSecurityInsecure));
  EXPECT_THAT(config.Get(options::kJobmanagerAddresses), ElementsAre("127.0.0.1:6123"));
  EXPECT_FALSE(config.IsSet(options::kClusterId.spec()));
}

TEST(ConfigTest, GivesWhatWasSet) {
  const Config config =
      Config::FromValues({{"taskmanager.slots", "4"}, {"jobmanager.addresses", "a:1, b:2"}})
          .value();
  EXPECT_EQ(config.Get(options::kTaskmanagerSlots), 4);
  EXPECT_THAT(config.Get(options::kJobmanagerAddresses), ElementsAre("a:1", "b:2"));
  EXPECT_TRUE(config.IsSet(options::kTaskmanagerSlots.spec()));
}

TEST(ConfigTest, RefusesUnknownKeysAndBadValues) {
  EXPECT_EQ(Config::FromValues({{"taskmanager.slot", "4"}}).status().message(),
            "unknown option 'taskmanager.slot'; did you mean 'taskmanager.slots'?");
  EXPECT_EQ(Config::FromValues({{"taskmanager.slots", "many"}}).status().message(),
            "option 'taskmanager.slots' has the value 'many', expected a whole number");
}

TEST(ConfigTest, JobOptionsReplaceThoseOfTheCluster) {
  const Config cluster =
      Config::FromValues({{"checkpoint.interval", "1s"}, {"checkpoint.retained", "7"}}).value();
  const Config job = cluster.WithJobOptions({{"checkpoint.interval", "5s"}}).value();
  EXPECT_EQ(job.Get(options::kCheckpointInterval), absl::Seconds(5));
  EXPECT_EQ(job.Get(options::kCheckpointRetained), 7);
  EXPECT_EQ(cluster.Get(options::kCheckpointInterval), absl::Seconds(1));
}

TEST(ConfigTest, ClusterOptionsAreRefusedForJobs) {
  const absl::Status status = Config().WithJobOptions({{"security.insecure", "true"}}).status();
  EXPECT_EQ(status, absl::InvalidArgumentError("option 'security.insecure' belongs to the cluster "
                                               "and cannot be given with a job"));
}

TEST(ConfigTest, SecretsAreToldByTheLastWordOfTheirKey) {
  for (const char* key : {"a.password", "sink.api-token", "s3.secret", "x.access-key"}) {
    EXPECT_TRUE(IsSecretKey(key)) << key;
  }
  for (const char* key : {"security.token-file", "security.tls.key-file", "keyboard", "a.keys"}) {
    EXPECT_FALSE(IsSecretKey(key)) << key;
  }
}

TEST(ConfigTest, EffectiveOptionsHideSecrets) {
  constexpr Option<std::string> kPassword("store.password", "", "A password.");
  constexpr Option<std::string> kUser("store.user", "", "A user.");
  const OptionTable table({{"Store", "Of the test.", {kPassword.spec(), kUser.spec()}}});
  const Config config =
      Config::FromValues({{"store.password", "hush"}, {"store.user", "me"}}, table).value();
  const std::vector<EffectiveOption> options = config.EffectiveOptions();
  ASSERT_EQ(options.size(), 2u);
  EXPECT_EQ(options[0].value, "<hidden>");
  EXPECT_EQ(options[1].value, "me");
  EXPECT_EQ(options[1].source, "given");
}

TEST(ConfigTest, CheckRequiredNamesWhatIsMissing) {
  EXPECT_EQ(Config().CheckRequired().message(),
            "required options have no value: storage.root (flag --storage.root or environment "
            "variable WEIR_STORAGE_ROOT)");
  EXPECT_TRUE(Config::FromValues({{"storage.root", "/x"}})->CheckRequired().ok());
}

}  // namespace
}  // namespace weir
