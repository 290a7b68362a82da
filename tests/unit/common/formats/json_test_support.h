#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/status/status.h"

#include "common/formats/json_format.h"

namespace weir {

inline std::vector<Payload> PayloadsOf(const std::vector<std::string>& texts) {
  std::vector<Payload> payloads;
  for (const std::string& text : texts) payloads.push_back({text.data(), text.size(), false});
  return payloads;
}

/// A reader of one schema, with what it appended and refused.
class JsonReading {
 public:
  explicit JsonReading(SchemaPtr schema, JsonOptions options = {})
      : schema_(schema), deserializer_(schema, options), builder_(schema) {}

  /// Reads the texts; the batch holds those that were accepted.
  Batch Read(const std::vector<std::string>& texts) {
    failed_.clear();
    const absl::Status status = deserializer_.Deserialize(PayloadsOf(texts), builder_, &failed_);
    EXPECT_TRUE(status.ok()) << status;
    EXPECT_EQ(builder_.rows() + failed_.size(), texts.size());
    return builder_.Finish();
  }
  /// The reason why the text is refused; empty when it is accepted.
  std::string Reason(const std::string& text) {
    Read({text});
    return failed_.empty() ? "" : failed_[0].reason;
  }
  const std::vector<DecodeError>& failed() const { return failed_; }

 private:
  SchemaPtr schema_;
  JsonDeserializer deserializer_;
  BatchBuilder builder_;
  std::vector<DecodeError> failed_;
};

inline std::vector<std::string> WriteJson(const Batch& batch, JsonOptions options = {}) {
  ByteRows rows;
  const absl::Status status = JsonSerializer(batch.schema(), options).Serialize(batch, &rows);
  EXPECT_TRUE(status.ok()) << status;
  std::vector<std::string> texts;
  for (size_t i = 0; i < rows.size(); ++i) texts.emplace_back(rows[i].data, rows[i].size);
  return texts;
}

}  // namespace weir
