#include "taskmanager/task/signal_safe_text.h"

#include <unistd.h>

#include <cerrno>

namespace weir::taskmanager {

void SignalSafeText::Put(char c) {
  if (size_ < kMaxBytes) {
    bytes_[size_++] = c;
  } else if (c == '\n') {
    bytes_[kMaxBytes - 1] = c;
  }
}

SignalSafeText& SignalSafeText::Add(absl::string_view text) {
  for (const char c : text) Put(c);
  return *this;
}

SignalSafeText& SignalSafeText::AddName(absl::string_view name) {
  for (const char c : name.substr(0, kMaxNameBytes)) {
    const auto code = static_cast<unsigned char>(c);
    Put(code < 0x20 || code == 0x7f ? '?' : c);
  }
  return *this;
}

SignalSafeText& SignalSafeText::AddNumber(int64_t number) {
  char digits[20];
  size_t count = 0;
  uint64_t rest = number < 0 ? ~static_cast<uint64_t>(number) + 1 : static_cast<uint64_t>(number);
  do {
    digits[count++] = static_cast<char>('0' + rest % 10);
    rest /= 10;
  } while (rest > 0);
  if (number < 0) Put('-');
  while (count > 0) Put(digits[--count]);
  return *this;
}

SignalSafeText& SignalSafeText::AddAddress(const void* address) {
  Add("0x");
  const auto value = reinterpret_cast<uintptr_t>(address);
  int shift = 60;
  while (shift > 0 && (value >> shift) == 0) shift -= 4;
  for (; shift >= 0; shift -= 4) Put("0123456789abcdef"[(value >> shift) & 15]);
  return *this;
}

void SignalSafeText::Write() const {
  const int saved = errno;
  for (size_t written = 0; written < size_;) {
    const ssize_t count = write(STDERR_FILENO, bytes_.data() + written, size_ - written);
    if (count < 0 && errno != EINTR) break;
    if (count > 0) written += static_cast<size_t>(count);
  }
  errno = saved;
}

}  // namespace weir::taskmanager
