#include "weir/args.h"

#include <charconv>
#include <utility>

#include "common/base/nearest_names.h"

namespace weir {
namespace {

template <class Number>
std::optional<Number> ParseNumber(const std::string& text) {
  Number number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stop != end) return std::nullopt;
  return number;
}

std::optional<std::chrono::microseconds> ParseDuration(const std::string& text) {
  static constexpr std::pair<const char*, int64_t> kUnits[] = {
      {"us", 1},         {"ms", 1000},      {"s", 1000000},
      {"min", 60000000}, {"h", 3600000000}, {"d", 86400000000}};
  int64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc()) return std::nullopt;
  const std::string unit(stop, end);
  for (const auto& [name, micros] : kUnits) {
    int64_t product = 0;
    if (unit == name && !__builtin_mul_overflow(number, micros, &product)) {
      return std::chrono::microseconds(product);
    }
  }
  return std::nullopt;
}

}  // namespace

Args::Args(const std::vector<std::string>& arguments) {
  for (const std::string& argument : arguments) {
    if (argument.size() < 3 || argument.compare(0, 2, "--") != 0) {
      AddError("argument '" + argument + "' is not of the form --key=value");
      continue;
    }
    const size_t equals = argument.find('=');
    const std::string key = argument.substr(2, equals == std::string::npos ? equals : equals - 2);
    const std::string value = equals == std::string::npos ? "true" : argument.substr(equals + 1);
    if (!values_.emplace(key, value).second) AddError("--" + key + " is given twice");
  }
}

const std::string* Args::Find(const std::string& key) const {
  asked_.insert(key);
  const auto found = values_.find(key);
  return found == values_.end() ? nullptr : &found->second;
}

void Args::AddError(const std::string& error) const {
  for (const std::string& known : errors_) {
    if (known == error) return;
  }
  errors_.push_back(error);
}

bool Args::Has(const std::string& key) const { return Find(key) != nullptr; }

std::string Args::Get(const std::string& key, const std::string& default_value) const {
  const std::string* value = Find(key);
  return value == nullptr ? default_value : *value;
}

int64_t Args::GetInt(const std::string& key, int64_t default_value) const {
  const std::string* value = Find(key);
  if (value == nullptr) return default_value;
  const std::optional<int64_t> number = ParseNumber<int64_t>(*value);
  if (!number.has_value()) AddError("--" + key + "=" + *value + " is not a whole number");
  return number.value_or(default_value);
}

double Args::GetDouble(const std::string& key, double default_value) const {
  const std::string* value = Find(key);
  if (value == nullptr) return default_value;
  const std::optional<double> number = ParseNumber<double>(*value);
  if (!number.has_value()) AddError("--" + key + "=" + *value + " is not a number");
  return number.value_or(default_value);
}

bool Args::GetBool(const std::string& key, bool default_value) const {
  const std::string* value = Find(key);
  if (value == nullptr) return default_value;
  if (*value == "true" || *value == "false") return *value == "true";
  AddError("--" + key + "=" + *value + " is neither true nor false");
  return default_value;
}

std::chrono::microseconds Args::GetDuration(const std::string& key,
                                            std::chrono::microseconds default_value) const {
  const std::string* value = Find(key);
  if (value == nullptr) return default_value;
  const std::optional<std::chrono::microseconds> duration = ParseDuration(*value);
  if (!duration.has_value()) {
    AddError("--" + key + "=" + *value + " is not a duration such as 250ms, 10s, 5min, 2h or 1d");
  }
  return duration.value_or(default_value);
}

std::string Args::Require(const std::string& key) const {
  const std::string* value = Find(key);
  if (value != nullptr) return *value;
  AddError("--" + key + "=... is missing");
  return "";
}

std::optional<std::string> Args::Error() const {
  std::vector<std::string> errors = errors_;
  const std::vector<std::string> names(asked_.begin(), asked_.end());
  for (const auto& [key, value] : values_) {
    if (asked_.count(key) > 0) continue;
    errors.push_back("the job has no argument --" + key + DidYouMean(key, names));
  }
  if (errors.empty()) return std::nullopt;
  std::string text;
  for (const std::string& error : errors) text += (text.empty() ? "" : "; ") + error;
  return text;
}

}  // namespace weir
