// `weir config ...`, and which cluster a command line means.

#include <fstream>
#include <iterator>

#include "absl/strings/str_cat.h"

#include "tests/unit/client/cli/cli_fixture.h"

namespace weir::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class ContextsTest : public CliTest {
 protected:
  void SetUp() override { variables_["XDG_CONFIG_HOME"] = directory_.path(); }

  std::string Path() const { return directory_.File("weir/config.yaml"); }
  std::string Text() const {
    std::ifstream file(Path());
    return std::string(std::istreambuf_iterator<char>(file), {});
  }
  void MakeContexts() {
    ASSERT_EQ(Run({"config", "set-context", "dev", "--jobmanager.addresses=dev:1"}), kOk)
        << error_.str();
    ASSERT_EQ(Run({"config", "set-context", "prod", "--jobmanager.addresses", "a:1,b:2",
                   "--security.tls.ca-file=/etc/weir/ca.pem"}),
              kOk);
  }
};

TEST_F(ContextsTest, AreMadeUsedChangedAndDeleted) {
  MakeContexts();
  EXPECT_EQ(out_.str(), "context 'prod' is made\n");
  EXPECT_EQ(Run({"config", "current-context"}), kNotFound);
  EXPECT_THAT(error_.str(), HasSubstr("no context is current in " + Path()));
  EXPECT_EQ(Run({"config", "use-context", "prod"}), kOk);
  EXPECT_EQ(Run({"config", "current-context"}), kOk);
  EXPECT_EQ(out_.str(), "prod\n");
  EXPECT_EQ(Text(),
            "current-context: prod\n"
            "contexts:\n"
            "  dev:\n"
            "    jobmanager.addresses:\n"
            "      - \"dev:1\"\n"
            "  prod:\n"
            "    jobmanager.addresses:\n"
            "      - \"a:1\"\n"
            "      - \"b:2\"\n"
            "    security.tls.ca-file: /etc/weir/ca.pem\n");
  EXPECT_EQ(Run({"config", "view"}), kOk);
  EXPECT_EQ(out_.str(), Text());
  EXPECT_EQ(Run({"config", "list-contexts"}), kOk);
  EXPECT_EQ(out_.str(),
            "CURRENT  NAME  JOBMANAGERS\n"
            "         dev   dev:1\n"
            "*        prod  a:1,b:2\n");
  EXPECT_EQ(Run({"config", "set-context", "prod", "--security.tls.ca-file="}), kOk);
  EXPECT_EQ(out_.str(), "context 'prod' is changed\n");
  EXPECT_EQ(Run({"config", "list-contexts", "-o", "json"}), kOk);
  EXPECT_EQ(out_.str(), R"json({
  "contexts": [
    {
      "name": "dev",
      "current": false,
      "options": {
        "jobmanager.addresses": "dev:1"
      }
    },
    {
      "name": "prod",
      "current": true,
      "options": {
        "jobmanager.addresses": "a:1,b:2"
      }
    }
  ]
}
)json");
  EXPECT_EQ(Run({"config", "delete-context", "prod"}), kOk);
  EXPECT_EQ(out_.str(), "context 'prod' is deleted; it was the current one\n");
  EXPECT_EQ(Run({"config", "list-contexts", "-o", "name"}), kOk);
  EXPECT_EQ(out_.str(), "dev\n");
}

TEST_F(ContextsTest, FlagThenContextFlagThenEnvironmentThenFileThenCurrentContext) {
  MakeContexts();
  Run({"config", "use-context", "dev"});
  std::ofstream(directory_.File("options.yaml")) << "jobmanager: {addresses: file:4}\n";
  const std::string config = absl::StrCat("--config=", directory_.File("options.yaml"));
  Run({"list"});
  EXPECT_THAT(options_.addresses, ElementsAre("dev:1"));
  Run({"list", config});
  EXPECT_THAT(options_.addresses, ElementsAre("file:4"));
  variables_["WEIR_JOBMANAGER_ADDRESSES"] = "environment:3";
  Run({"list", config});
  EXPECT_THAT(options_.addresses, ElementsAre("environment:3"));
  Run({"--context", "prod", "list", config});
  EXPECT_THAT(options_.addresses, ElementsAre("a:1", "b:2"));
  EXPECT_EQ(options_.security.ca_file, "/etc/weir/ca.pem");
  Run({"list", config, "--context=prod", "--jobmanager.addresses=flag:5"});
  EXPECT_THAT(options_.addresses, ElementsAre("flag:5"));
}

// A token is for its own cluster.
TEST_F(ContextsTest, CurrentContextIsUsedWholeOrNotAtAll) {
  std::ofstream(directory_.File("token")) << "secret";
  Run({"config", "set-context", "prod", "--jobmanager.addresses=a:1",
       absl::StrCat("--security.token-file=", directory_.File("token"))});
  Run({"config", "use-context", "prod"});
  Run({"list"});
  EXPECT_EQ(options_.security.token, "secret");
  Run({"list", "--jobmanager.addresses=elsewhere:1"});
  EXPECT_EQ(options_.security.token, "");
}

TEST_F(ContextsTest, WhatIsNotThereOrWrongIsOneSentence) {
  MakeContexts();
  EXPECT_EQ(Run({"config", "use-context", "prd"}), kNotFound);
  EXPECT_EQ(error_.str(), absl::StrCat("weir: there is no context 'prd' in ", Path(),
                                       "; did you mean 'prod'?\n"));
  EXPECT_EQ(Run({"list", "--context=prd"}), kUsage);
  EXPECT_THAT(error_.str(), HasSubstr("there is no context 'prd'"));
  EXPECT_EQ(Run({"config", "set-context", "new"}), kUsage);
  EXPECT_EQ(error_.str(), "weir: context 'new' needs --jobmanager.addresses\n");
  EXPECT_EQ(Run({"config", "set-context", "a.b", "--jobmanager.addresses=x:1"}), kUsage);
  EXPECT_THAT(error_.str(), HasSubstr("a context cannot be named 'a.b'"));
  EXPECT_EQ(Run({"config", "set-context", "new", "--jobmanager.addresses=x"}), kUsage);
  EXPECT_THAT(error_.str(), HasSubstr("jobmanager.addresses is 'x'; HOST:PORT"));
  std::ofstream(Path()) << "current-context: gone\n";
  EXPECT_EQ(Run({"list"}), kUsage);
  EXPECT_EQ(error_.str(), absl::StrCat("weir: there is no context 'gone' in ", Path(),
                                       ", where it is the current one\n"));
  std::ofstream(Path()) << "contexts:\n  a: [\n";
  EXPECT_EQ(Run({"list"}), kUsage);
  EXPECT_THAT(error_.str(), HasSubstr(absl::StrCat("weir: ", Path(), ":3: not valid YAML")));
  EXPECT_EQ(Run({"list", "--jobmanager.addresses=x:1"}), kOk) << "a file nobody needs";
}

TEST_F(ContextsTest, WithoutAHomeThereAreNone) {
  variables_.clear();
  EXPECT_EQ(Run({"list"}), kOk) << error_.str();
  EXPECT_EQ(Run({"config", "list-contexts"}), kUsage);
  EXPECT_EQ(error_.str(), "weir: neither HOME nor XDG_CONFIG_HOME names a directory\n");
  EXPECT_EQ(Run({"list", "--context=prod"}), kUsage);
}

}  // namespace
}  // namespace weir::cli
