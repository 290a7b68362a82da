#include "client/contexts/context_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

#include "client/contexts/xdg_directories.h"
#include "tests/support/temporary_directory.h"

namespace weir {
namespace {

using testing::HasSubstr;

class ContextFileTest : public testing::Test {
 protected:
  absl::StatusOr<ContextFile> Read(const std::string& text) {
    std::ofstream(Path()) << text;
    return ReadContextFile(Path());
  }
  std::string Path() const { return directory_.File("config.yaml"); }
  TemporaryDirectory directory_;
};

TEST_F(ContextFileTest, KeysMayBeNestedOrDotted) {
  const auto file = Read(
      "current-context: b\n"
      "contexts:\n"
      "  a: {jobmanager: {addresses: [x:1, y:2]}}\n"
      "  b:\n"
      "    jobmanager.addresses: z:3\n"
      "    security.token-file: token\n");
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(file->current, "b");
  EXPECT_EQ(file->contexts.at("a").at("jobmanager.addresses"), "x:1,y:2");
  EXPECT_EQ(file->contexts.at("b").at("security.token-file"), directory_.File("token"));
}

TEST_F(ContextFileTest, WhatIsWrittenIsRead) {
  ContextFile file;
  file.path = directory_.File("new/weir/config.yaml");
  file.current = "yes";
  file.contexts["yes"] = {{"jobmanager.addresses", "[::1]:1,b:2"},
                          {"security.token-file", "/with: colon/#hash \"quote\""}};
  file.contexts["1"] = {{"jobmanager.addresses", "c:3"}};
  ASSERT_EQ(WriteContextFile(file), absl::OkStatus());
  const auto read = ReadContextFile(file.path);
  ASSERT_TRUE(read.ok()) << read.status() << "\n" << ContextFileAsYaml(file);
  EXPECT_EQ(read->current, file.current);
  EXPECT_EQ(read->contexts, file.contexts);
}

TEST_F(ContextFileTest, LinkStaysALink) {
  std::filesystem::create_directory(directory_.File("dotfiles"));
  std::ofstream(directory_.File("dotfiles/weir.yaml")) << "";
  std::filesystem::create_symlink("dotfiles/weir.yaml", Path());
  ContextFile file;
  file.path = Path();
  file.contexts["a"] = {{"jobmanager.addresses", "c:3"}};
  ASSERT_EQ(WriteContextFile(file), absl::OkStatus());
  EXPECT_TRUE(std::filesystem::is_symlink(Path()));
  EXPECT_EQ(ReadContextFile(directory_.File("dotfiles/weir.yaml"))->contexts, file.contexts);
}

TEST_F(ContextFileTest, NoFileAndAnEmptyOneHaveNoContexts) {
  EXPECT_TRUE(ReadContextFile(directory_.File("absent"))->contexts.empty());
  EXPECT_TRUE(Read("")->contexts.empty());
  EXPECT_TRUE(Read(ContextFileAsYaml(ContextFile()))->contexts.empty());
}

TEST_F(ContextFileTest, FaultsAreOneSentenceWithFileAndLine) {
  const std::string address = "    jobmanager.addresses: x:1\n";
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"curent-context: a\n",
       ":1: unknown key 'curent-context'; current-context and contexts are expected; did you mean "
       "'current-context'?"},
      {"contexts:\n  a: text\n", ":2: context 'a' holds no options"},
      {"contexts:\n  a b:\n" + address, ":3: a context cannot be named 'a b'"},
      {"contexts:\n  a:\n    jobmanager.adresses: x:1\n",
       ":3: a context has no option 'jobmanager.adresses'; did you mean 'jobmanager.addresses'?"},
      {"contexts:\n  a:\n    jobmanager.addresses: x\n",
       ":3: jobmanager.addresses is 'x'; HOST:PORT"},
      {"contexts:\n  a:\n    jobmanager.addresses: []\n",
       ":3: jobmanager.addresses names no address"},
      {"contexts:\n  a:\n" + address + address, ":4: option 'jobmanager.addresses' is given twice"},
      {"contexts:\n  b:\n" + address + "  a:\n    security.token-file: /t\n",
       ":5: context 'a' has no jobmanager.addresses"},
      {"contexts:\n  a:\n", ":2: option 'contexts.a' has no value"},
      {"- a\n", ":1: expected options as 'key: value'"},
      {"contexts: [\n", "not valid YAML"}};
  for (const auto& [text, sentence] : cases) {
    const auto file = Read(text);
    EXPECT_EQ(file.status().code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_THAT(std::string(file.status().message()),
                testing::AllOf(testing::StartsWith(Path()), HasSubstr(sentence)))
        << text;
  }
}

TEST(XdgDirectoriesTest, VariableThenHome) {
  EXPECT_EQ(*ConfigDirectory({{"XDG_CONFIG_HOME", "/c"}, {"HOME", "/h"}}), "/c/weir");
  EXPECT_EQ(*ConfigDirectory({{"XDG_CONFIG_HOME", "relative"}, {"HOME", "/h"}}), "/h/.config/weir");
  EXPECT_EQ(*StateDirectory({{"HOME", "/h"}}), "/h/.local/state/weir");
  EXPECT_FALSE(StateDirectory({}).ok());
}

}  // namespace
}  // namespace weir
