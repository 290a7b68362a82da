#include "jobmanager/dispatcher/cluster_log.h"

#include <utility>

namespace weir::jobmanager {

using proto::ClusterLogEntry;

ClusterLog::ClusterLog(const StorageLayout& layout, CreateOnlyLog::Dependencies dependencies,
                       Random& random)
    : random_(random),
      log_(layout.ClusterLogDirectory(), CreateOnlyLog::Options{}, dependencies, random) {}

void ClusterLog::Load(Done done) {
  log_.Load([this](const ClusterLogEntry& entry) { return history_.Apply(entry); },
            std::move(done));
}

void ClusterLog::TakeOver(const std::string& cluster, const std::string& nonce,
                          const std::string& address, Done done) {
  if (log_.head() > 0) return AppendTerm(nonce, address, std::move(done));
  auto created = std::make_shared<ClusterLogEntry>();
  created->mutable_created()->set_cluster_id(cluster);
  created->mutable_created()->set_random_id(random_.HexId());
  log_.Append([created] { return *created; },
              [this, created, nonce, address,
               done = std::move(done)](const absl::StatusOr<uint64_t>& result) {
                if (!result.ok()) return done(result.status());
                const absl::Status applied = history_.Apply(*created);
                if (!applied.ok()) return done(applied);
                AppendTerm(nonce, address, done);
              });
}

void ClusterLog::AppendTerm(const std::string& nonce, const std::string& address, Done done) {
  auto entry = std::make_shared<ClusterLogEntry>();
  log_.AppendAdvancing(
      [this, entry, nonce, address] {
        entry->Clear();
        entry->mutable_term()->set_number(history_.term().Next().value());
        entry->mutable_term()->set_nonce(nonce);
        entry->mutable_term()->set_address(address);
        return *entry;
      },
      [this](const ClusterLogEntry& other) { return history_.Apply(other); },
      [this, entry, done = std::move(done)](const absl::StatusOr<uint64_t>& result) {
        done(result.ok() ? history_.Apply(*entry) : result.status());
      });
}

void ClusterLog::Append(ClusterLogEntry entry, Done done) {
  auto shared = std::make_shared<ClusterLogEntry>(std::move(entry));
  log_.Append([shared] { return *shared; },
              [this, shared, done = std::move(done)](const absl::StatusOr<uint64_t>& result) {
                done(result.ok() ? history_.Apply(*shared) : result.status());
              });
}

}  // namespace weir::jobmanager
