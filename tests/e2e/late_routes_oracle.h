#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

#include "tests/e2e/flight_stream.h"
#include <nlohmann/json.hpp>

namespace weir {

inline std::string RouteOf(const TestFlight& flight) {
  return absl::StrCat(flight.origin, "-", flight.destination);
}

inline absl::Time DateOf(const TestFlight& flight) {
  absl::Time time;
  std::string error;
  EXPECT_TRUE(absl::ParseTime("%Y-%m-%d %H:%M", flight.date, &time, &error)) << error;
  return time;
}

/// What examples/late_routes has to say, by a loop over the flights in their order; sorted.
inline std::vector<std::string> LateRoutes(const std::vector<TestFlight>& flights) {
  struct Route {
    int64_t late = 0;
    absl::Time forget_at;
  };
  std::map<std::string, Route> routes;
  std::vector<std::string> alerts;
  for (const TestFlight& flight : flights) {
    const std::string name = RouteOf(flight);
    if (flight.delay < 15) {
      routes.erase(name);
      continue;
    }
    const absl::Time date = DateOf(flight);
    Route& route = routes[name];
    if (route.late > 0 && date >= route.forget_at) route.late = 0;
    route.forget_at = date + absl::Hours(24);
    if (++route.late % 3 != 0) continue;
    alerts.push_back(
        nlohmann::json{{"route", name}, {"flights", route.late}, {"last_flight", flight.id}}
            .dump());
  }
  std::sort(alerts.begin(), alerts.end());
  return alerts;
}

}  // namespace weir
