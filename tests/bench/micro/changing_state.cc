#include "tests/bench/micro/changing_state.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <utility>

#include "common/base/check.h"
#include "common/base/stable_hash.h"
#include "common/types/key_codec.h"
#include "state/api/cell_type.h"
#include "state/api/key_ref.h"
#include "state/api/keyed_state_store.h"
#include "state/tiered/tier_key.h"

namespace weir {
namespace {

using Cell = ValueCell<std::string>;

constexpr double kExponent = 0.99;
constexpr double kTwoTo53 = 9007199254740992.0;

std::vector<double> Shares(int64_t keys) {
  std::vector<double> shares(static_cast<size_t>(keys));
  double sum = 0;
  for (size_t rank = 0; rank < shares.size(); ++rank) {
    sum += 1 / std::pow(static_cast<double>(rank + 1), kExponent);
    shares[rank] = sum;
  }
  return shares;
}

}  // namespace

const ValueStateDescriptor<std::string>& ChangingState::Descriptor() {
  static const ValueStateDescriptor<std::string> descriptor("value");
  return descriptor;
}

ChangingState::ChangingState(const Options& options)
    : options_(options),
      shares_(options.zipf ? Shares(options.keys) : std::vector<double>()),
      active_(std::make_shared<Layer>(generation_, account_)),
      value_(kValueBytes, 'v'),
      changed_in_(static_cast<size_t>(options.keys), 0) {
  TierStates states;
  const absl::StatusOr<uint32_t> id = states.Register(
      internal::DefineState<std::string, Cell>(StateKind::kValue, Descriptor()), /*now_micros=*/0);
  WEIR_CHECK(id.ok()) << id.status();
  states_ = std::make_shared<const TierStates>(std::move(states));
  versions_.reserve(static_cast<size_t>(options.keys));
  for (int64_t key = 0; key < options.keys; ++key) {
    const std::string bytes = EncodeKey(key);
    std::string tier_key;
    AppendTierPrefix(KeyRefOf(bytes, kMaxParallelism).group, *id, &tier_key);
    tier_key += bytes;
    versions_.push_back(Version::NewAbsent(tier_key, &CellTypeOf<Cell>(), *account_));
  }
}

ChangingState::~ChangingState() {
  for (Version* version : versions_) version->Release();
}

int64_t ChangingState::RandomKey() {
  if (!options_.zipf) {
    return static_cast<int64_t>(random_.Below(static_cast<uint64_t>(options_.keys)));
  }
  const double at = static_cast<double>(random_.Next() >> 11) / kTwoTo53 * shares_.back();
  const auto found = std::upper_bound(shares_.begin(), shares_.end(), at);
  return std::min<int64_t>(found - shares_.begin(), options_.keys - 1);
}

Version& ChangingState::Own(int64_t key) {
  Version*& version = versions_[static_cast<size_t>(key)];
  uint32_t& changed_in = changed_in_[static_cast<size_t>(key)];
  if (std::exchange(changed_in, increment_) != increment_) {
    changed_bytes_ += version->key().size() + kValueBytes;
  }
  if (version->generation == generation_) return *version;
  if (!version->held_once()) {
    Version* copy = Version::NewAbsent(version->key(), version->type(), *account_);
    version->Release();
    version = copy;
  }
  version->generation = generation_;
  active_->Add(RocksFamily::kState, *version);
  return *version;
}

void ChangingState::Put(int64_t key, absl::string_view value) {
  Version& version = Own(key);
  if (!version.present()) version.Construct();
  static_cast<Cell*>(version.cell())->value.assign(value.data(), value.size());
  active_->Grow(version.Measure());
}

void ChangingState::Delete(int64_t key) { Own(key).MakeAbsent(); }

void ChangingState::PutAll() {
  for (int64_t key = 0; key < options_.keys; ++key) Put(key, value_);
}

void ChangingState::Change(int64_t changes) {
  for (int64_t i = 0; i < changes; ++i) {
    const int64_t key = RandomKey();
    if (++values_ % kDeletionEvery == 0) {
      Delete(key);
    } else {
      std::memcpy(value_.data(), &values_, sizeof(values_));
      Put(key, value_);
    }
  }
}

LayerPtr ChangingState::Seal() {
  if (active_->empty()) return nullptr;
  active_->Seal(states_);
  LayerPtr sealed = std::move(active_);
  active_ = std::make_shared<Layer>(++generation_, account_);
  return sealed;
}

uint64_t ChangingState::EndOfIncrement() {
  ++increment_;
  return std::exchange(changed_bytes_, 0);
}

uint64_t ChangingState::Digest(int64_t key, absl::string_view value) {
  return StableHash64(value, StableHash64(static_cast<uint64_t>(key)));
}

uint64_t ChangingState::Digest() const {
  uint64_t digest = 0;
  for (size_t key = 0; key < versions_.size(); ++key) {
    if (!versions_[key]->present()) continue;
    digest += Digest(static_cast<int64_t>(key),
                     static_cast<const Cell*>(std::as_const(*versions_[key]).cell())->value);
  }
  return digest;
}

uint64_t ChangingState::present() const {
  return static_cast<uint64_t>(
      std::count_if(versions_.begin(), versions_.end(),
                    [](const Version* version) { return version->present(); }));
}

std::vector<int64_t> ChangingState::SortedKeys() const {
  std::vector<int64_t> keys(versions_.size());
  std::iota(keys.begin(), keys.end(), int64_t{0});
  std::sort(keys.begin(), keys.end(), [this](int64_t a, int64_t b) {
    return versions_[static_cast<size_t>(a)]->key() < versions_[static_cast<size_t>(b)]->key();
  });
  return keys;
}

}  // namespace weir
