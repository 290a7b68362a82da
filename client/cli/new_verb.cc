#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

#include "client/cli/verb.h"
#include "client/templates/job_template.h"
#include "common/base/status_macros.h"
#include "common/base/version.h"

namespace weir::cli {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxNameLength = 64;

// "work/payments/" -> "payments"; "." -> the name of the working directory.
std::string NameOf(const fs::path& directory) {
  std::error_code ignored;
  const fs::path path = fs::absolute(directory, ignored).lexically_normal();
  return (path.has_filename() ? path : path.parent_path()).filename().string();
}

bool IsReserved(const std::string& name) {
  // CMake has targets of these names.
  static constexpr const char* kReserved[] = {"all",     "clean",         "help", "install",
                                              "package", "rebuild_cache", "test", "edit_cache",
                                              "plan",    "package_source"};
  return std::find(std::begin(kReserved), std::end(kReserved), name) != std::end(kReserved);
}

// It becomes a program, targets of CMake and the name of a job.
absl::Status CheckName(const std::string& name) {
  const bool legal =
      !name.empty() && name.size() <= kMaxNameLength &&
      absl::ascii_islower(static_cast<unsigned char>(name[0])) &&
      std::all_of(name.begin(), name.end(), [](unsigned char c) {
        return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '-' || c == '_';
      });
  if (!legal) {
    return absl::InvalidArgumentError(
        absl::StrCat("a project cannot be named '", name,
                     "': a letter from a to z, then letters, digits, - and _ are expected, ",
                     kMaxNameLength, " at most (--name gives another than the directory's)"));
  }
  if (IsReserved(name)) {
    return absl::InvalidArgumentError(
        absl::StrCat("a project cannot be named '", name,
                     "', which CMake knows already (--name gives another than the directory's)"));
  }
  return absl::OkStatus();
}

absl::Status CheckDirectory(const fs::path& directory) {
  std::error_code error;
  const fs::file_status status = fs::status(directory, error);
  if (!fs::exists(status)) return absl::OkStatus();
  if (!fs::is_directory(status)) {
    return absl::AlreadyExistsError(
        absl::StrCat("'", directory.string(), "' is there and is no directory"));
  }
  const bool empty = fs::is_empty(directory, error);
  if (error) {
    return absl::UnknownError(
        absl::StrCat("cannot read directory '", directory.string(), "': ", error.message()));
  }
  if (!empty) {
    return absl::AlreadyExistsError(
        absl::StrCat("directory '", directory.string(),
                     "' is not empty; a project is made in a new or an empty one"));
  }
  return absl::OkStatus();
}

absl::Status WriteProject(const fs::path& directory, const std::string& name) {
  std::error_code error;
  fs::create_directories(directory, error);
  if (error) {
    return absl::UnknownError(
        absl::StrCat("cannot make directory '", directory.string(), "': ", error.message()));
  }
  for (const TemplateFile& file : JobTemplate()) {
    const std::string base = file.path;
    const fs::path path = directory / (base == "gitignore" ? "." + base : base);
    std::ofstream stream(path, std::ios::binary);
    stream << absl::StrReplaceAll(file.text, {{"@NAME@", name}, {"@VERSION@", kVersion}});
    stream.close();
    if (!stream) return absl::UnknownError(absl::StrCat("cannot write '", path.string(), "'"));
  }
  return absl::OkStatus();
}

absl::Status RunNew(const ParsedFlags& flags, CliEnvironment& environment) {
  const std::string& given = flags.positionals[0];
  const fs::path directory = given;
  const std::string name = flags.Get("name", NameOf(directory));
  WEIR_RETURN_IF_ERROR(CheckName(name));
  WEIR_RETURN_IF_ERROR(CheckDirectory(directory));
  WEIR_RETURN_IF_ERROR(WriteProject(directory, name));
  environment.out << "made the project '" << name
                  << "'; its README.md tells how to run and submit it\n\n"
                  << "  cd " << given
                  << "\n  cmake -B build && cmake --build build && ctest --test-dir build\n";
  return absl::OkStatus();
}

}  // namespace

Verb NewVerb() {
  Verb verb;
  verb.name = "new";
  verb.summary = "Make the project of a new job: CMake, a dataflow, a test and a README.";
  verb.positionals = "DIRECTORY";
  verb.flags = {{"name", "n", true, "NAME", "Name of the job; the directory's by default."}};
  verb.run_alone = RunNew;
  verb.prints_objects = false;
  return verb;
}

}  // namespace weir::cli
