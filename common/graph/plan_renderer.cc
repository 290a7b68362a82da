#include "common/graph/plan_renderer.h"

#include <cstdint>
#include <map>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"

namespace weir {
namespace {

std::string ExchangeName(const proto::JobEdge& edge) {
  return absl::AsciiStrToLower(proto::JobEdge::Exchange_Name(edge.exchange()));
}

std::string KindName(proto::OperatorDescriptor::Kind kind) {
  return absl::AsciiStrToLower(proto::OperatorDescriptor::Kind_Name(kind));
}

std::map<std::string, std::string> SortedConfiguration(const proto::OperatorDescriptor& one) {
  return {one.configuration().begin(), one.configuration().end()};
}

std::string InputUid(const proto::OperatorDescriptor& one) {
  const auto found = one.configuration().find("input");
  if (found == one.configuration().end()) return "";
  // Without what of the operator it reads: see Planner::Describe.
  for (const char* part : {" (dead letters)", " (side output '"}) {
    const size_t at = found->second.rfind(part);
    if (at != std::string::npos) return found->second.substr(0, at);
  }
  return found->second;
}

std::string Plural(int count, const std::string& noun) {
  return absl::StrCat(count, " ", noun, count == 1 ? "" : "s");
}

/// Writes the operators of one vertex as a tree.
class VertexTree {
 public:
  VertexTree(const proto::JobVertex& vertex, std::string& text) : vertex_(vertex), text_(text) {}

  void Write() { WriteOperator(0, "   ", /*last=*/true); }

 private:
  void WriteOperator(int index, const std::string& indent, bool last) {
    const proto::OperatorDescriptor& one = vertex_.operators(index);
    std::vector<int> readers;
    for (int i = index + 1; i < vertex_.operators_size(); ++i) {
      if (InputUid(vertex_.operators(i)) == one.uid()) readers.push_back(i);
    }
    absl::StrAppend(&text_, indent, last ? "└─ " : "├─ ", one.name(), "  (", one.type(),
                    one.uid() == one.name() ? "" : absl::StrCat(", uid ", one.uid()),
                    one.kind() == proto::OperatorDescriptor::SOURCE
                        ? (one.bounded() ? ", bounded" : ", unbounded")
                        : "",
                    one.transactional() ? ", transactional" : "", ")\n");
    const std::string below = absl::StrCat(indent, last ? "   " : "│  ");
    const std::string margin = absl::StrCat(below, readers.empty() ? "   " : "│  ");
    for (const auto& [key, value] : SortedConfiguration(one)) {
      // Where in the tree it stands says the rest.
      if (key == "input" && value == InputUid(one)) continue;
      absl::StrAppend(&text_, margin, key, " = ", value, "\n");
    }
    if (!one.output_schema().empty()) {
      absl::StrAppend(&text_, margin, "rows: ", one.output_schema(), "\n");
    }
    for (size_t i = 0; i < readers.size(); ++i) {
      WriteOperator(readers[i], below, i + 1 == readers.size());
    }
  }

  const proto::JobVertex& vertex_;
  std::string& text_;
};

/// Just enough of a JSON writer: objects and arrays, indented.
class JsonText {
 public:
  void Open(char bracket) {
    text_ += bracket;
    depth_ += 2;
    fresh_ = true;
  }
  void Close(char bracket) {
    depth_ -= 2;
    if (!fresh_) NewLine();
    text_ += bracket;
    fresh_ = false;
  }
  void Next() {
    if (!fresh_) text_ += ',';
    NewLine();
    fresh_ = false;
  }
  void Key(const std::string& key) {
    Next();
    String(key);
    text_ += ": ";
  }
  void Field(const std::string& key, const std::string& value) {
    Key(key);
    String(value);
  }
  void Field(const std::string& key, uint64_t value) {
    Key(key);
    absl::StrAppend(&text_, value);
  }
  void Flag(const std::string& key, bool value) {
    Key(key);
    text_ += value ? "true" : "false";
  }
  std::string Finish() { return text_ + "\n"; }

 private:
  void NewLine() { absl::StrAppend(&text_, "\n", std::string(depth_, ' ')); }
  void String(const std::string& value) {
    text_ += '"';
    for (const char c : value) {
      if (c == '"' || c == '\\') {
        text_ += '\\';
        text_ += c;
      } else if (static_cast<unsigned char>(c) < 0x20) {
        absl::StrAppendFormat(&text_, "\\u%04x", static_cast<unsigned>(c));
      } else {
        text_ += c;
      }
    }
    text_ += '"';
  }

  std::string text_;
  size_t depth_ = 0;
  bool fresh_ = true;
};

void WriteOperator(const proto::OperatorDescriptor& one, JsonText& json) {
  json.Next();
  json.Open('{');
  json.Field("uid", one.uid());
  json.Field("name", one.name());
  json.Field("kind", KindName(one.kind()));
  json.Field("type", one.type());
  json.Key("configuration");
  json.Open('{');
  for (const auto& [key, value] : SortedConfiguration(one)) json.Field(key, value);
  json.Close('}');
  json.Field("output_schema", one.output_schema());
  if (one.kind() == proto::OperatorDescriptor::SOURCE) json.Flag("bounded", one.bounded());
  if (one.kind() == proto::OperatorDescriptor::SINK) {
    json.Flag("transactional", one.transactional());
  }
  json.Close('}');
}

std::string DotQuoted(const std::string& text) {
  return absl::StrReplaceAll(text, {{"\\", "\\\\"}, {"\"", "\\\""}, {"\n", "\\n"}});
}

}  // namespace

std::string RenderPlanText(const proto::JobGraph& plan) {
  int operators = 0;
  uint64_t subtasks = 0;
  for (const proto::JobVertex& vertex : plan.vertices()) {
    operators += vertex.operators_size();
    subtasks += vertex.parallelism();
  }
  std::string text = absl::StrCat("Job ", plan.job_name(), ": ", Plural(operators, "operator"),
                                  " in ", Plural(plan.vertices_size(), "chain"), ", ",
                                  Plural(static_cast<int>(subtasks), "task"), "\nfingerprint ",
                                  plan.fingerprint(), "\n");
  for (const proto::JobVertex& vertex : plan.vertices()) {
    absl::StrAppend(&text, "\n[", vertex.id(), "] parallelism ", vertex.parallelism());
    for (const proto::JobEdge& edge : plan.edges()) {
      if (edge.target_vertex() != vertex.id()) continue;
      absl::StrAppend(&text, ", reads [", edge.source_vertex(), "] (", ExchangeName(edge),
                      edge.key().empty() ? "" : absl::StrCat(" by ", edge.key()),
                      edge.side_output().empty()
                          ? ""
                          : absl::StrCat(", side output '", edge.side_output(), "'"),
                      ")");
    }
    text += '\n';
    if (vertex.operators_size() > 0) VertexTree(vertex, text).Write();
  }
  return text;
}

std::string RenderPlanJson(const proto::JobGraph& plan) {
  JsonText json;
  json.Open('{');
  json.Field("format_version", plan.format_version());
  json.Field("job_name", plan.job_name());
  json.Key("vertices");
  json.Open('[');
  for (const proto::JobVertex& vertex : plan.vertices()) {
    json.Next();
    json.Open('{');
    json.Field("id", vertex.id());
    json.Field("name", vertex.name());
    json.Field("parallelism", vertex.parallelism());
    json.Key("operators");
    json.Open('[');
    for (const proto::OperatorDescriptor& one : vertex.operators()) WriteOperator(one, json);
    json.Close(']');
    json.Close('}');
  }
  json.Close(']');
  json.Key("edges");
  json.Open('[');
  for (const proto::JobEdge& edge : plan.edges()) {
    json.Next();
    json.Open('{');
    json.Field("source_vertex", edge.source_vertex());
    json.Field("target_vertex", edge.target_vertex());
    json.Field("exchange", ExchangeName(edge));
    json.Close('}');
  }
  json.Close(']');
  json.Field("max_parallelism", plan.max_parallelism());
  json.Field("fingerprint", plan.fingerprint());
  json.Close('}');
  return json.Finish();
}

std::string RenderPlanDot(const proto::JobGraph& plan) {
  std::string text = absl::StrCat("digraph \"", DotQuoted(plan.job_name()),
                                  "\" {\n  rankdir=LR;\n  node [shape=box];\n");
  for (const proto::JobVertex& vertex : plan.vertices()) {
    std::vector<std::string> lines;
    for (const proto::OperatorDescriptor& one : vertex.operators()) {
      lines.push_back(absl::StrCat(DotQuoted(one.name()), " (", DotQuoted(one.type()), ")"));
    }
    absl::StrAppend(&text, "  v", vertex.id(), " [label=\"", absl::StrJoin(lines, "\\n"),
                    "\\nparallelism ", vertex.parallelism(), "\"];\n");
  }
  for (const proto::JobEdge& edge : plan.edges()) {
    absl::StrAppend(&text, "  v", edge.source_vertex(), " -> v", edge.target_vertex(), " [label=\"",
                    ExchangeName(edge), "\"];\n");
  }
  return text + "}\n";
}

}  // namespace weir
