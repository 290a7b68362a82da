#include "client/output/output_format.h"

#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <string>

#include <nlohmann/json.hpp>

namespace weir::cli {
namespace {

TEST(OutputFormatTest, KnowsItsNames) {
  EXPECT_EQ(*ParseOutputFormat("wide"), OutputFormat::kWide);
  EXPECT_EQ(*ParseOutputFormat("name"), OutputFormat::kName);
  EXPECT_EQ(ParseOutputFormat("xml").status().message(),
            "--output is 'xml'; table, wide, json, yaml or name is expected");
}

TEST(YamlTest, IsBlocksWithTheJsonsOrder) {
  EXPECT_EQ(JsonAsYaml(R"({"jobs": [{"id": "job-1", "tags": ["a", "b"], "none": null},
                                    {"id": "job-2", "tags": [], "sinks": {}}],
                           "nested": [[1, 2.5], [true]], "last": -7})"),
            "jobs:\n"
            "  - id: job-1\n"
            "    tags:\n"
            "      - a\n"
            "      - b\n"
            "    none: null\n"
            "  - id: job-2\n"
            "    tags: []\n"
            "    sinks: {}\n"
            "nested:\n"
            "  - - 1\n"
            "    - 2.5\n"
            "  - - true\n"
            "last: -7\n");
  EXPECT_EQ(JsonAsYaml("{}"), "{}\n");
}

// What a reader would take for something else comes back as the string it is.
TEST(YamlTest, StringsStayStrings) {
  for (const char* text : {"",
                           "true",
                           "No",
                           "NULL",
                           "~",
                           "12",
                           "1e3",
                           "0x1f",
                           ".5",
                           "2023-11-14T22:13:20.123Z",
                           "127.0.0.1:6123",
                           "a: b",
                           "a #b",
                           "- a",
                           "[a]",
                           "{a}",
                           "&a",
                           "*a",
                           "!a",
                           "|",
                           ">",
                           "'a'",
                           "\"a\"",
                           "%a",
                           "@a",
                           "`a",
                           " a",
                           "a ",
                           "two\nlines",
                           "tab\t",
                           "é",
                           "a,b",
                           "?",
                           "<<",
                           "=",
                           "worker w1 was killed",
                           "job-1",
                           "/etc/weir",
                           "a_b.c-d/e"}) {
    const std::string yaml = JsonAsYaml(nlohmann::json({{"key", text}}).dump());
    const YAML::Node node = YAML::Load(yaml);
    EXPECT_EQ(node["key"].as<std::string>(), text) << yaml;
    const bool quoted = yaml.find('"') != std::string::npos;
    EXPECT_EQ(node["key"].Tag(), quoted ? "!" : "?") << yaml;
  }
}

}  // namespace
}  // namespace weir::cli
