#include "common/config/config_loader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "common/config/options.h"
#include "tests/support/temporary_directory.h"

namespace weir {
namespace {

using testing::ElementsAre;

TEST(ConfigLoaderTest, FlagsWinOverEnvironmentAndEnvironmentOverFiles) {
  ConfigLoader loader;
  ASSERT_TRUE(loader.AddFlags({"--cluster.id=flag"}).ok());
  ASSERT_TRUE(
      loader.AddEnvironment({{"WEIR_CLUSTER_ID", "env"}, {"WEIR_LOG_LEVEL", "debug"}}).ok());
  ASSERT_TRUE(loader
                  .AddYaml("cluster: {id: file}\nlog: {level: error, format: json}\n"
                           "taskmanager.slots: 3\n",
                           "weir.yaml")
                  .ok());
  const Config config = loader.Build().value();
  EXPECT_EQ(config.Get(options::kClusterId), "flag");
  EXPECT_EQ(config.Get(options::kLogLevel), "debug");
  EXPECT_EQ(config.Get(options::kLogFormat), "json");
  EXPECT_EQ(config.Get(options::kTaskmanagerSlots), 3);
  EXPECT_EQ(config.Get(options::kWorkerKeepLogs), 5);
}

std::string YamlProblem(const std::string& yaml) {
  ConfigLoader loader;
  return std::string(loader.AddYaml(yaml, "weir.yaml").message());
}

TEST(ConfigLoaderYamlTest, TakesSequencesAsLists) {
  ConfigLoader loader;
  ASSERT_TRUE(loader.AddYaml("jobmanager:\n  addresses:\n    - a:1\n    - b:2\n", "f").ok());
  EXPECT_THAT(loader.Build()->Get(options::kJobmanagerAddresses), ElementsAre("a:1", "b:2"));
}

TEST(ConfigLoaderYamlTest, EmptyFileIsFine) {
  EXPECT_EQ(YamlProblem(""), "");
  EXPECT_EQ(YamlProblem("# nothing\n"), "");
}

TEST(ConfigLoaderYamlTest, ErrorsNameTheLine) {
  EXPECT_EQ(YamlProblem("cluster:\n  id: a\n  idd: b\n"),
            "weir.yaml:3: unknown option 'cluster.idd'; did you mean 'cluster.id'?");
  EXPECT_EQ(YamlProblem("taskmanager.slots: x\n"),
            "weir.yaml:1: option 'taskmanager.slots' has the value 'x', expected a whole number");
  EXPECT_EQ(YamlProblem("cluster:\n  id:\n"), "weir.yaml:2: option 'cluster.id' has no value");
  EXPECT_EQ(YamlProblem("cluster.id: a\ncluster:\n  id: b\n"),
            "weir.yaml:3: option 'cluster.id' is given twice");
  EXPECT_EQ(YamlProblem("cluster: {id: a, id: b}\n"),
            "weir.yaml:1: option 'cluster.id' is given twice");
  EXPECT_EQ(YamlProblem("jobmanager.addresses: [\"a,b\"]\n"),
            "weir.yaml:1: option 'jobmanager.addresses' has an item with a comma");
  EXPECT_EQ(YamlProblem("just text\n"), "weir.yaml:1: expected options as 'key: value'");
  EXPECT_THAT(YamlProblem("a: [1\n"), testing::StartsWith("weir.yaml:2: not valid YAML: "));
}

TEST(ConfigLoaderYamlTest, ReadsAFileAndMissesAMissingOne) {
  const TemporaryDirectory directory;
  std::ofstream(directory.File("a.yaml")) << "cluster.id: a\n";
  ConfigLoader loader;
  ASSERT_TRUE(loader.AddYamlFile(directory.File("a.yaml")).ok());
  EXPECT_EQ(loader.Build()->Get(options::kClusterId), "a");
  std::ofstream(directory.File("empty.yaml")).flush();
  EXPECT_TRUE(loader.AddYamlFile(directory.File("empty.yaml")).ok());
  EXPECT_EQ(loader.AddYamlFile(directory.File("b.yaml")).code(), absl::StatusCode::kNotFound);
}

absl::Status EnvironmentProblem(const std::string& name, const std::string& value) {
  ConfigLoader loader;
  return loader.AddEnvironment({{name, value}});
}

TEST(ConfigLoaderEnvironmentTest, ErrorsNameTheVariable) {
  EXPECT_EQ(EnvironmentProblem("WEIR_CLUSTER_IDD", "x").message(),
            "environment variable WEIR_CLUSTER_IDD names no option; did you mean "
            "'WEIR_CLUSTER_ID'?");
  EXPECT_EQ(EnvironmentProblem("WEIR_TASKMANAGER_SLOTS", "0").message(),
            "environment variable WEIR_TASKMANAGER_SLOTS: option 'taskmanager.slots' has the value "
            "'0', expected at least 1");
}

TEST(ConfigLoaderEnvironmentTest, ForeignVariablesAreIgnored) {
  EXPECT_TRUE(EnvironmentProblem("HOME", "/root").ok());
  EXPECT_TRUE(EnvironmentProblem("WEIR_CONFIG", "/etc/weir.yaml").ok());
  EXPECT_TRUE(EnvironmentProblem("WEIR_BINARY_DIR", "/build").ok());
  EXPECT_TRUE(EnvironmentProblem("WEIR_TEST_SEED", "1").ok());
}

TEST(ConfigLoaderEnvironmentTest, VariablesOfKubernetesServicesAreIgnored) {
  EXPECT_TRUE(EnvironmentProblem("WEIR_JOBMANAGER_SERVICE_HOST", "10.0.0.1").ok());
  EXPECT_TRUE(EnvironmentProblem("WEIR_JOBMANAGER_SERVICE_PORT_RPC", "6123").ok());
  EXPECT_TRUE(EnvironmentProblem("WEIR_JOBMANAGER_PORT", "tcp://10.0.0.1:6123").ok());
  EXPECT_TRUE(EnvironmentProblem("WEIR_JOBMANAGER_PORT_6123_TCP_ADDR", "10.0.0.1").ok());
}

std::string FlagProblem(const std::vector<std::string>& arguments) {
  ConfigLoader loader;
  return std::string(loader.AddFlags(arguments).status().message());
}

TEST(ConfigLoaderFlagsTest, TakesBothFormsAndReturnsTheOthers) {
  ConfigLoader loader;
  const absl::StatusOr<std::vector<std::string>> others =
      loader.AddFlags({"run", "--cluster.id", "a", "--taskmanager.slots=5", "job", "-", "--",
                       "--cluster.id=ignored"});
  ASSERT_TRUE(others.ok()) << others.status();
  EXPECT_THAT(*others, ElementsAre("run", "job", "-", "--cluster.id=ignored"));
  EXPECT_EQ(loader.Build()->Get(options::kClusterId), "a");
  EXPECT_EQ(loader.Build()->Get(options::kTaskmanagerSlots), 5);
}

TEST(ConfigLoaderFlagsTest, BooleanNeedsNoValue) {
  ConfigLoader alone;
  EXPECT_THAT(alone.AddFlags({"--security.insecure", "run"}).value(), ElementsAre("run"));
  EXPECT_TRUE(alone.Build()->Get(options::kSecurityInsecure));
  ConfigLoader with_value;
  EXPECT_TRUE(with_value.AddFlags({"--security.insecure", "false"})->empty());
  EXPECT_FALSE(with_value.Build()->Get(options::kSecurityInsecure));
}

TEST(ConfigLoaderFlagsTest, ErrorsNameTheFlag) {
  EXPECT_EQ(FlagProblem({"--cluster.idd=x"}),
            "unknown flag '--cluster.idd'; did you mean '--cluster.id'?");
  EXPECT_EQ(FlagProblem({"--cluster.id"}), "flag --cluster.id has no value");
  EXPECT_EQ(FlagProblem({"--log.level=loud"}),
            "flag --log.level: option 'log.level' has the value 'loud', expected one of debug, "
            "info, warning, error");
  EXPECT_EQ(FlagProblem({"-x"}), "unknown flag '-x'");
}

TEST(ConfigLoaderTest, EffectiveOptionsSayWhereValuesComeFrom) {
  ConfigLoader loader;
  ASSERT_TRUE(loader.AddYaml("cluster.id: a\nlog:\n  level: debug\n", "weir.yaml").ok());
  ASSERT_TRUE(loader.AddEnvironment({{"WEIR_LOG_LEVEL", "error"}}).ok());
  ASSERT_TRUE(loader.AddFlags({"--log.format=json"}).ok());
  std::map<std::string, std::string> lines;
  for (const EffectiveOption& option : loader.Build()->EffectiveOptions()) {
    lines[option.key] = option.value + " from " + option.source;
  }
  EXPECT_EQ(lines["cluster.id"], "a from weir.yaml:1");
  EXPECT_EQ(lines["log.level"], "error from environment variable WEIR_LOG_LEVEL");
  EXPECT_EQ(lines["log.format"], "json from flag --log.format");
  EXPECT_EQ(lines["log.max-files"], "5 from default");
  EXPECT_EQ(lines["storage.root"], " from missing");
}

TEST(LoadCommandLineTest, ReadsTheFileNamedByConfig) {
  const TemporaryDirectory directory;
  std::ofstream(directory.File("a.yaml")) << "cluster.id: a\n";
  const std::string flag = "--config=" + directory.File("a.yaml");
  const char* const argv[] = {"weir", "x", flag.c_str()};
  const absl::StatusOr<CommandLine> command_line = LoadCommandLine(3, argv);
  ASSERT_TRUE(command_line.ok()) << command_line.status();
  EXPECT_EQ(command_line->config.Get(options::kClusterId), "a");
  EXPECT_THAT(command_line->arguments, ElementsAre("x"));
  EXPECT_FALSE(command_line->help);
}

TEST(LoadCommandLineTest, HelpWinsOverErrors) {
  const char* const argv[] = {"weir", "--nonsense", "--help"};
  EXPECT_TRUE(LoadCommandLine(3, argv).value().help);
}

}  // namespace
}  // namespace weir
