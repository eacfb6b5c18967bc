// Clocks, and the scheduling class of threads.
#include "common.h"

#include <ctime>
#include <sched.h>
#include <sys/resource.h>

#ifndef SCHED_RESET_ON_FORK
#define SCHED_RESET_ON_FORK 0x40000000
#endif

namespace tenure {

namespace {

// clock(id): clock_gettime in ms with fraction. Of REALTIME a double keeps quarter microseconds.
Napi::Value Clock(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  timespec time{};
  if (clock_gettime(static_cast<clockid_t>(RequireInteger(info[0], "clock", 0, 15)), &time) != 0) {
    throw ErrnoError(env, "clock_gettime", errno);
  }
  return Napi::Number::New(env, static_cast<double>(time.tv_sec) * 1e3 +
                                    static_cast<double>(time.tv_nsec) / 1e6);
}

// setScheduler(policy, priority, resetOnFork): an errno, or 0. For the calling thread alone
// (sched_setscheduler with id 0), of which reset-on-fork keeps what it starts ordinary.
Napi::Value SetScheduler(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  int policy = static_cast<int>(RequireInteger(info[0], "policy", 0, 7));
  sched_param parameters{};
  parameters.sched_priority = static_cast<int>(RequireInteger(info[1], "priority", 0, 99));
  if (!info[2].IsBoolean()) throw Napi::TypeError::New(env, "resetOnFork must be true or false");
  if (info[2].As<Napi::Boolean>().Value()) policy |= SCHED_RESET_ON_FORK;
  const bool done = sched_setscheduler(0, policy, &parameters) == 0;
  return Napi::Number::New(env, done ? 0 : errno);
}

// setSchedulerOf(tid, policy, priority): an errno, or 0. For another thread, of this process or another.
Napi::Value SetSchedulerOf(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto tid = static_cast<pid_t>(RequireInteger(info[0], "tid", 1, 1 << 30));
  const int policy = static_cast<int>(RequireInteger(info[1], "policy", 0, 7));
  sched_param parameters{};
  parameters.sched_priority = static_cast<int>(RequireInteger(info[2], "priority", 0, 99));
  // Reset-on-fork, once set, may not be taken back without CAP_SYS_NICE.
  const bool done = sched_setscheduler(tid, policy | SCHED_RESET_ON_FORK, &parameters) == 0;
  return Napi::Number::New(env, done ? 0 : errno);
}

// limitRealtime(softMs, hardMs): an errno, or 0. A real-time thread of this process that runs for so
// long without waiting gets SIGXCPU each second, then SIGKILL (setrlimit(2), RLIMIT_RTTIME).
Napi::Value LimitRealtime(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  rlimit limit{};
  limit.rlim_cur = static_cast<rlim_t>(RequireInteger(info[0], "softMs", 1, 1 << 30)) * 1000;
  limit.rlim_max = static_cast<rlim_t>(RequireInteger(info[1], "hardMs", 1, 1 << 30)) * 1000;
  return Napi::Number::New(env, setrlimit(RLIMIT_RTTIME, &limit) == 0 ? 0 : errno);
}

// scheduler(): [policy, priority, 1 if reset on fork] of the calling thread.
Napi::Value Scheduler(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const int policy = sched_getscheduler(0);
  sched_param parameters{};
  if (policy < 0 || sched_getparam(0, &parameters) != 0) {
    throw ErrnoError(env, "sched_getscheduler", errno);
  }
  Napi::Array result = Napi::Array::New(env, 3);
  result.Set(0u, Napi::Number::New(env, policy & ~SCHED_RESET_ON_FORK));
  result.Set(1u, Napi::Number::New(env, parameters.sched_priority));
  result.Set(2u, Napi::Number::New(env, (policy & SCHED_RESET_ON_FORK) != 0 ? 1 : 0));
  return result;
}

}  // namespace

void InitSystem(Napi::Env env, Napi::Object exports) {
  exports.Set("clock", Napi::Function::New<Clock>(env, "clock"));
  exports.Set("setScheduler", Napi::Function::New<SetScheduler>(env, "setScheduler"));
  exports.Set("setSchedulerOf", Napi::Function::New<SetSchedulerOf>(env, "setSchedulerOf"));
  exports.Set("limitRealtime", Napi::Function::New<LimitRealtime>(env, "limitRealtime"));
  exports.Set("scheduler", Napi::Function::New<Scheduler>(env, "scheduler"));
}

}  // namespace tenure
