#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <ostream>
#include <string>
#include <utility>

namespace weir {

/// An integer id of its own type, so that two kinds of id can never be swapped. `Tag` is any
/// (incomplete) type. Ordered, hashable, printable; value 0 means "none" for every id of Weir.
template <class Tag>
class StrongInt {
 public:
  constexpr StrongInt() = default;
  constexpr explicit StrongInt(uint64_t value) : value_(value) {}
  constexpr uint64_t value() const { return value_; }
  constexpr bool is_none() const { return value_ == 0; }
  constexpr StrongInt Next() const { return StrongInt(value_ + 1); }
  constexpr auto operator<=>(const StrongInt&) const = default;
  friend std::ostream& operator<<(std::ostream& out, StrongInt id) { return out << id.value_; }

 private:
  uint64_t value_ = 0;
};

/// A textual id of its own type; the empty string means "none".
template <class Tag>
class StrongString {
 public:
  StrongString() = default;
  explicit StrongString(std::string value) : value_(std::move(value)) {}
  const std::string& value() const { return value_; }
  bool is_none() const { return value_.empty(); }
  auto operator<=>(const StrongString&) const = default;
  friend std::ostream& operator<<(std::ostream& out, const StrongString& id) {
    return out << id.value_;
  }

 private:
  std::string value_;
};

}  // namespace weir

template <class Tag>
struct std::hash<weir::StrongInt<Tag>> {
  size_t operator()(weir::StrongInt<Tag> id) const { return std::hash<uint64_t>()(id.value()); }
};
template <class Tag>
struct std::hash<weir::StrongString<Tag>> {
  size_t operator()(const weir::StrongString<Tag>& id) const {
    return std::hash<std::string>()(id.value());
  }
};
