// C11 threads by way of pthreads, for TSan builds only. librdkafka starts its threads with
// thrd_create(), which TSan does not intercept (g++ 12), so that the first instrumented function
// called on such a thread crashes. Exported by -rdynamic, these definitions win over libc's.
#include <errno.h>
#include <pthread.h>
#include <threads.h>
#include <time.h>

#include <cstdint>

namespace {

struct Start {
  thrd_start_t function;
  void* argument;
};

void* Run(void* raw) {
  const Start start = *static_cast<Start*>(raw);
  delete static_cast<Start*>(raw);
  return reinterpret_cast<void*>(static_cast<intptr_t>(start.function(start.argument)));
}

int ToC11(int error) {
  switch (error) {
    case 0:
      return thrd_success;
    case ENOMEM:
      return thrd_nomem;
    case EBUSY:
      return thrd_busy;
    case ETIMEDOUT:
      return thrd_timedout;
    default:
      return thrd_error;
  }
}

pthread_mutex_t* Native(mtx_t* mutex) { return reinterpret_cast<pthread_mutex_t*>(mutex); }
pthread_cond_t* Native(cnd_t* condition) { return reinterpret_cast<pthread_cond_t*>(condition); }

}  // namespace

// glibc guarantees nothing about it, but mtx_t and cnd_t are as large as their pthread twins.
static_assert(sizeof(mtx_t) >= sizeof(pthread_mutex_t));
static_assert(sizeof(cnd_t) >= sizeof(pthread_cond_t));
static_assert(sizeof(thrd_t) == sizeof(pthread_t));

extern "C" {

int thrd_create(thrd_t* thread, thrd_start_t function, void* argument) {
  auto* start = new Start{function, argument};
  const int error = pthread_create(thread, nullptr, &Run, start);
  if (error != 0) delete start;
  return error == EAGAIN ? thrd_nomem : ToC11(error);
}

int thrd_join(thrd_t thread, int* result) {
  void* value = nullptr;
  const int error = pthread_join(thread, &value);
  if (result != nullptr) *result = static_cast<int>(reinterpret_cast<intptr_t>(value));
  return ToC11(error);
}

int thrd_detach(thrd_t thread) { return ToC11(pthread_detach(thread)); }

int mtx_init(mtx_t* mutex, int type) {
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  if ((type & mtx_recursive) != 0) {
    pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
  }
  const int error = pthread_mutex_init(Native(mutex), &attributes);
  pthread_mutexattr_destroy(&attributes);
  return ToC11(error);
}

void mtx_destroy(mtx_t* mutex) { pthread_mutex_destroy(Native(mutex)); }
int mtx_lock(mtx_t* mutex) { return ToC11(pthread_mutex_lock(Native(mutex))); }
int mtx_trylock(mtx_t* mutex) { return ToC11(pthread_mutex_trylock(Native(mutex))); }
int mtx_unlock(mtx_t* mutex) { return ToC11(pthread_mutex_unlock(Native(mutex))); }

int cnd_init(cnd_t* condition) { return ToC11(pthread_cond_init(Native(condition), nullptr)); }
void cnd_destroy(cnd_t* condition) { pthread_cond_destroy(Native(condition)); }
int cnd_signal(cnd_t* condition) { return ToC11(pthread_cond_signal(Native(condition))); }
int cnd_broadcast(cnd_t* condition) { return ToC11(pthread_cond_broadcast(Native(condition))); }

int cnd_wait(cnd_t* condition, mtx_t* mutex) {
  return ToC11(pthread_cond_wait(Native(condition), Native(mutex)));
}

int cnd_timedwait(cnd_t* condition, mtx_t* mutex, const timespec* until) {
  return ToC11(pthread_cond_timedwait(Native(condition), Native(mutex), until));
}

}  // extern "C"
