#include "common/base/system_random.h"

#include <sys/random.h>

#include <cerrno>

#include "common/base/check.h"

namespace weir {

uint64_t SystemRandom::Next() {
  uint64_t number = 0;
  ssize_t received = 0;
  do {
    received = getrandom(&number, sizeof(number), 0);
  } while (received < 0 && errno == EINTR);
  // getrandom(2): requests up to 256 bytes are never cut short once the pool is initialised.
  WEIR_CHECK(received == sizeof(number)) << "getrandom returned " << received;
  return number;
}

}  // namespace weir
