// The answers to `weir dlq`, in every form.
#include <map>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

#include "client/output/output.h"
#include "client/output/table.h"
#include <nlohmann/json.hpp>

namespace weir::cli {
namespace {

using Json = nlohmann::ordered_json;

std::string Line(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string Time(int64_t ms) {
  if (ms < 0) return "-";
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", absl::FromUnixMillis(ms), absl::UTCTimeZone());
}

std::string HeaderOf(const proto::DeadLetterRecord& letter, const std::string& name) {
  const auto found = letter.headers().find(name);
  return found == letter.headers().end() ? "-" : found->second;
}

// "flights-3@1234".
std::string OriginOf(const proto::DeadLetterRecord& letter) {
  return absl::StrCat(HeaderOf(letter, "weir.errors.topic"), "-",
                      HeaderOf(letter, "weir.errors.partition"), "@",
                      HeaderOf(letter, "weir.errors.offset"));
}

std::string NameOf(const proto::DeadLetterRecord& letter) {
  return absl::StrCat("dead-letter/", letter.partition(), "@", letter.offset(), "\n");
}

Json Bytes(bool present, const std::string& bytes) {
  if (!present) return nullptr;
  return absl::Base64Escape(bytes);
}

}  // namespace

std::string AsJson(const DeadLetterTopics& topics) {
  Json list = Json::array();
  for (const proto::DeadLetterTopic& one : topics.response.topics()) {
    list.push_back({{"operator_uid", one.operator_uid()},
                    {"topic", one.topic()},
                    {"partition", one.partition()},
                    {"begin_offset", one.begin()},
                    {"end_offset", one.end()},
                    {"replayed_to", one.has_replayed_to() ? Json(one.replayed_to()) : Json()}});
  }
  return Line({{"topics", list}});
}

std::string AsTable(const DeadLetterTopics& topics, const OutputStyle& style) {
  std::vector<Row> rows = {{"OPERATOR", "TOPIC", "PARTITION", "BEGIN", "END", "REPLAYED-TO"}};
  for (const proto::DeadLetterTopic& one : topics.response.topics()) {
    rows.push_back({one.operator_uid(), one.topic(), absl::StrCat(one.partition()),
                    absl::StrCat(one.begin()), absl::StrCat(one.end()),
                    one.has_replayed_to() ? absl::StrCat(one.replayed_to()) : "-"});
  }
  return Table(rows, style.colours);
}

std::string AsNames(const DeadLetterTopics& topics) {
  std::string names;
  for (const proto::DeadLetterTopic& one : topics.response.topics()) {
    absl::StrAppend(&names, "topic/", one.topic(), "-", one.partition(), "\n");
  }
  return names;
}

std::string AsJson(const DeadLetterList& list) {
  Json letters = Json::array();
  for (const proto::DeadLetterRecord& letter : list.response.letters()) {
    Json headers = Json::object();
    const std::map<std::string, std::string> sorted(letter.headers().begin(),
                                                    letter.headers().end());
    for (const auto& [name, value] : sorted) headers[name] = value;
    Json json = {
        {"partition", letter.partition()},
        {"offset", letter.offset()},
        {"timestamp", letter.timestamp_ms() < 0 ? Json() : Json(Time(letter.timestamp_ms()))},
        {"headers", headers}};
    if (list.contents) {
      json["key_base64"] = Bytes(letter.has_key(), letter.key());
      json["value_base64"] = Bytes(letter.has_value(), letter.value());
    }
    letters.push_back(std::move(json));
  }
  return Line({{"operator_uid", list.response.operator_uid()}, {"letters", letters}});
}

std::string AsTable(const DeadLetterList& list, const OutputStyle& style) {
  std::vector<Row> rows = {{"PARTITION", "OFFSET", "TIME", "READ AT", "WHY"}};
  if (list.contents)
    for (const char* more : {"KEY", "VALUE"}) rows[0].push_back(more);
  for (const proto::DeadLetterRecord& letter : list.response.letters()) {
    Row& row = rows.emplace_back(Row{absl::StrCat(letter.partition()),
                                     absl::StrCat(letter.offset()), Time(letter.timestamp_ms()),
                                     OriginOf(letter), HeaderOf(letter, "weir.errors.message")});
    if (!list.contents) continue;
    row.push_back(letter.has_key() ? absl::Utf8SafeCEscape(letter.key()) : "-");
    row.push_back(letter.has_value() ? absl::Utf8SafeCEscape(letter.value()) : "-");
  }
  return Table(rows, style.colours);
}

std::string AsNames(const DeadLetterList& list) {
  std::string names;
  for (const proto::DeadLetterRecord& letter : list.response.letters()) names += NameOf(letter);
  return names;
}

std::string AsJson(const DeadLetterReplayAnswer& answer) {
  return Line(
      {{"operator_uid", answer.response.operator_uid()}, {"replayed", answer.response.replayed()}});
}

std::string AsTable(const DeadLetterReplayAnswer& answer, const OutputStyle&) {
  return absl::StrCat(answer.response.replayed(), " dead letters of operator '",
                      answer.response.operator_uid(), "' replayed\n");
}

std::string AsNames(const DeadLetterReplayAnswer& answer) {
  return absl::StrCat("operator/", answer.response.operator_uid(), "\n");
}

}  // namespace weir::cli
