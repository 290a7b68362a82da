#pragma once

#include <cstddef>
#include <cstdint>
#include <istream>
#include <optional>
#include <string>
#include <vector>

/// A flight of examples/data as JSON, but for its id, which is put in front.
struct FlightRow {
  std::string date;
  std::string rest;  // ,"delay":... up to the end
  std::string origin;

  std::string Value(int64_t id) const { return Value(id, date); }
  std::string Value(int64_t id, const std::string& when) const {
    return "{\"id\":" + std::to_string(id) + ",\"date\":\"" + when + "\"" + rest;
  }
};

/// The flights' CSV from `in`; nothing when it is something else.
inline std::optional<std::vector<FlightRow>> ReadFlightRows(std::istream& in) {
  std::vector<FlightRow> rows;
  std::string line;
  std::getline(in, line);
  if (line != "date,delay,distance,origin,destination") return std::nullopt;
  while (std::getline(in, line)) {
    std::vector<std::string> cells(1);
    for (const char c : line) {
      if (c == ',') {
        cells.emplace_back();
      } else {
        cells.back() += c;
      }
    }
    if (cells.size() != 5) return std::nullopt;
    rows.push_back({cells[0],
                    ",\"delay\":" + cells[1] + ",\"distance\":" + cells[2] + ",\"origin\":\"" +
                        cells[3] + "\",\"destination\":\"" + cells[4] + "\"}",
                    cells[3]});
  }
  if (rows.empty()) return std::nullopt;
  return rows;
}
