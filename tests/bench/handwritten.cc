// The yardstick of `./dev bench flight_delays`: doing what examples/flight_delays does and nothing
// else (handwritten_job.h), with simdjson: fields read on demand and only as far as needed.
#include <simdjson.h>

#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/bench/handwritten_job.h"

namespace {

constexpr size_t kMaxOutputBytes = 1024;  // of one value, without its strings

std::string_view DelayClass(int64_t delay) {
  if (delay < 30) return "minor";
  if (delay < 60) return "moderate";
  if (delay < 180) return "major";
  return "severe";
}

class FlightDelays final : public HandwrittenJob {
 public:
  using HandwrittenJob::HandwrittenJob;

 private:
  void Process(const Messages& in, size_t count) override;
  /// False for flights that are not late enough.
  bool Convert(const rd_kafka_message_t& in, char*& to, rd_kafka_message_t& out);

  simdjson::ondemand::parser parser_;
  std::string padded_;
  std::vector<rd_kafka_message_t> out_;
};

void FlightDelays::Process(const Messages& in, size_t count) {
  size_t bytes = 0;
  for (size_t i = 0; i < count; ++i) bytes += 6 * in[i]->len + kMaxOutputBytes;
  auto block = std::make_unique<Block>();
  block->bytes.reset(new char[bytes]);
  char* to = block->bytes.get();
  out_.clear();
  for (size_t i = 0; i < count; ++i) {
    rd_kafka_message_t out = {};
    if (Convert(*in[i], to, out)) out_.push_back(out);
  }
  Produce(out_, std::move(block));
}

bool FlightDelays::Convert(const rd_kafka_message_t& in, char*& to, rd_kafka_message_t& out) {
  const size_t padded_size = in.len + simdjson::SIMDJSON_PADDING;
  if (padded_.size() < padded_size) padded_.resize(padded_size);
  std::memcpy(padded_.data(), in.payload, in.len);
  simdjson::ondemand::document document;
  int64_t id = 0;
  int64_t delay = 0;
  int64_t distance = 0;
  std::string_view date;
  std::string_view origin;
  std::string_view destination;
  auto error = parser_.iterate(padded_.data(), in.len, padded_.size()).get(document);
  if (!error) error = document["id"].get(id);
  if (!error) error = document["date"].get(date);
  if (!error) error = document["delay"].get(delay);
  if (!error && delay < 15) return false;
  if (!error) error = document["distance"].get(distance);
  if (!error) error = document["origin"].get(origin);
  if (!error) error = document["destination"].get(destination);
  if (error) Die(simdjson::error_message(error));

  char* const begin = to;
  to = Put(Put(to, "{\"id\":"), id);
  to = PutQuoted(Put(to, ",\"date\":"), date);
  to = Put(Put(to, ",\"delay\":"), delay);
  to = Put(Put(to, ",\"distance\":"), distance);
  to = PutQuoted(Put(to, ",\"origin\":"), origin);
  to = PutQuoted(Put(to, ",\"destination\":"), destination);
  to = PutQuoted(Put(to, ",\"delay_class\":"), DelayClass(delay));
  *to++ = '}';
  out.payload = begin;
  out.len = static_cast<size_t>(to - begin);
  // The key is copied by the client; the block keeps it until then.
  out.key = to;
  out.key_len = origin.size();
  to = Put(to, origin);
  return true;
}

}  // namespace

int main(int argc, char** argv) { FlightDelays(HandwrittenJob::SettingsOf(argc, argv)).Run(); }
