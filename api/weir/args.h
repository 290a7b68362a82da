#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace weir {

/// The arguments of a job: what stands behind `--` on its command line, as --key=value, or --key
/// alone for "true". A build function sees nothing else of its environment, so that planner and
/// workers build the same graph.
///
/// Errors: a value that does not parse, a missing required key, an argument of another form and a
/// key that nobody asked for are remembered and reported together after the build function
/// returned; until then the default (or an empty value) is given.
/// Threads: one at a time.
class Args {
 public:
  Args() = default;
  explicit Args(const std::vector<std::string>& arguments);

  bool Has(const std::string& key) const;
  std::string Get(const std::string& key, const std::string& default_value) const;
  int64_t GetInt(const std::string& key, int64_t default_value) const;
  double GetDouble(const std::string& key, double default_value) const;
  /// "true", "false".
  bool GetBool(const std::string& key, bool default_value) const;
  /// "250ms", "10s", "5min", "2h", "1d", "100us".
  std::chrono::microseconds GetDuration(const std::string& key,
                                        std::chrono::microseconds default_value) const;
  /// The value of a key that must be there.
  std::string Require(const std::string& key) const;

  /// The errors so far, one sentence; nothing when there are none. Keys that nobody asked for are
  /// errors, with the nearest of the names that were asked for.
  std::optional<std::string> Error() const;

 private:
  const std::string* Find(const std::string& key) const;
  void AddError(const std::string& error) const;

  std::map<std::string, std::string> values_;
  // Asking is const for the build function, and remembered for Error().
  mutable std::set<std::string> asked_;
  mutable std::vector<std::string> errors_;
};

}  // namespace weir
