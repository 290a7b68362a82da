#include "client/pause.h"

#include "common/exec/mutex.h"
#include "common/time/system_clock.h"

namespace weir {

void Pause(absl::Duration duration) {
  const SystemClock clock;
  const absl::Duration end = clock.Monotonic() + duration;
  Mutex mutex;
  CondVar never;
  MutexLock lock(mutex);
  while (true) {
    const absl::Duration left = end - clock.Monotonic();
    if (left <= absl::ZeroDuration()) return;
    never.WaitFor(mutex, left);
  }
}

}  // namespace weir
