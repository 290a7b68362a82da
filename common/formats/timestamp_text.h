#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace weir {

/// Longest text that WriteTimestampText produces.
inline constexpr size_t kMaxTimestampText = 28;

/// Writes "2001-01-01 00:01:00.5" (Flink's SQL form: UTC, a fraction only when there is one), or
/// with `iso8601` "2001-01-01T00:01:00.5Z". Returns the length; 0 when the year is not in
/// 0000...9999.
size_t WriteTimestampText(int64_t micros, bool iso8601, char* out);

/// Reads either form: date, 'T' or blank, hours and minutes, then optional seconds, a fraction of
/// up to nine digits (cut to microseconds), and "Z" or an offset "+hh:mm". False for anything else,
/// and for dates that do not exist.
bool ParseTimestampText(std::string_view text, int64_t* micros);

}  // namespace weir
