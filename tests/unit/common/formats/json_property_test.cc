#include <gtest/gtest.h>

#include <charconv>
#include <cmath>
#include <map>

#include "simdjson.h"

#include "common/base/seeded_random.h"
#include "tests/unit/common/formats/json_test_support.h"

namespace weir {
namespace {

constexpr DataType kTypes[] = {DataType::kBool,     DataType::kInt32,  DataType::kInt64,
                               DataType::kFloat64,  DataType::kString, DataType::kBytes,
                               DataType::kTimestamp};

/// Schemas, values and JSON texts by a seed.
class Generator {
 public:
  explicit Generator(uint64_t seed) : random_(seed) {}

  uint64_t Below(uint64_t bound) { return random_.Below(bound); }
  bool OneIn(uint64_t n) { return Below(n) == 0; }

  SchemaPtr RandomSchema() {
    std::vector<Field> fields;
    for (size_t i = 0; i < 1 + Below(10); ++i) {
      fields.push_back({"f" + std::to_string(i) + std::string(Below(25), 'n'),
                        kTypes[Below(std::size(kTypes))], OneIn(2)});
    }
    return Schema::Make(std::move(fields));
  }

  /// Valid UTF-8 with what needs escapes, and longer than a vector register now and then.
  std::string Text() {
    static const std::string kPieces[] = {
        "\"", "\\",  "\n", std::string(1, '\0'), "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80",
        "/",  "\x7f"};
    std::string text;
    for (size_t i = OneIn(4) ? Below(60) : Below(6); i > 0; --i) {
      text += OneIn(5) ? kPieces[Below(std::size(kPieces))]
                       : std::string(1, static_cast<char>(' ' + Below(95)));
    }
    return text;
  }

  int64_t Integer() {
    const auto bits = static_cast<int64_t>(random_.Next() >> Below(64));
    return OneIn(2) ? bits : -1 - bits;
  }

  double Double() {
    while (true) {
      double value = 0;
      const uint64_t bits = random_.Next();
      std::memcpy(&value, &bits, sizeof(value));
      if (OneIn(2)) value = static_cast<double>(Integer()) / std::pow(10.0, Below(12));
      if (std::isfinite(value)) return value;
    }
  }

  /// Appends a value, never null unless asked.
  void AppendValue(ColumnBuilder& column) {
    switch (column.type()) {
      case DataType::kBool:
        return column.AppendBool(OneIn(2));
      case DataType::kInt32:
        return column.AppendInt32(static_cast<int32_t>(Integer()));
      case DataType::kInt64:
        return column.AppendInt64(Integer());
      case DataType::kTimestamp:
        return column.AppendInt64(Integer() >> 9);  // years 1684 to 2255
      case DataType::kFloat64:
        return column.AppendFloat64(Double());
      case DataType::kString:
        return column.AppendBytes(Text());
      case DataType::kBytes: {
        std::string bytes = Text();
        for (char& c : bytes) c = static_cast<char>(Below(256));
        return column.AppendBytes(bytes);
      }
    }
  }

  Batch RandomBatch(const SchemaPtr& schema, size_t rows) {
    BatchBuilder builder(schema);
    for (size_t row = 0; row < rows; ++row) {
      for (size_t i = 0; i < schema->num_fields(); ++i) {
        if (schema->field(i).nullable && OneIn(4)) {
          builder.column(i).AppendNull();
        } else {
          AppendValue(builder.column(i));
        }
      }
      builder.CommitRow();
    }
    return builder.Finish();
  }

  std::string Blanks() { return OneIn(6) ? std::string(Below(3), " \t\n\r"[Below(4)]) : ""; }

  /// Any way to write the text: each character plain, or as an escape.
  std::string Quote(const std::string& text) {
    std::string quoted = "\"";
    for (size_t i = 0; i < text.size(); ++i) {
      const auto c = static_cast<uint8_t>(text[i]);
      if (c < 0x20 || c == '"' || c == '\\' || (c < 0x80 && OneIn(10))) {
        char escape[8];
        std::snprintf(escape, sizeof(escape), OneIn(2) ? "\\u%04x" : "\\u%04X", c);
        quoted += escape;
      } else {
        quoted += text[i];
      }
    }
    return quoted + "\"";
  }

  /// Any JSON value.
  std::string Value(int depth) {
    switch (Below(depth > 3 ? 5 : 7)) {
      case 0:
        return Quote(Text());
      case 1:
        return std::to_string(Integer());
      case 2:
        return OneIn(2) ? "-1.5e-3" : "0.25E2";
      case 3:
        return OneIn(2) ? "true" : "false";
      case 4:
        return "null";
      case 5: {
        std::string array = "[" + Blanks();
        for (size_t i = 0; i < Below(4); ++i) {
          array += (array.find_last_not_of(" \t\r\n") == 0 ? "" : ",") + Blanks() +
                   Value(depth + 1) + Blanks();
        }
        return array + "]";
      }
      default: {
        std::string object = "{";
        for (size_t i = 0; i < Below(4); ++i) {
          object += (i == 0 ? "" : ",") + Blanks() + Quote(Text()) + Blanks() + ":" + Blanks() +
                    Value(depth + 1) + Blanks();
        }
        return object + "}";
      }
    }
  }

 private:
  SeededRandom random_;
};

/// The cell as a JSON literal, by the plainest means.
std::string Literal(Generator& generator, const Column& column, size_t row) {
  if (column.IsNull(row)) return "null";
  switch (column.type()) {
    case DataType::kBool:
      return column.bools()[row] != 0 ? "true" : "false";
    case DataType::kInt32:
      return std::to_string(column.int32s()[row]);
    case DataType::kInt64:
    case DataType::kTimestamp:
      return std::to_string(column.int64s()[row]);
    case DataType::kFloat64: {
      char text[64];
      std::snprintf(text, sizeof(text), generator.OneIn(2) ? "%.17g" : "%.20e",
                    column.float64s()[row]);
      return text;
    }
    case DataType::kString:
      return generator.Quote(std::string(column.StringAt(row)));
    case DataType::kBytes:
      break;
  }
  // Base64 of another make: simdjson has none, so by hand, six bits at a time.
  static const std::string kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bits;
  for (const char c : column.StringAt(row)) {
    for (int bit = 7; bit >= 0; --bit)
      bits += (static_cast<uint8_t>(c) >> bit & 1) != 0 ? '1' : '0';
  }
  std::string text;
  for (size_t i = 0; i < bits.size(); i += 6) {
    std::string group = bits.substr(i, 6);
    group.resize(6, '0');
    text += kAlphabet[std::stoul(group, nullptr, 2)];
  }
  while (text.size() % 4 != 0) text += '=';
  return "\"" + text + "\"";
}

void ExpectEqual(const Batch& got, const Batch& want) {
  ASSERT_EQ(got.num_rows(), want.num_rows());
  for (size_t i = 0; i < want.num_columns(); ++i) {
    EXPECT_TRUE(got.column(i).Equals(want.column(i))) << want.schema()->field(i).name;
  }
}

TEST(JsonPropertyTest, WhatIsWrittenIsReadBackEqual) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Generator generator(seed);
    const SchemaPtr schema = generator.RandomSchema();
    const Batch batch = generator.RandomBatch(schema, generator.Below(20));
    for (const auto timestamps : {JsonOptions::Timestamps::kSql, JsonOptions::Timestamps::kIso8601,
                                  JsonOptions::Timestamps::kEpochMicros}) {
      JsonReading reading(schema, {timestamps});
      const std::vector<std::string> texts = WriteJson(batch, {timestamps});
      ExpectEqual(reading.Read(texts), batch);
      for (const std::string& text : texts) {
        simdjson::dom::parser parser;
        EXPECT_EQ(parser.parse(simdjson::padded_string(text)).error(), simdjson::SUCCESS) << text;
      }
    }
  }
}

TEST(JsonPropertyTest, TextsOfEveryShapeAreReadAsTheyWereMeant) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Generator generator(seed);
    const SchemaPtr schema = generator.RandomSchema();
    const Batch batch = generator.RandomBatch(schema, 20);
    std::vector<std::string> texts;
    for (size_t row = 0; row < batch.num_rows(); ++row) {
      std::vector<std::string> members;
      for (size_t i = 0; i < schema->num_fields(); ++i) {
        if (batch.column(i).IsNull(row) && generator.OneIn(2)) continue;
        members.push_back(generator.Quote(schema->field(i).name) + generator.Blanks() + ":" +
                          generator.Blanks() + Literal(generator, batch.column(i), row));
      }
      // A rotation half of the time, so that learned keys are both right and wrong.
      if (!members.empty() && generator.OneIn(2)) {
        std::rotate(members.begin(),
                    members.begin() + static_cast<ptrdiff_t>(generator.Below(members.size())),
                    members.end());
      }
      while (generator.OneIn(2)) {
        members.insert(
            members.begin() + static_cast<ptrdiff_t>(generator.Below(members.size() + 1)),
            generator.Quote("?" + generator.Text()) + ":" + generator.Value(0));
      }
      std::string text = generator.Blanks() + "{";
      for (size_t i = 0; i < members.size(); ++i) {
        text += (i == 0 ? "" : ",") + generator.Blanks() + members[i] + generator.Blanks();
      }
      texts.push_back(text + "}" + generator.Blanks());
    }
    JsonReading reading(schema, {JsonOptions::Timestamps::kEpochMicros});
    const Batch read = reading.Read(texts);
    ASSERT_TRUE(reading.failed().empty())
        << reading.failed()[0].reason << ": " << texts[reading.failed()[0].row];
    ExpectEqual(read, batch);
  }
}

/// simdjson accepts the text as an object. Numbers too large for it are the known difference.
bool SimdjsonAccepts(const std::string& text, bool* big_number) {
  simdjson::dom::parser parser;
  const auto result = parser.parse(simdjson::padded_string(text));
  *big_number = result.error() == simdjson::NUMBER_ERROR;
  return result.error() == simdjson::SUCCESS && result.value_unsafe().is_object();
}

TEST(JsonPropertyTest, AcceptsExactlyWhatSimdjsonAccepts) {
  const SchemaPtr nothing = Schema::Make({});
  JsonReading reading(nothing);
  size_t accepted = 0;
  size_t refused = 0;
  for (uint64_t seed = 1; seed <= 20'000; ++seed) {
    Generator generator(seed);
    std::string text = "{" + generator.Quote(generator.Text()) + ":" + generator.Value(0) +
                       ",\"x\":" + generator.Value(0) + "}";
    for (size_t edits = generator.Below(4); edits > 0 && !text.empty(); --edits) {
      static constexpr std::string_view kBytes = "{}[]:,\"\\ue01.-+tfn \x01\xc3\xa9\xff";
      const size_t at = generator.Below(text.size());
      const char byte = kBytes[generator.Below(kBytes.size())];
      switch (generator.Below(3)) {
        case 0:
          text[at] = byte;
          break;
        case 1:
          text.erase(at, 1);
          break;
        default:
          text.insert(at, 1, byte);
      }
    }
    bool big_number = false;
    const bool wanted = SimdjsonAccepts(text, &big_number);
    if (big_number) continue;
    const bool got = reading.Read({text}).num_rows() == 1;
    ASSERT_EQ(got, wanted) << "seed " << seed << ": " << text;
    ++(got ? accepted : refused);
  }
  EXPECT_GT(accepted, 4'000u);
  EXPECT_GT(refused, 4'000u);
}

TEST(JsonPropertyTest, DoublesAgreeWithTheLibrary) {
  JsonReading reading(Schema::Make({{"v", DataType::kFloat64, false}}));
  for (uint64_t seed = 1; seed <= 50'000; ++seed) {
    Generator generator(seed);
    std::string number = generator.OneIn(2) ? "-" : "";
    number += std::to_string(generator.Below(generator.OneIn(2) ? 10 : UINT64_MAX));
    if (generator.OneIn(3) && number.back() != '0')
      number += std::to_string(generator.Below(UINT64_MAX));
    if (generator.OneIn(2)) number += "." + std::to_string(generator.Below(UINT64_MAX));
    if (generator.OneIn(2)) {
      number += (generator.OneIn(2) ? "e-" : "e") + std::to_string(generator.Below(350));
    }
    const double want = std::strtod(number.c_str(), nullptr);
    const Batch batch = reading.Read({"{\"v\":" + number + "}"});
    ASSERT_EQ(batch.num_rows() == 1, std::isfinite(want)) << number;
    if (batch.num_rows() == 1) {
      ASSERT_EQ(batch.column(0).float64s()[0], want) << number;
      ASSERT_EQ(std::signbit(batch.column(0).float64s()[0]), std::signbit(want)) << number;
    }
  }
}

}  // namespace
}  // namespace weir
