#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

#include "common/exec/blocking_pool.h"
#include "common/time/clock.h"
#include "state/tiered/layer.h"
#include "state/tiered/materialiser.h"
#include "state/tiered/memory_account.h"
#include "state/tiered/tier_files.h"
#include "state/tiered/tier_states.h"
#include "state/tiered/version.h"

namespace weir {

class StateTier;

/// What is in memory of one state, or of the timers, for the tier to bound.
class TierIndex {
 public:
  virtual ~TierIndex() = default;
  /// Drops clean versions that were not used lately until tier.has_room(), or all were looked at.
  virtual void EvictClean(StateTier& tier) = 0;
  /// Takes over a restored version, which is newer than what is there.
  virtual void Insert(Version* version) = 0;
};

/// How much reading the tier answered from memory.
struct TierCounters {
  uint64_t hits = 0;
  uint64_t misses = 0;  // a Get
  uint64_t prefetched = 0;
  uint64_t evicted = 0;
  uint64_t materialised = 0;  // jobs
  uint64_t cleaned_up = 0;    // entries of RocksDB that the clean-up has looked at
};

/// The layers of one operator's keyed state, its memory, and what is in RocksDB. The tables and
/// timers on top find and change versions through it. Page: docs/protocols/state-tier.md.
///
/// Threads: the task's. Lifetime: borrows files, clock and pool.
/// Errors: kept in status(), the first one, for the task to fail with.
class StateTier {
 public:
  struct Options {
    std::string operator_name;             // for errors
    size_t memory_bytes = 256u << 20;      // of versions
    size_t materialise_bytes = 64u << 20;  // of dirty ones; at most a quarter of memory_bytes
    absl::Duration materialise_interval = absl::Seconds(10);
  };

  StateTier(const Options& options, TierFiles& files, const Clock& clock, BlockingPool& pool);
  ~StateTier();

  /// First thing in every access: what it hands out is good until the next one.
  void BeforeAccess() {
    if (__builtin_expect(attention_, 0)) Attend();
  }
  /// For every batch: starts what is due, takes in what has ended.
  void Tick();

  /// Null: RocksDB has nothing.
  const RocksStore* store() const { return store_.get(); }
  bool clean(const Version& version) const { return version.generation <= materialised_; }
  /// Clean and absent, with room for a cell of this type; the hold is the caller's.
  Version* NewVersion(absl::string_view key, const CellType* type);
  Version* NewEncoded(absl::string_view key, absl::string_view bytes);
  /// The version in the slot, or a copy in its place, belongs to the active layer from now on and
  /// may be changed. Not for encoded ones with a value.
  Version& Own(RocksFamily family, Version*& slot);
  /// The same, and it is a tombstone.
  void Delete(RocksFamily family, Version*& slot);
  /// A change by the active layer: it may be changed in place.
  bool active(const Version& version) const { return version.generation == generation_; }
  /// A new version becomes an append of the active layer on top of `below`, whose hold is taken
  /// over; null: of what RocksDB has.
  void AddAppend(Version& version, Version* below);
  /// In place of the append in the slot comes its list as a whole, which is as new.
  void Complete(Version*& slot, Version* whole);
  /// Of what is below an append, what RocksDB has, too, is let go.
  void DropCleanBelow(Version& append);
  /// The cell was handed out to be changed: what it grows by is charged at the next access.
  void HandedOut(Version& version) {
    handed_out_ = &version;
    attention_ = true;
  }

  /// Whether prefetching looks for what is not in memory; else it is known that there is hardly
  /// any.
  bool fetches() const { return fetches_; }
  void SetFetches(bool fetches) { fetches_ = fetches; }

  void AddIndex(TierIndex* index) { indexes_.push_back(index); }
  /// Of what may be fetched for a batch, so that it does not drive itself out again.
  size_t fetch_bytes() const { return options_.memory_bytes / 8; }
  /// Evicts until there is room for so much more, as far as evictions give it: what is fetched then
  /// is still there when it is used.
  void Reserve(size_t bytes);
  bool has_room() const { return account_->bytes() + reserved_bytes_ <= low_bytes_; }
  MemoryAccount& account() { return *account_; }
  /// While one lives nothing is evicted.
  class EvictionPause {
   public:
    explicit EvictionPause(StateTier& tier) : tier_(tier) { ++tier_.pauses_; }
    ~EvictionPause() { --tier_.pauses_; }

   private:
    StateTier& tier_;
  };

  const std::shared_ptr<const TierStates>& states() const { return states_; }
  void SetStates(TierStates states) {
    states_ = std::make_shared<const TierStates>(std::move(states));
  }

  /// What a checkpoint is made of. Seal puts the active layer behind the others.
  void Seal();
  const std::vector<LayerPtr>& layers() const { return layers_; }
  const std::shared_ptr<const TierBase>& base() const { return base_; }
  /// Of an empty tier. `store` and `base` may be null. Versions added and sealed behind it are
  /// newer.
  void SetBase(std::shared_ptr<RocksStore> store, std::shared_ptr<const TierBase> base);

  void Fail(const absl::Status& status);
  const absl::Status& status() const { return status_; }
  TierCounters& counters() { return counters_; }

 private:
  bool OwnInPlace(RocksFamily family, Version& version);
  void OwnCopy(RocksFamily family, Version*& slot, Version* copy);
  // What an append needs of what it comes on top of.
  Version* Shortened(Version* below);
  void Attend();
  void MakeRoom();
  void Evict();
  void Charged();
  void Materialise();
  // `blocked`: the task waits for memory, so layers are freed here and not on the pool.
  void TakeResult(bool blocked);
  // A materialisation has just failed.
  bool pausing() const;
  size_t dirty_bytes() const { return active_->bytes() + sealed_bytes_; }

  const Options options_;
  const size_t low_bytes_;    // evicted down to
  const size_t dirty_limit_;  // then a materialisation is due
  const Clock& clock_;
  BlockingPool& pool_;
  const std::shared_ptr<MemoryAccount> account_ = std::make_shared<MemoryAccount>();
  std::shared_ptr<const TierStates> states_ = std::make_shared<const TierStates>();
  std::vector<TierIndex*> indexes_;

  uint64_t generation_ = 1;  // of the active layer
  std::shared_ptr<Layer> active_;
  std::vector<LayerPtr> layers_;  // sealed, newer than the base, oldest first
  size_t sealed_bytes_ = 0;
  uint64_t materialised_ = 0;
  std::shared_ptr<RocksStore> store_;
  std::shared_ptr<const TierBase> base_;

  Version* handed_out_ = nullptr;
  bool attention_ = false;
  bool fetches_ = true;
  int pauses_ = 0;
  size_t reserved_bytes_ = 0;  // during Reserve
  size_t bound_bytes_;         // above it there is something to do
  absl::Duration last_materialised_;
  absl::Status last_failure_;  // of a materialisation
  absl::Status status_;
  TierCounters counters_;
  Materialiser materialiser_;
};

}  // namespace weir
