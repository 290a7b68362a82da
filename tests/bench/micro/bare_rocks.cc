#include "tests/bench/micro/bare_rocks.h"

#include <rocksdb/db.h>

#include <cstring>
#include <string>

#include "common/base/check.h"
#include "state/rocksdb/rocks_db.h"
#include "state/rocksdb/rocks_loader.h"
#include "tests/support/temporary_directory.h"

namespace weir {
namespace {

void Check(const absl::Status& status) { WEIR_CHECK(status.ok()) << status; }

absl::string_view BytesOf(const int64_t& value) {
  return {reinterpret_cast<const char*>(&value), sizeof(value)};
}

RocksOptions OptionsIn(const std::string& directory) {
  RocksOptions options;
  options.directory = directory;
  return options;
}

}  // namespace

struct BareRocks::Store {
  TemporaryDirectory directory;
  internal::RocksDb db{OptionsIn(directory.File("state"))};
  std::unique_ptr<RocksLoader> loader;
  std::string value;
};

BareRocks::BareRocks() : store_(std::make_unique<Store>()) {
  Check(store_->db.Open());
  store_->loader = std::make_unique<RocksLoader>(store_->db, store_->directory.File("load"));
}

BareRocks::BareRocks(BareRocks&&) noexcept = default;
BareRocks::~BareRocks() = default;

void BareRocks::Load(absl::string_view key, int64_t value) {
  Check(store_->loader->Put(RocksFamily::kState, key, BytesOf(value)));
}

void BareRocks::Loaded() {
  Check(store_->loader->Finish());
  store_->loader = nullptr;
}

int64_t BareRocks::Get(absl::string_view key) {
  const absl::StatusOr<bool> found = store_->db.Get(RocksFamily::kState, key, &store_->value);
  WEIR_CHECK(found.ok() && *found) << "a key of RocksDB";
  int64_t value = 0;
  std::memcpy(&value, store_->value.data(), sizeof(value));
  return value;
}

void BareRocks::Put(absl::string_view key, int64_t value) {
  rocksdb::WriteOptions options;
  options.disableWAL = true;
  const absl::string_view bytes = BytesOf(value);
  WEIR_CHECK(store_->db.db()
                 .Put(options, store_->db.family(RocksFamily::kState), {key.data(), key.size()},
                      {bytes.data(), bytes.size()})
                 .ok());
}

}  // namespace weir
