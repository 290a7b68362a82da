#include "client/output/table.h"

#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"

namespace weir::cli {
namespace {

const char* Escape(Colour colour) {
  switch (colour) {
    case Colour::kGreen:
      return "\033[32m";
    case Colour::kYellow:
      return "\033[33m";
    case Colour::kRed:
      return "\033[31m";
    case Colour::kNone:
      break;
  }
  return "";
}

}  // namespace

std::string Coloured(const Cell& cell, bool colours) {
  if (!colours || cell.colour == Colour::kNone) return cell.text;
  return absl::StrCat(Escape(cell.colour), cell.text, "\033[0m");
}

std::string Table(const std::vector<Row>& rows, bool colours) {
  std::vector<size_t> widths;
  for (const Row& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].text.size());
  }
  std::string text;
  for (const Row& row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      absl::StrAppend(&line, Coloured(row[i], colours),
                      std::string(widths[i] + 2 - row[i].text.size(), ' '));
    }
    line.erase(line.find_last_not_of(' ') + 1);
    absl::StrAppend(&text, line, "\n");
  }
  return text;
}

Cell State(const std::string& state) {
  static const std::map<std::string, Colour> colours = {
      {"RUNNING", Colour::kGreen},     {"FINISHED", Colour::kGreen},
      {"COMPLETED", Colour::kGreen},   {"REGISTERED", Colour::kGreen},
      {"CONNECTED", Colour::kGreen},   {"RECOVERING", Colour::kYellow},
      {"SUSPENDED", Colour::kYellow},  {"SUSPECT", Colour::kYellow},
      {"CANCELLING", Colour::kYellow}, {"FAILING", Colour::kRed},
      {"FAILED", Colour::kRed},        {"ENDED", Colour::kRed}};
  const auto found = colours.find(state);
  return {state, found == colours.end() ? Colour::kNone : found->second};
}

}  // namespace weir::cli
