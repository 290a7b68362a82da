#include "tests/sim/keyed/keyed_records.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

#include "common/base/check.h"

namespace weir::sim {

std::string KeyedResult::ToString() const {
  if (kind == kLate) {
    return absl::StrCat("late record ", end, " of split ", start, " (key ", key, ", value ", sum,
                        ")");
  }
  if (kind == kTicked) {
    return absl::StrCat("timer of record ", end, " of split ", start, " (key ", key, ", value ",
                        sum, ")");
  }
  if (kind == kAstray) return absl::StrCat("timer of key ", key, " that fires wrongly at ", end);
  return absl::StrCat(kind == kClosing ? "closing timer of key " : "key ", key, " [", start, ", ",
                      end, "): ", count, " rows, sum ", sum, ", number ", number);
}

// {"key":3,"kind":0,...}: whole numbers, in the order of the fields.
KeyedResult KeyedResult::Parse(const std::string& json) {
  KeyedResult result;
  size_t at = 0;
  for (int64_t KeyedResult::*field :
       {&KeyedResult::key, &KeyedResult::kind, &KeyedResult::start, &KeyedResult::end,
        &KeyedResult::count, &KeyedResult::sum, &KeyedResult::number}) {
    at = json.find(':', at);
    WEIR_CHECK(at != std::string::npos) << json;
    absl::string_view number = absl::string_view(json).substr(++at);
    number = number.substr(0, number.find_first_not_of("-0123456789"));
    WEIR_CHECK(absl::SimpleAtoi(number, &(result.*field))) << json;
  }
  return result;
}

std::vector<KeyedResult> ResultsOf(const Batch& batch) {
  const RecordReader<KeyedResult> reader(batch);
  std::vector<KeyedResult> results;
  for (size_t row = 0; row < reader.rows(); ++row) results.push_back(reader.Materialize(row));
  return results;
}

}  // namespace weir::sim
