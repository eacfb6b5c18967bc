// What every part of the addon uses: file descriptors, arguments, errors.
#pragma once

#include <napi.h>

#include <cerrno>
#include <cstdint>
#include <string>
#include <unistd.h>
#include <utility>

namespace tenure {

// A file descriptor that is closed when its owner goes, also when a constructor throws half-way.
class Fd {
 public:
  using Closer = void (*)(int fd);
  static void Now(int fd) { ::close(fd); }

  explicit Fd(int fd = -1, Closer closer = Now) : fd_(fd), closer_(closer) {}
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() { Close(); }

  void Reset(int fd) {
    Close();
    fd_ = fd;
  }
  void Close() {
    if (fd_ >= 0) closer_(std::exchange(fd_, -1));
  }
  int get() const { return fd_; }
  bool open() const { return fd_ >= 0; }

 private:
  int fd_;
  Closer closer_;
};

// An Error with `errno` (a number) and `syscall`; src/net/addon.ts gives it its name and meaning.
Napi::Error ErrnoError(Napi::Env env, const char* syscall, int error);

// Each of these throws a TypeError that names what was wrong.
int64_t RequireInteger(const Napi::Value& value, const char* what, int64_t min, int64_t max);
Napi::Object RequireObject(const Napi::Value& value, const char* what);
Napi::Function RequireFunction(const Napi::Value& value, const char* what);
Napi::Uint8Array RequireBytes(const Napi::Value& value, const char* what);

// Properties of an options object; an absent (undefined) one gives the default.
int64_t IntegerOption(const Napi::Object& options, const char* name, int64_t min, int64_t max,
                      int64_t otherwise);
bool FlagOption(const Napi::Object& options, const char* name);

// Sets SO_RCVBUF or SO_SNDBUF past the system's limit where privileges allow, else up to it.
void SetBuffer(int fd, int forced_option, int option, int64_t bytes);

void SetOption(Napi::Env env, int fd, int level, int option, const void* value, socklen_t length,
               const char* name);

// Closes a packet socket without waiting for the kernel; at once it receives nothing any more.
void CloseAside(int fd);

void InitPacketSocket(Napi::Env env, Napi::Object exports);
void InitNetlinkSocket(Napi::Env env, Napi::Object exports);
void InitGroupSocket(Napi::Env env, Napi::Object exports);
void InitSystem(Napi::Env env, Napi::Object exports);
void InitCanary(Napi::Env env, Napi::Object exports);
void InitUnixDatagram(Napi::Env env, Napi::Object exports);
void InitDatagramSocket(Napi::Env env, Napi::Object exports);
void InitMessageSocket(Napi::Env env, Napi::Object exports);

}  // namespace tenure
