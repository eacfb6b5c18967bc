#include "common.h"

#include <cmath>
#include <cstring>
#include <sys/socket.h>

namespace tenure {

Napi::Error ErrnoError(Napi::Env env, const char* syscall, int error) {
  Napi::Error result =
      Napi::Error::New(env, std::string(syscall) + ": " + std::strerror(error));
  result.Set("errno", Napi::Number::New(env, error));
  result.Set("syscall", Napi::String::New(env, syscall));
  return result;
}

int64_t RequireInteger(const Napi::Value& value, const char* what, int64_t min, int64_t max) {
  if (value.IsNumber()) {
    const double number = value.As<Napi::Number>().DoubleValue();
    if (std::trunc(number) == number && number >= static_cast<double>(min) &&
        number <= static_cast<double>(max)) {
      return static_cast<int64_t>(number);
    }
  }
  throw Napi::TypeError::New(value.Env(), std::string(what) + " must be a whole number from " +
                                              std::to_string(min) + " to " + std::to_string(max));
}

Napi::Object RequireObject(const Napi::Value& value, const char* what) {
  if (value.IsObject()) return value.As<Napi::Object>();
  throw Napi::TypeError::New(value.Env(), std::string(what) + " must be an object");
}

Napi::Function RequireFunction(const Napi::Value& value, const char* what) {
  if (value.IsFunction()) return value.As<Napi::Function>();
  throw Napi::TypeError::New(value.Env(), std::string(what) + " must be a function");
}

Napi::Uint8Array RequireBytes(const Napi::Value& value, const char* what) {
  if (value.IsTypedArray() &&
      value.As<Napi::TypedArray>().TypedArrayType() == napi_uint8_array) {
    return value.As<Napi::Uint8Array>();
  }
  throw Napi::TypeError::New(value.Env(), std::string(what) + " must be a Uint8Array");
}

int64_t IntegerOption(const Napi::Object& options, const char* name, int64_t min, int64_t max,
                      int64_t otherwise) {
  const Napi::Value value = options.Get(name);
  return value.IsUndefined() ? otherwise : RequireInteger(value, name, min, max);
}

bool FlagOption(const Napi::Object& options, const char* name) {
  const Napi::Value value = options.Get(name);
  if (value.IsUndefined()) return false;
  if (value.IsBoolean()) return value.As<Napi::Boolean>().Value();
  throw Napi::TypeError::New(options.Env(), std::string(name) + " must be true or false");
}

void SetBuffer(int fd, int forced_option, int option, int64_t bytes) {
  if (bytes == 0) return;
  const int size = static_cast<int>(bytes);
  if (setsockopt(fd, SOL_SOCKET, forced_option, &size, sizeof size) == 0) return;
  // Without CAP_NET_ADMIN the kernel caps it at net.core.[rw]mem_max: smaller, but still a buffer.
  setsockopt(fd, SOL_SOCKET, option, &size, sizeof size);
}

void SetOption(Napi::Env env, int fd, int level, int option, const void* value, socklen_t length,
               const char* name) {
  if (setsockopt(fd, level, option, value, length) != 0) {
    const int error = errno;
    throw ErrnoError(env, (std::string("setsockopt ") + name).c_str(), error);
  }
}

}  // namespace tenure
