// The yardstick of `./dev bench airport_delays`: what examples/airport_delays does to rows that are
// not late, and nothing else (handwritten_job.h): sums for each airport and hour, merged into
// windows of three hours when the lowest watermark of all partitions has come to their end.
#include <simdjson.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "tests/bench/handwritten_job.h"

namespace {

constexpr int64_t kHour = 3600;  // times are seconds since 1970
constexpr int64_t kHoursOfAWindow = 3;
constexpr int64_t kOutOfOrder = kHour;
constexpr int64_t kDelayedFromMinutes = 15;
constexpr size_t kMaxOutputBytes = 256;  // of one value, without the airport

struct Sums {
  int64_t hour = 0;  // number of the slice
  int64_t flights = 0;
  int64_t delayed = 0;
  int64_t minutes = 0;
  int64_t worst = std::numeric_limits<int64_t>::min();

  void Merge(const Sums& other) {
    flights += other.flights;
    delayed += other.delayed;
    minutes += other.minutes;
    worst = std::max(worst, other.worst);
  }
};

struct Airport {
  std::string name;
  std::vector<Sums> slices;  // few: the oldest first
};

/// "2001-01-01 00:05"; nothing for another text.
std::optional<int64_t> SecondsOf(std::string_view text) {
  if (text.size() != 16) return std::nullopt;
  const auto number = [&](size_t at, size_t digits) {
    int value = -1;
    std::from_chars(text.data() + at, text.data() + at + digits, value);
    return value;
  };
  const std::chrono::year_month_day date{std::chrono::year(number(0, 4)),
                                         std::chrono::month(static_cast<unsigned>(number(5, 2))),
                                         std::chrono::day(static_cast<unsigned>(number(8, 2)))};
  if (!date.ok()) return std::nullopt;
  const int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  return days * 24 * kHour + number(11, 2) * kHour + number(14, 2) * 60;
}

void PutDigits(char* to, unsigned value, size_t digits) {
  for (size_t i = digits; i > 0; --i, value /= 10) to[i - 1] = static_cast<char>('0' + value % 10);
}

/// A full hour: "2001-01-01 03:00:00".
void HourText(int64_t hour, char* to) {
  std::memcpy(to, "0000-00-00 00:00:00", 19);
  const int64_t days = hour / 24;
  const std::chrono::year_month_day date{std::chrono::sys_days(std::chrono::days(days))};
  PutDigits(to, static_cast<unsigned>(static_cast<int>(date.year())), 4);
  PutDigits(to + 5, static_cast<unsigned>(date.month()), 2);
  PutDigits(to + 8, static_cast<unsigned>(date.day()), 2);
  PutDigits(to + 11, static_cast<unsigned>(hour - days * 24), 2);
}

class AirportDelays final : public HandwrittenJob {
 public:
  using HandwrittenJob::HandwrittenJob;

 private:
  using Due = std::map<int64_t, std::unordered_set<Airport*>>;  // by the hour of the window's end

  void Process(const Messages& in, size_t count) override;
  void Add(const rd_kafka_message_t& in);
  void FireUntil(int64_t watermark);
  Sums TakeWindow(Airport& airport, int64_t end);
  void Emit(const Airport& airport, int64_t end, const Sums& sums, char*& to);

  simdjson::ondemand::parser parser_;
  std::string padded_;
  std::unordered_map<std::string_view, std::unique_ptr<Airport>> airports_;
  Due due_;
  std::map<int32_t, int64_t> highest_;  // time of each partition
  std::vector<rd_kafka_message_t> out_;
};

void AirportDelays::Process(const Messages& in, size_t count) {
  for (size_t i = 0; i < count; ++i) Add(*in[i]);
  if (highest_.size() < partitions()) return;
  int64_t watermark = std::numeric_limits<int64_t>::max();
  for (const auto& [partition, time] : highest_) watermark = std::min(watermark, time);
  FireUntil(watermark - kOutOfOrder);
}

void AirportDelays::Add(const rd_kafka_message_t& in) {
  const size_t padded_size = in.len + simdjson::SIMDJSON_PADDING;
  if (padded_.size() < padded_size) padded_.resize(padded_size);
  std::memcpy(padded_.data(), in.payload, in.len);
  simdjson::ondemand::document document;
  std::string_view date;
  std::string_view origin;
  int64_t delay = 0;
  auto error = parser_.iterate(padded_.data(), in.len, padded_.size()).get(document);
  if (!error) error = document["date"].get(date);
  if (!error) error = document["delay"].get(delay);
  if (!error) error = document["origin"].get(origin);
  if (error) Die(simdjson::error_message(error));
  const std::optional<int64_t> time = SecondsOf(date);
  if (!time.has_value()) Die("not a date: " + std::string(date));

  auto found = airports_.find(origin);
  if (found == airports_.end()) {
    auto airport = std::make_unique<Airport>(Airport{std::string(origin), {}});
    const std::string_view name = airport->name;
    found = airports_.emplace(name, std::move(airport)).first;
  }
  Airport& airport = *found->second;
  const int64_t hour = *time / kHour;
  auto slice = std::find_if(airport.slices.rbegin(), airport.slices.rend(),
                            [&](const Sums& one) { return one.hour <= hour; });
  if (slice == airport.slices.rend() || slice->hour != hour) {
    Sums fresh;
    fresh.hour = hour;
    slice = std::make_reverse_iterator(airport.slices.insert(slice.base(), fresh) + 1);
    for (int64_t end = hour + 1; end <= hour + kHoursOfAWindow; ++end) due_[end].insert(&airport);
  }
  slice->Merge({hour, 1, delay >= kDelayedFromMinutes ? 1 : 0, delay, delay});
  int64_t& highest = highest_.try_emplace(in.partition, *time).first->second;
  highest = std::max(highest, *time);
}

void AirportDelays::FireUntil(int64_t watermark) {
  const auto end_of_due = due_.upper_bound(watermark / kHour);
  if (end_of_due == due_.begin()) return;
  size_t bytes = 0;
  for (auto it = due_.begin(); it != end_of_due; ++it) {
    for (const Airport* airport : it->second) bytes += 7 * airport->name.size() + kMaxOutputBytes;
  }
  auto block = std::make_unique<Block>();
  block->bytes.reset(new char[bytes]);
  char* to = block->bytes.get();
  out_.clear();
  for (auto it = due_.begin(); it != end_of_due; ++it) {
    for (Airport* airport : it->second) {
      Emit(*airport, it->first, TakeWindow(*airport, it->first), to);
    }
  }
  due_.erase(due_.begin(), end_of_due);
  Produce(out_, std::move(block));
}

/// Removes the slice that no later window has.
Sums AirportDelays::TakeWindow(Airport& airport, int64_t end) {
  Sums sums;
  for (const Sums& slice : airport.slices) {
    if (slice.hour >= end - kHoursOfAWindow && slice.hour < end) sums.Merge(slice);
  }
  std::erase_if(airport.slices,
                [&](const Sums& slice) { return slice.hour <= end - kHoursOfAWindow; });
  return sums;
}

void AirportDelays::Emit(const Airport& airport, int64_t end, const Sums& sums, char*& to) {
  char* const begin = to;
  to = PutQuoted(Put(to, "{\"airport\":"), airport.name);
  to = Put(to, ",\"until\":\"");
  HourText(end, to);
  to += 19;
  to = Put(Put(to, "\",\"flights\":"), sums.flights);
  to = Put(Put(to, ",\"delayed\":"), sums.delayed);
  to = Put(to, ",\"mean_minutes\":");
  const double mean = static_cast<double>(sums.minutes) / static_cast<double>(sums.flights);
  to = std::to_chars(to, to + 32, mean).ptr;
  to = Put(Put(to, ",\"worst_minutes\":"), sums.worst);
  *to++ = '}';
  rd_kafka_message_t out = {};
  out.payload = begin;
  out.len = static_cast<size_t>(to - begin);
  out.key = to;
  out.key_len = airport.name.size();
  to = Put(to, airport.name);
  out_.push_back(out);
}

}  // namespace

int main(int argc, char** argv) {
  HandwrittenJob::Settings settings = HandwrittenJob::SettingsOf(argc, argv);
  settings.linger_ms = "100";  // as the example
  AirportDelays(settings).Run();
}
