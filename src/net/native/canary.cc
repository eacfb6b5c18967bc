// A thread that holds one end of a pipe and nothing else, so that whoever has the other end learns
// of this process's death at once. A process's files are closed late in its death: after its memory
// is given back, which takes some 20 ms, and packet sockets wait for all that are in use. This
// thread has a table of files of its own, and its end is the first thing that closes.
#include "common.h"

#include <csignal>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <sys/syscall.h>

#ifndef SYS_close_range
#define SYS_close_range 436
#endif

namespace tenure {

namespace {

constexpr unsigned kUnshare = 1U << 1;  // linux/close_range.h CLOSE_RANGE_UNSHARE
constexpr size_t kStackBytes = 64 << 10;

struct Start {
  int fd;
  int error = 0;
  sem_t done;
};

// close_range(2) rather than unshare(2), which containers' seccomp profiles refuse.
int KeepOnly(int fd) {
  const auto kept = static_cast<unsigned>(fd);
  if (syscall(SYS_close_range, kept + 1, ~0U, kUnshare) != 0) return errno;
  if (kept > 0 && syscall(SYS_close_range, 0U, kept - 1, 0U) != 0) return errno;
  return 0;
}

void* Sit(void* argument) {
  auto* start = static_cast<Start*>(argument);
  const int error = start->error = KeepOnly(start->fd);
  pthread_setname_np(pthread_self(), "tenure-canary");
  // On a busy host it would wait for its turn to end, too. Where this is refused, it does.
  sched_param first{};
  first.sched_priority = 1;
  if (error == 0) sched_setscheduler(0, SCHED_FIFO, &first);
  sem_post(&start->done);
  while (error == 0) pause();
  return nullptr;
}

// startCanary(fd): an errno, or 0: then `fd` is the thread's alone, and closed here.
Napi::Value StartCanary(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Start start{};
  start.fd = static_cast<int>(RequireInteger(info[0], "fd", 0, 1 << 20));
  if (sem_init(&start.done, 0, 0) != 0) return Napi::Number::New(env, errno);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attributes, kStackBytes);
  // Signals are for the other threads.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_t thread;
  int error = pthread_create(&thread, &attributes, Sit, &start);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_attr_destroy(&attributes);
  if (error == 0) {
    while (sem_wait(&start.done) != 0) {
    }
    error = start.error;
  }
  sem_destroy(&start.done);
  if (error == 0) close(start.fd);
  return Napi::Number::New(env, error);
}

}  // namespace

void InitCanary(Napi::Env env, Napi::Object exports) {
  exports.Set("startCanary", Napi::Function::New<StartCanary>(env, "startCanary"));
}

}  // namespace tenure
