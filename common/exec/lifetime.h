#pragma once

#include <functional>
#include <memory>
#include <utility>

namespace weir {

/// Lets an object hand out closures that do nothing once the object is gone. Member of the object,
/// declared last, so that it is destroyed first.
///
/// Threads: Guard() and the guarded closures on the owner's executor only.
class Lifetime {
 public:
  Lifetime() : alive_(std::make_shared<bool>(true)) {}
  ~Lifetime() { *alive_ = false; }
  Lifetime(const Lifetime&) = delete;
  Lifetime& operator=(const Lifetime&) = delete;

  /// Forgets every closure handed out so far; later ones work.
  void Reset() {
    *alive_ = false;
    alive_ = std::make_shared<bool>(true);
  }

  template <class F>
  auto Guard(F closure) const {
    return [alive = alive_, closure = std::move(closure)](auto&&... args) mutable {
      if (*alive) closure(std::forward<decltype(args)>(args)...);
    };
  }

 private:
  std::shared_ptr<bool> alive_;
};

}  // namespace weir
