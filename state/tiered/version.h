#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"

#include "state/api/cell_type.h"
#include "state/tiered/memory_account.h"
#include "state/tiered/tier_key.h"

namespace weir {

/// What a key holds as of one generation: a tombstone, encoded bytes, or a decoded cell; in one
/// piece of memory with the key (state/tiered/tier_key.h). Page: docs/protocols/state-tier.md.
///
/// An append has elements of a list alone that come behind those of the version below it, or, where
/// there is none, of what RocksDB has.
///
/// Threads: Hold and Release on any; everything else as the page says: changed by the task's thread
/// while the active layer or the index alone holds it, else only read.
/// Lifetime: counted; the memory account and the cell's type outlive it.
class Version {
 public:
  enum class Form : uint8_t {
    kAbsent,
    kEncoded,
    kDecoded,
  };

  /// Absent, with room for a cell of this type when it is not null. One hold is the caller's.
  static Version* NewAbsent(absl::string_view key, const CellType* type, MemoryAccount& account);
  static Version* NewEncoded(absl::string_view key, absl::string_view bytes,
                             MemoryAccount& account);
  Version(const Version&) = delete;
  Version& operator=(const Version&) = delete;

  void Hold() { holders_.fetch_add(1, std::memory_order_relaxed); }
  void Release();
  /// Nobody else can come to hold it, or still reads it.
  bool held_once() const { return holders_.load(std::memory_order_acquire) == 1; }

  absl::string_view key() const { return {reinterpret_cast<const char*>(this + 1), key_size_}; }
  Form form() const { return form_; }
  bool present() const { return form_ != Form::kAbsent; }
  /// Without key group and state.
  absl::string_view user_key() const { return key().substr(kTierPrefixSize); }
  /// Of a decoded one.
  void* cell() { return data(); }
  const void* cell() const { return const_cast<Version*>(this)->data(); }
  /// Of an encoded one.
  absl::string_view encoded() const { return {const_cast<Version*>(this)->data(), encoded_size_}; }
  /// Of a cell; null for others.
  const CellType* type() const { return type_; }

  /// Absent becomes decoded with a new cell, which is returned.
  void* Construct();
  void ConstructFrom(const void* other_cell);
  /// Absent becomes present with an empty value: a timer.
  void MakeMark();
  /// Of a list. Takes the hold on `below` over; null: RocksDB's value is below.
  void MakeAppend(Version* below);
  bool is_append() const { return append_; }
  /// The task's thread alone.
  Version* below() const { return below_; }
  /// What is below is to be had from RocksDB.
  void DropBelow();
  /// Whatever it was becomes absent.
  void MakeAbsent();
  /// Charges what the cell has grown by; returns that.
  int64_t Measure();
  size_t charged_bytes() const { return charged_bytes_; }

  uint64_t generation = 0;
  bool referenced = true;  // since the clock's hand was here

 private:
  // Behind `referenced`, so that they take no room of their own.
  Form form_ = Form::kAbsent;
  bool append_ = false;

  Version(absl::string_view key, const CellType* type, size_t data_offset, MemoryAccount& account);
  static void* Allocate(size_t bytes, size_t alignment);
  static size_t AlignmentOf(const CellType* type);
  // True: it was the last hold, and `below` has what is to be released next.
  bool ReleaseOne(Version** below);
  char* data() { return reinterpret_cast<char*>(this) + data_offset_; }
  void Charge(size_t bytes);

  std::atomic<uint32_t> holders_{1};
  const uint32_t key_size_;
  const uint32_t data_offset_;
  uint32_t encoded_size_ = 0;
  uint32_t own_bytes_ = 0;  // without what the cell has outside
  const CellType* const type_;
  MemoryAccount& account_;
  size_t charged_bytes_ = 0;
  Version* below_ = nullptr;  // of an append
};

}  // namespace weir
