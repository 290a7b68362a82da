#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

#include "client/cli/cli.h"
#include "common/base/seeded_random.h"
#include "common/base/version.h"
#include "common/time/system_clock.h"
#include "tests/support/temporary_directory.h"

namespace weir::cli {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

class NewVerbTest : public testing::Test {
 protected:
  ExitCode Run(const std::vector<std::string>& arguments) {
    SeededRandom random(1);
    const SystemClock clock;
    CliEnvironment environment{
        {},
        [](ClusterClientOptions) -> absl::StatusOr<std::unique_ptr<ClusterClient>> {
          return absl::InternalError("a cluster was asked");
        },
        random,
        clock,
        [](absl::Duration) {},
        out_,
        error_,
        false,
        false,
        ""};
    return RunCli(arguments, environment);
  }
  std::string File(const std::string& name) const { return directory_.File(name); }

  TemporaryDirectory directory_;
  std::ostringstream out_;
  std::ostringstream error_;
};

TEST_F(NewVerbTest, MakesAllFilesOfAProject) {
  EXPECT_EQ(Run({"new", File("work/large-payments")}), kOk) << error_.str();
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(File("work/large-payments"))) {
    names.insert(entry.path().filename().string());
  }
  EXPECT_THAT(names, ElementsAre(".gitignore", "CMakeLists.txt", "README.md", "cluster_test.cc",
                                 "cluster_test_job.cc", "main.cc", "payment.h", "payment_test.cc"));
  EXPECT_THAT(out_.str(), AllOf(HasSubstr("made the project 'large-payments'"),
                                HasSubstr(absl::StrCat("cd ", File("work/large-payments")))));
}

TEST_F(NewVerbTest, NameAndVersionAreFilledIn) {
  EXPECT_EQ(Run({"new", File("here"), "--name=alerts"}), kOk) << error_.str();
  EXPECT_THAT(
      ReadFile(File("here/CMakeLists.txt")),
      AllOf(HasSubstr("project(alerts LANGUAGES"), HasSubstr("weir_add_job(alerts main.cc)"),
            HasSubstr(absl::StrCat("find_package(Weir ", kVersion, " REQUIRED)"))));
  EXPECT_THAT(ReadFile(File("here/main.cc")), HasSubstr("RunJob(\"alerts\""));
  for (const auto& entry : std::filesystem::directory_iterator(File("here"))) {
    EXPECT_THAT(ReadFile(entry.path()), Not(testing::ContainsRegex("@[A-Z]+@"))) << entry.path();
  }
}

TEST_F(NewVerbTest, EmptyDirectoryIsTaken) {
  std::filesystem::create_directory(File("empty"));
  EXPECT_EQ(Run({"new", File("empty") + "/"}), kOk) << error_.str();
  EXPECT_THAT(ReadFile(File("empty/main.cc")), HasSubstr("RunJob(\"empty\""));
}

TEST_F(NewVerbTest, DirectoryThatIsNotEmptyIsLeftAlone) {
  std::filesystem::create_directory(File("full"));
  std::ofstream(File("full/main.cc")) << "mine";
  EXPECT_EQ(Run({"new", File("full")}), kConflict);
  EXPECT_EQ(error_.str(), absl::StrCat("weir: directory '", File("full"),
                                       "' is not empty; a project is made in a new or an empty "
                                       "one\n"));
  EXPECT_EQ(ReadFile(File("full/main.cc")), "mine");
}

TEST_F(NewVerbTest, FileInTheWay) {
  std::ofstream(File("file")) << "mine";
  EXPECT_EQ(Run({"new", File("file")}), kConflict);
  EXPECT_THAT(error_.str(), HasSubstr("is there and is no directory"));
}

TEST_F(NewVerbTest, NameThatCannotBe) {
  for (const char* name : {"Payments", "2nd", "a b", "a/b", "été", "", "a;b", "x@NAME@"}) {
    error_.str("");
    EXPECT_EQ(Run({"new", File("d"), absl::StrCat("--name=", name)}), kUsage) << name;
    EXPECT_THAT(error_.str(), HasSubstr(absl::StrCat("a project cannot be named '", name, "'")));
  }
  EXPECT_EQ(Run({"new", File("d"), absl::StrCat("--name=", std::string(65, 'a'))}), kUsage);
  EXPECT_EQ(Run({"new", File("Payments")}), kUsage);
  EXPECT_FALSE(std::filesystem::exists(File("d")));
}

TEST_F(NewVerbTest, NameOfATargetOfCMake) {
  EXPECT_EQ(Run({"new", File("test")}), kUsage);
  EXPECT_EQ(error_.str(),
            "weir: a project cannot be named 'test', which CMake knows already (--name gives "
            "another than the directory's)\n");
}

TEST_F(NewVerbTest, OptionsOfAClusterHaveNoMeaning) {
  EXPECT_EQ(Run({"new", File("d"), "--jobmanager.addresses=x:1"}), kUsage);
  EXPECT_THAT(error_.str(), HasSubstr("unknown flag '--jobmanager.addresses'"));
}

}  // namespace
}  // namespace weir::cli
