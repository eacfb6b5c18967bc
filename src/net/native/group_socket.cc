// IPv6 multicast memberships (ipv6(7)) by a socket that is bound to nothing and receives nothing:
// the kernel joins the group on the interface, and says so by MLD, for as long as it is open.
#include "common.h"

#include <cstring>
#include <netinet/in.h>
#include <sys/socket.h>

namespace tenure {

class GroupSocket : public Napi::ObjectWrap<GroupSocket> {
 public:
  static void Init(Napi::Env env, Napi::Object exports);
  explicit GroupSocket(const Napi::CallbackInfo& info);

 private:
  Napi::Value Join(const Napi::CallbackInfo& info) { return Change(info, IPV6_JOIN_GROUP); }
  Napi::Value Leave(const Napi::CallbackInfo& info) { return Change(info, IPV6_LEAVE_GROUP); }
  Napi::Value Change(const Napi::CallbackInfo& info, int option);
  void Close(const Napi::CallbackInfo&) { fd_.Close(); }

  Fd fd_;
};

void GroupSocket::Init(Napi::Env env, Napi::Object exports) {
  exports.Set("GroupSocket", DefineClass(env, "GroupSocket",
                                         {
                                             InstanceMethod<&GroupSocket::Join>("join"),
                                             InstanceMethod<&GroupSocket::Leave>("leave"),
                                             InstanceMethod<&GroupSocket::Close>("close"),
                                         }));
}

GroupSocket::GroupSocket(const Napi::CallbackInfo& info) : Napi::ObjectWrap<GroupSocket>(info) {
  fd_.Reset(socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd_.open()) throw ErrnoError(info.Env(), "socket", errno);
}

// join(ifindex, group: 16 bytes), leave(...): an errno, or 0. ENOMEM: this socket is full
// (net.core.optmem_max), another may do.
Napi::Value GroupSocket::Change(const Napi::CallbackInfo& info, int option) {
  const Napi::Env env = info.Env();
  if (!fd_.open()) throw Napi::Error::New(env, "the group socket is closed");
  ipv6_mreq request{};
  request.ipv6mr_interface =
      static_cast<unsigned>(RequireInteger(info[0], "ifindex", 1, INT32_MAX));
  const Napi::Uint8Array group = RequireBytes(info[1], "group");
  if (group.ByteLength() != sizeof request.ipv6mr_multiaddr) {
    throw Napi::TypeError::New(env, "group must be of 16 bytes");
  }
  std::memcpy(&request.ipv6mr_multiaddr, group.Data(), sizeof request.ipv6mr_multiaddr);
  const bool done = setsockopt(fd_.get(), IPPROTO_IPV6, option, &request, sizeof request) == 0;
  return Napi::Number::New(env, done ? 0 : errno);
}

void InitGroupSocket(Napi::Env env, Napi::Object exports) { GroupSocket::Init(env, exports); }

}  // namespace tenure
