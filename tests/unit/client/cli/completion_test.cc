// `weir completion` and the hidden verb behind its scripts.

#include <cstdlib>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

#include "tests/unit/client/cli/cli_fixture.h"

namespace weir::cli {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class CompletionTest : public CliTest {
 protected:
  void SetUp() override {
    AddJob("job-11", "flights", "RUNNING");
    AddJob("job-12", "copies", "FINISHED");
    AddJob("job-15", "copies", "FAILED");
    AddJob("job-13", "twins", "RUNNING");
    AddJob("job-14", "twins", "RUNNING");
  }
  void AddJob(const std::string& id, const std::string& name, const std::string& state) {
    proto::JobSummary* job = client_.jobs.add_jobs();
    job->set_job(id);
    job->set_name(name);
    job->set_state(state);
  }

  /// What is offered, without descriptions.
  std::vector<std::string> Complete(std::vector<std::string> words) {
    words.insert(words.begin(), {"__complete", "--"});
    EXPECT_EQ(Run(words), kOk);
    EXPECT_EQ(error_.str(), "");
    std::vector<std::string> texts;
    for (absl::string_view line : absl::StrSplit(out_.str(), '\n', absl::SkipEmpty())) {
      texts.emplace_back(line.substr(0, line.find('\t')));
    }
    return texts;
  }
};

TEST_F(CompletionTest, OffersVerbsAndNouns) {
  EXPECT_THAT(Complete({"st"}), ElementsAre("stop"));
  EXPECT_THAT(Complete({"c"}),
              ElementsAre("cancel", "checkpoint", "cluster", "config", "completion"));
  EXPECT_THAT(Complete({"local-cluster", ""}), ElementsAre("start", "stop", "status"));
  EXPECT_THAT(Complete({"transactions", ""}), ElementsAre("list", "explain", "abort"));
  EXPECT_THAT(Complete({"--context", "x", "tm", ""}), ElementsAre("list"));
  EXPECT_THAT(Complete({"nonsense", ""}), IsEmpty());
  EXPECT_THAT(Complete({""}), Not(Contains("__complete")));
}

TEST_F(CompletionTest, OffersFlagsAndTheirValues) {
  EXPECT_THAT(Complete({"cancel", "--ab"}), ElementsAre("--abandon-transactions"));
  EXPECT_THAT(Complete({"submit", "--checkpoint.int"}), ElementsAre("--checkpoint.interval"));
  EXPECT_THAT(Complete({"list", "-o", ""}), ElementsAre("table", "wide", "json", "yaml", "name"));
  EXPECT_THAT(Complete({"list", "--output=j"}), ElementsAre("--output=json"));
  EXPECT_THAT(Complete({"submit", "--restart.strategy", "f"}),
              ElementsAre("fixed-delay", "failure-rate"));
  EXPECT_THAT(Complete({"list", "--config", ""}), ElementsAre(":files"));
  EXPECT_THAT(Complete({"list", "--security.token-file="}), ElementsAre(":files"));
  EXPECT_THAT(Complete({"list", "--timeout", ""}), IsEmpty());
}

TEST_F(CompletionTest, OffersNamesOfJobsThatCanBeMeant) {
  EXPECT_THAT(Complete({"describe", ""}), ElementsAre("flights", "copies", "job-13", "job-14"));
  EXPECT_THAT(Complete({"stop", ""}), ElementsAre("flights", "job-13", "job-14"));
  EXPECT_THAT(Complete({"stop", "job-1"}), ElementsAre("job-11", "job-13", "job-14"));
  EXPECT_THAT(Complete({"checkpoint", "list", "fl"}), ElementsAre("flights"));
  EXPECT_THAT(Complete({"transactions", "explain", "flights", ""}), IsEmpty());
  EXPECT_THAT(Complete({"describe", "flights", ""}), IsEmpty());
}

TEST_F(CompletionTest, AsksTheClusterThatIsMeantAndNotForLong) {
  Complete({"--jobmanager.addresses=a:1", "cancel", "--abandon-transactions", ""});
  EXPECT_THAT(options_.addresses, ElementsAre("a:1"));
  EXPECT_LE(options_.call_timeout, absl::Seconds(1));
  client_.error = absl::UnavailableError("nobody answers");
  EXPECT_THAT(Complete({"stop", ""}), IsEmpty());
}

TEST_F(CompletionTest, OffersContexts) {
  variables_["HOME"] = directory_.path();
  Run({"config", "set-context", "prod", "--jobmanager.addresses=a:1"});
  EXPECT_THAT(Complete({"list", "--context", ""}), ElementsAre("prod"));
  EXPECT_THAT(Complete({"list", "--context=p"}), ElementsAre("--context=prod"));
  EXPECT_THAT(Complete({"config", "use-context", ""}), ElementsAre("prod"));
}

TEST_F(CompletionTest, OffersFilesForPrograms) {
  EXPECT_THAT(Complete({"submit", ""}), ElementsAre(":files"));
  EXPECT_THAT(Complete({"submit", "job", "--", "--inp"}), ElementsAre(":files"));
  EXPECT_THAT(Complete({"completion", ""}), ElementsAre("bash", "zsh", "fish"));
}

TEST_F(CompletionTest, ThereIsAScriptForEachShell) {
  for (const char* shell : {"bash", "zsh", "fish"}) {
    EXPECT_EQ(Run({"completion", shell}), kOk);
    EXPECT_THAT(out_.str(), HasSubstr("__complete -- "));
  }
  EXPECT_EQ(Run({"completion", "tcsh"}), kUsage);
  EXPECT_EQ(error_.str(), "weir: no completion for 'tcsh'; bash, zsh and fish are known\n");
}

// The script as bash runs it, with a `weir` that says what it was asked and answers `answer`.
class BashCompletionTest : public CompletionTest {
 protected:
  /// Words as readline cuts them; returns lines: what weir was asked, then the replies.
  std::string Bash(const std::vector<std::string>& cut, const std::string& line,
                   const std::string& answer) {
    EXPECT_EQ(Run({"completion", "bash"}), kOk);
    std::ofstream(directory_.File("weir.bash")) << out_.str();
    std::ofstream(directory_.File("weir"))
        << "#!/bin/bash\nprintf '<%s>' \"$@\" > \"$(dirname \"$0\")/asked\"\n"
        << "printf -- '" << answer << "'\n";
    std::ofstream(directory_.File("test.bash"))
        << "cd '" << directory_.path() << "' && chmod +x weir && source weir.bash\n"
        << "compopt() { echo \"compopt $*\"; }\n"
        << "COMP_WORDS=(" << absl::StrJoin(cut, " ") << ")\nCOMP_LINE=\"" << line << "\"\n"
        << "COMP_CWORD=$((${#COMP_WORDS[@]} - 1))\nCOMP_POINT=${#COMP_LINE}\n"
        << "$(complete -p weir | sed 's/.*-F \\([^ ]*\\).*/\\1/')\n"
        << "cat asked; echo; printf '%s\\n' \"${COMPREPLY[@]}\"\n";
    const std::string result = directory_.File("result");
    EXPECT_EQ(
        std::system(
            absl::StrCat("bash ", directory_.File("test.bash"), " > ", result, " 2>&1").c_str()),
        0);
    std::ifstream file(result);
    return std::string(std::istreambuf_iterator<char>(file), {});
  }
};

TEST_F(BashCompletionTest, WordsReachWeirAndRepliesReadline) {
  EXPECT_EQ(Bash({"./weir", "stop", "''"}, "./weir stop ", "flights\\tRUNNING\\ncopies\\n"),
            "<__complete><--><stop><>\nflights\ncopies\n");
  EXPECT_EQ(Bash({"./weir", "li"}, "./weir li", "list\\tList the jobs\\n"),
            "<__complete><--><li>\nlist\n");
}

TEST_F(BashCompletionTest, WordsThatReadlineCutsAreWholeForWeir) {
  EXPECT_EQ(
      Bash({"./weir", "list", "--output", "=", "j"}, "./weir list --output=j", "--output=json\\n"),
      "<__complete><--><list><--output=j>\njson\n");
  EXPECT_EQ(Bash({"./weir", "list", "--output", "="},
                 "./weir list --output=", "--output=json\\n--output=yaml\\n"),
            "<__complete><--><list><--output=>\njson\nyaml\n");
  EXPECT_EQ(Bash({"./weir", "--jobmanager.addresses", "=", "h", ":", "1", "stop", "f"},
                 "./weir --jobmanager.addresses=h:1 stop f", "flights\\n"),
            "<__complete><--><--jobmanager.addresses=h:1><stop><f>\nflights\n");
}

TEST_F(BashCompletionTest, FilesAreLeftToBash) {
  EXPECT_EQ(Bash({"./weir", "submit", "''"}, "./weir submit ", ":files\\n"),
            "compopt -o default\n<__complete><--><submit><>\n\n");
}

}  // namespace
}  // namespace weir::cli
