// Datagrams to a unix socket, which Node itself cannot send: what service managers listen on.
#include "common.h"

#include <cstddef>
#include <cstring>
#include <sys/socket.h>
#include <sys/un.h>

namespace tenure {

namespace {

// unixDatagramSend(path, bytes): an errno, or 0. Never waits: a full receiver gives EAGAIN. A path
// that begins with "@" is in the abstract namespace (unix(7)).
Napi::Value UnixDatagramSend(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!info[0].IsString()) throw Napi::TypeError::New(env, "path must be a string");
  const std::string path = info[0].As<Napi::String>().Utf8Value();
  const Napi::Uint8Array bytes = RequireBytes(info[1], "bytes");

  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof(address.sun_path)) {
    return Napi::Number::New(env, path.empty() ? EINVAL : ENAMETOOLONG);
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  const bool abstract = path[0] == '@';
  if (abstract) address.sun_path[0] = '\0';
  const socklen_t length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() +
                                                  (abstract ? 0 : 1));

  Fd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.open()) return Napi::Number::New(env, errno);
  const ssize_t sent = ::sendto(fd.get(), bytes.Data(), bytes.ByteLength(), MSG_NOSIGNAL,
                                reinterpret_cast<const sockaddr*>(&address), length);
  return Napi::Number::New(env, sent < 0 ? errno : 0);
}

}  // namespace

void InitUnixDatagram(Napi::Env env, Napi::Object exports) {
  exports.Set("unixDatagramSend",
              Napi::Function::New<UnixDatagramSend>(env, "unixDatagramSend"));
}

}  // namespace tenure
