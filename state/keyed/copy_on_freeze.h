#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

namespace weir {

/// A value that its owner changes and snapshots read: it is shared with them, and copied when it is
/// changed while one still reads it.
///
/// Threads: the owner's thread for everything but Reader, which may be used and destroyed on any
/// one thread.
template <class T>
class CopyOnFreeze {
  struct Shared {
    explicit Shared(T initial) : value(std::move(initial)) {}
    T value;
    // Not the count of the shared_ptr, which says nothing about what a reader has seen.
    std::atomic<uint32_t> readers{0};
  };

 public:
  /// Keeps the value as it is.
  class Reader {
   public:
    Reader() = default;
    explicit Reader(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {
      if (shared_ != nullptr) shared_->readers.fetch_add(1, std::memory_order_relaxed);
    }
    Reader(Reader&& other) noexcept = default;
    Reader& operator=(Reader&&) = delete;
    ~Reader() {
      if (shared_ != nullptr) shared_->readers.fetch_sub(1, std::memory_order_release);
    }
    /// Null when there was none.
    const T* get() const { return shared_ == nullptr ? nullptr : &shared_->value; }

   private:
    std::shared_ptr<Shared> shared_;
  };

  bool has_value() const { return shared_ != nullptr; }
  const T* get() const { return shared_ == nullptr ? nullptr : &shared_->value; }
  bool frozen() const {
    return shared_ != nullptr && shared_->readers.load(std::memory_order_acquire) != 0;
  }
  void Set(T value) { shared_ = std::make_shared<Shared>(std::move(value)); }
  /// There must be a value.
  T& Change() {
    if (__builtin_expect(frozen(), 0)) Set(T(std::as_const(shared_->value)));
    return shared_->value;
  }
  Reader Freeze() const { return Reader(shared_); }

 private:
  std::shared_ptr<Shared> shared_;
};

}  // namespace weir
