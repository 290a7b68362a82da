#include "common/graph/fingerprint.h"

#include <cstdint>
#include <map>

#include "absl/strings/str_cat.h"

#include "common/base/sha256.h"

namespace weir {
namespace {

class CanonicalHash {
 public:
  void Add(uint64_t number) { hash_.Update(absl::StrCat(number, "\n")); }
  void Add(const std::string& text) {
    hash_.Update(absl::StrCat(text.size(), ":"));
    hash_.Update(text);
    hash_.Update("\n");
  }
  std::string Finish() { return hash_.FinishHex(); }

 private:
  Sha256 hash_;
};

void AddOperator(const proto::OperatorDescriptor& descriptor, CanonicalHash& hash) {
  hash.Add(descriptor.uid());
  hash.Add(descriptor.name());
  hash.Add(static_cast<uint64_t>(descriptor.kind()));
  hash.Add(descriptor.type());
  const std::map<std::string, std::string> configuration(descriptor.configuration().begin(),
                                                         descriptor.configuration().end());
  hash.Add(static_cast<uint64_t>(configuration.size()));
  for (const auto& [key, value] : configuration) {
    hash.Add(key);
    hash.Add(value);
  }
  hash.Add(descriptor.output_schema());
  hash.Add(static_cast<uint64_t>(descriptor.bounded()));
  hash.Add(static_cast<uint64_t>(descriptor.transactional()));
}

}  // namespace

std::string FingerprintOf(const proto::JobGraph& plan) {
  CanonicalHash hash;
  hash.Add(static_cast<uint64_t>(plan.format_version()));
  hash.Add(plan.job_name());
  hash.Add(static_cast<uint64_t>(plan.vertices_size()));
  for (const proto::JobVertex& vertex : plan.vertices()) {
    hash.Add(vertex.id());
    hash.Add(vertex.name());
    hash.Add(static_cast<uint64_t>(vertex.parallelism()));
    hash.Add(static_cast<uint64_t>(vertex.operators_size()));
    for (const proto::OperatorDescriptor& one : vertex.operators()) AddOperator(one, hash);
  }
  hash.Add(static_cast<uint64_t>(plan.edges_size()));
  for (const proto::JobEdge& edge : plan.edges()) {
    hash.Add(edge.source_vertex());
    hash.Add(edge.target_vertex());
    hash.Add(static_cast<uint64_t>(edge.exchange()));
    hash.Add(edge.source_uid());
    hash.Add(edge.key());
    if (!edge.side_output().empty()) hash.Add(edge.side_output());
  }
  hash.Add(static_cast<uint64_t>(plan.max_parallelism()));
  return hash.Finish();
}

}  // namespace weir
