#include "tests/support/steps/step_stop.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace weir {
namespace {

constexpr absl::Duration kPollInterval = absl::Milliseconds(2);

struct StepOrder {
  uint64_t number = 0;  // 0: none is in force
  std::string step;
  int nth = 0;
};

StepOrder ReadOrder(const std::string& directory) {
  StepOrder order;
  std::ifstream file(absl::StrCat(directory, "/order"));
  if (!(file >> order.number >> order.step >> order.nth)) return StepOrder();
  return order;
}

std::string HitFile(const std::string& directory, uint64_t number) {
  return absl::StrCat(directory, "/hit.", number);
}

bool WriteFile(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::trunc);
  file << text;
  file.close();
  return !file.fail();
}

}  // namespace

void StepStop::OnStep(absl::string_view step, absl::string_view id) {
  const StepOrder order = ReadOrder(directory_);
  if (order.number == 0 || order.step != step) return;
  {
    MutexLock lock(mutex_);
    if (order.number != order_) times_ = 0;
    order_ = order.number;
    if (++times_ != order.nth) return;
  }
  if (!ClaimHit(order.number, step, id)) return;
  while (ReadOrder(directory_).number == order.number) absl::SleepFor(kPollInterval);
}

// Of several processes that come to the step one stops: link() fails for all but the first.
bool StepStop::ClaimHit(uint64_t number, absl::string_view step, absl::string_view id) const {
  const std::string mine = absl::StrCat(directory_, "/claim.", number, ".", getpid());
  if (!WriteFile(mine, absl::StrCat(getpid(), " ", step, " ", id, "\n"))) return false;
  const bool first = link(mine.c_str(), HitFile(directory_, number).c_str()) == 0;
  unlink(mine.c_str());
  return first;
}

absl::Status StepControl::Order(const std::string& step, int nth) {
  ++number_;
  const std::string next = absl::StrCat(directory_, "/order.next");
  std::error_code error;
  if (WriteFile(next, absl::StrCat(number_, " ", step, " ", nth, "\n"))) {
    std::filesystem::rename(next, absl::StrCat(directory_, "/order"), error);
    if (!error) return absl::OkStatus();
  }
  return absl::InternalError(absl::StrCat("cannot write ", next));
}

std::optional<StepHit> StepControl::Hit() const {
  std::ifstream file(HitFile(directory_, number_));
  StepHit hit;
  if (!(file >> hit.pid >> hit.step)) return std::nullopt;
  std::getline(file >> std::ws, hit.id);
  return hit;
}

void StepControl::Release() {
  std::error_code ignored;
  std::filesystem::remove(absl::StrCat(directory_, "/order"), ignored);
}

}  // namespace weir
