#include "common/formats/timestamp_text.h"

namespace weir {
namespace {

constexpr int64_t kMicrosPerSecond = 1'000'000;
constexpr int64_t kSecondsPerDay = 86'400;
constexpr int64_t kFirstDay = -719'528;  // 0000-01-01
constexpr int64_t kLastDay = 2'932'896;  // 9999-12-31

/// Days since 1970-01-01 of a date in the proleptic Gregorian calendar, and back. The algorithms
/// are days_from_civil and civil_from_days of Howard Hinnant,
/// http://howardhinnant.github.io/date_algorithms.html
int64_t DaysFromCivil(int64_t year, unsigned month, unsigned day) {
  year -= month <= 2;
  const int64_t era = (year >= 0 ? year : year - 399) / 400;
  const auto year_of_era = static_cast<unsigned>(year - era * 400);
  const unsigned day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  const unsigned day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146'097 + static_cast<int64_t>(day_of_era) - 719'468;
}

struct CivilDate {
  int64_t year;
  unsigned month;
  unsigned day;
};

CivilDate CivilFromDays(int64_t days) {
  days += 719'468;
  const int64_t era = (days >= 0 ? days : days - 146'096) / 146'097;
  const auto day_of_era = static_cast<unsigned>(days - era * 146'097);
  const unsigned year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const unsigned day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const unsigned shifted = (5 * day_of_year + 2) / 153;
  const unsigned month = shifted < 10 ? shifted + 3 : shifted - 9;
  return {static_cast<int64_t>(year_of_era) + era * 400 + (month <= 2 ? 1 : 0), month,
          day_of_year - (153 * shifted + 2) / 5 + 1};
}

void WriteDigits(uint64_t value, size_t digits, char* out) {
  for (size_t i = digits; i > 0; --i, value /= 10) out[i - 1] = static_cast<char>('0' + value % 10);
}

/// Reads exactly `digits` digits at `*position`.
bool ReadDigits(std::string_view text, size_t digits, size_t* position, unsigned* value) {
  if (text.size() - *position < digits) return false;
  *value = 0;
  for (size_t i = 0; i < digits; ++i) {
    const char c = text[(*position)++];
    if (c < '0' || c > '9') return false;
    *value = *value * 10 + static_cast<unsigned>(c - '0');
  }
  return true;
}

bool ReadChar(std::string_view text, char wanted, size_t* position) {
  if (*position >= text.size() || text[*position] != wanted) return false;
  ++*position;
  return true;
}

bool ReadDate(std::string_view text, size_t* position, int64_t* days) {
  unsigned year = 0;
  unsigned month = 0;
  unsigned day = 0;
  if (!ReadDigits(text, 4, position, &year) || !ReadChar(text, '-', position) ||
      !ReadDigits(text, 2, position, &month) || !ReadChar(text, '-', position) ||
      !ReadDigits(text, 2, position, &day) || month < 1 || month > 12 || day < 1 || day > 31) {
    return false;
  }
  *days = DaysFromCivil(year, month, day);
  return CivilFromDays(*days).day == day;  // 30 February would come back as 1 or 2 March
}

/// The fraction after its point, as microseconds.
bool ReadFraction(std::string_view text, size_t* position, int64_t* micros) {
  size_t digits = 0;
  *micros = 0;
  for (; *position < text.size() && text[*position] >= '0' && text[*position] <= '9'; ++*position) {
    if (++digits <= 6) *micros = *micros * 10 + (text[*position] - '0');
  }
  if (digits == 0 || digits > 9) return false;
  for (; digits < 6; ++digits) *micros *= 10;
  return true;
}

/// "Z", "+hh:mm" or nothing, as seconds east of UTC.
bool ReadZone(std::string_view text, size_t* position, int64_t* seconds) {
  *seconds = 0;
  if (*position == text.size() || ReadChar(text, 'Z', position)) return true;
  const bool west = ReadChar(text, '-', position);
  unsigned hours = 0;
  unsigned minutes = 0;
  if ((!west && !ReadChar(text, '+', position)) || !ReadDigits(text, 2, position, &hours) ||
      !ReadChar(text, ':', position) || !ReadDigits(text, 2, position, &minutes) || hours > 18 ||
      minutes > 59) {
    return false;
  }
  *seconds = (hours * 60 + minutes) * 60;
  if (west) *seconds = -*seconds;
  return true;
}

}  // namespace

size_t WriteTimestampText(int64_t micros, bool iso8601, char* out) {
  int64_t seconds = micros / kMicrosPerSecond;
  int64_t fraction = micros % kMicrosPerSecond;
  if (fraction < 0) {
    fraction += kMicrosPerSecond;
    --seconds;
  }
  int64_t days = seconds / kSecondsPerDay;
  int64_t second_of_day = seconds % kSecondsPerDay;
  if (second_of_day < 0) {
    second_of_day += kSecondsPerDay;
    --days;
  }
  if (days < kFirstDay || days > kLastDay) return 0;
  const CivilDate date = CivilFromDays(days);
  WriteDigits(static_cast<uint64_t>(date.year), 4, out);
  out[4] = '-';
  WriteDigits(date.month, 2, out + 5);
  out[7] = '-';
  WriteDigits(date.day, 2, out + 8);
  out[10] = iso8601 ? 'T' : ' ';
  WriteDigits(static_cast<uint64_t>(second_of_day / 3600), 2, out + 11);
  out[13] = ':';
  WriteDigits(static_cast<uint64_t>(second_of_day / 60 % 60), 2, out + 14);
  out[16] = ':';
  WriteDigits(static_cast<uint64_t>(second_of_day % 60), 2, out + 17);
  size_t length = 19;
  if (fraction != 0) {
    out[length++] = '.';
    WriteDigits(static_cast<uint64_t>(fraction), 6, out + length);
    length += 6;
    while (out[length - 1] == '0') --length;
  }
  if (iso8601) out[length++] = 'Z';
  return length;
}

bool ParseTimestampText(std::string_view text, int64_t* micros) {
  size_t position = 0;
  int64_t days = 0;
  unsigned hours = 0;
  unsigned minutes = 0;
  unsigned seconds = 0;
  int64_t fraction = 0;
  int64_t zone = 0;
  if (!ReadDate(text, &position, &days)) return false;
  if (!ReadChar(text, 'T', &position) && !ReadChar(text, ' ', &position)) return false;
  if (!ReadDigits(text, 2, &position, &hours) || !ReadChar(text, ':', &position) ||
      !ReadDigits(text, 2, &position, &minutes) || hours > 23 || minutes > 59) {
    return false;
  }
  if (ReadChar(text, ':', &position)) {
    if (!ReadDigits(text, 2, &position, &seconds) || seconds > 59) return false;
    if (ReadChar(text, '.', &position) && !ReadFraction(text, &position, &fraction)) return false;
  }
  if (!ReadZone(text, &position, &zone) || position != text.size()) return false;
  const int64_t second_of_day = (static_cast<int64_t>(hours) * 60 + minutes) * 60 + seconds;
  *micros = (days * kSecondsPerDay + second_of_day - zone) * kMicrosPerSecond + fraction;
  return true;
}

}  // namespace weir
