#include "client/contexts/context_list.h"

#include <vector>

#include "absl/strings/str_cat.h"

#include "client/output/table.h"
#include "common/config/options.h"
#include <nlohmann/json.hpp>

namespace weir::cli {
namespace {

std::string ValueOf(const Context& context, const OptionSpec& option) {
  const auto found = context.find(std::string(option.key));
  return found == context.end() || found->second.empty() ? "-" : found->second;
}

}  // namespace

std::string AsJson(const ContextList& list) {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const auto& [name, context] : list.file.contexts) {
    rows.push_back({{"name", name}, {"current", name == list.file.current}, {"options", context}});
  }
  const nlohmann::ordered_json document = {{"contexts", rows}};
  return document.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

std::string AsTable(const ContextList& list, const OutputStyle& style) {
  const bool wide = style.format == OutputFormat::kWide;
  std::vector<Row> rows = {{"CURRENT", "NAME", "JOBMANAGERS"}};
  if (wide) rows[0].insert(rows[0].end(), {"TOKEN FILE", "CA FILE", "CERTIFICATE FILE"});
  for (const auto& [name, context] : list.file.contexts) {
    Row& row = rows.emplace_back(Row{name == list.file.current ? "*" : "", name,
                                     ValueOf(context, options::kJobmanagerAddresses.spec())});
    if (!wide) continue;
    row.push_back(ValueOf(context, options::kSecurityTokenFile.spec()));
    row.push_back(ValueOf(context, options::kSecurityTlsCaFile.spec()));
    row.push_back(ValueOf(context, options::kSecurityTlsCertificateFile.spec()));
  }
  return Table(rows, style.colours);
}

std::string AsNames(const ContextList& list) {
  std::string names;
  for (const auto& [name, context] : list.file.contexts) absl::StrAppend(&names, name, "\n");
  return names;
}

}  // namespace weir::cli
