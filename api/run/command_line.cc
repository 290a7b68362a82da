#include "api/run/command_line.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

#include "common/base/nearest_names.h"

namespace weir {

JobCommandLine JobCommandLine::Parse(int argc, char** argv) {
  JobCommandLine line;
  int index = 1;
  if (index < argc) line.verb = argv[index++];
  for (; index < argc && std::string(argv[index]) != "--"; ++index) {
    line.options.push_back(argv[index]);
  }
  for (++index; index < argc; ++index) line.job_arguments.push_back(argv[index]);
  return line;
}

bool JobCommandLine::AsksForHelp() const {
  const auto is_help = [](const std::string& word) { return word == "--help" || word == "-h"; };
  return verb == "help" || is_help(verb) || std::any_of(options.begin(), options.end(), is_help);
}

absl::StatusOr<std::map<std::string, std::string>> JobCommandLine::OptionValues(
    const std::vector<std::string>& known) const {
  std::map<std::string, std::string> values;
  for (size_t i = 0; i < options.size(); ++i) {
    const std::string& option = options[i];
    const size_t equals = option.find('=');
    const std::string name = option.substr(0, equals);
    const bool flag = name.size() > 2 && name.compare(0, 2, "--") == 0;
    const std::string key = flag ? name.substr(2) : name;
    if (!flag || std::count(known.begin(), known.end(), key) == 0) {
      return absl::InvalidArgumentError(absl::StrCat("unknown option '", name, "' of '", verb,
                                                     "' (the job's own arguments stand behind --)",
                                                     DidYouMean(key, known)));
    }
    if (equals != std::string::npos) {
      values[key] = option.substr(equals + 1);
    } else if (i + 1 < options.size()) {
      values[key] = options[++i];
    } else {
      return absl::InvalidArgumentError(absl::StrCat("option '", name, "' has no value"));
    }
  }
  return values;
}

}  // namespace weir
