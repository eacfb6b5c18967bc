// Netlink sockets (netlink(7)): bytes to the kernel, and what it answers.
#include "polled_socket.h"

#include <algorithm>
#include <cstring>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <vector>

#ifndef SOL_NETLINK
#define SOL_NETLINK 270
#endif
#ifndef NETLINK_GET_STRICT_CHK
#define NETLINK_GET_STRICT_CHK 12  // Linux 4.20
#endif

namespace tenure {

namespace {
// The kernel fills at most 32 KiB per datagram of a dump, and more only for single huge objects.
constexpr size_t kDatagram = 256u << 10;
constexpr size_t kMaxRequest = 64u << 20;
constexpr size_t kMaxReply = 512u << 20;
// Datagrams read in one wake-up, before the event loop has its turn.
constexpr int kEventBatch = 64;

constexpr size_t Aligned(size_t length) { return (length + 3) & ~size_t{3}; }
}  // namespace

class NetlinkSocket : public PolledSocket<NetlinkSocket> {
 public:
  static void Init(Napi::Env env, Napi::Object exports);
  explicit NetlinkSocket(const Napi::CallbackInfo& info);

 private:
  void Start(const Napi::CallbackInfo& info);
  Napi::Value Exchange(const Napi::CallbackInfo& info);

  void OnReadable() override;
  void Forget() override { datagram_ = {}; }
  int ReceiveInto(std::vector<uint8_t>& replies);

  std::vector<uint8_t> datagram_;
};

void NetlinkSocket::Init(Napi::Env env, Napi::Object exports) {
  exports.Set("NetlinkSocket",
              DefineClass(env, "NetlinkSocket",
                          {
                              InstanceMethod<&NetlinkSocket::Start>("start"),
                              InstanceMethod<&NetlinkSocket::Exchange>("exchange"),
                              InstanceMethod("setRef", &NetlinkSocket::SetRef),
                              InstanceMethod("close", &NetlinkSocket::Close),
                          }));
}

// new NetlinkSocket({ protocol, groups?: number[], receiveBuffer?, sendBuffer? })
NetlinkSocket::NetlinkSocket(const Napi::CallbackInfo& info)
    : PolledSocket(info, "netlink socket") {
  const Napi::Env env = info.Env();
  const Napi::Object options = RequireObject(info[0], "options");
  const auto protocol = static_cast<int>(IntegerOption(options, "protocol", 0, 31, -1));
  if (protocol < 0) throw Napi::TypeError::New(env, "options must give protocol");

  fd_.Reset(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol));
  if (!fd_.open()) throw ErrnoError(env, "socket", errno);
  const int on = 1;
  // Texts with errors, and errors without a copy of the request. Where the kernel is too old for
  // one of these its answers are merely longer, or say less.
  setsockopt(fd_.get(), SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof on);
  setsockopt(fd_.get(), SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
  setsockopt(fd_.get(), SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof on);
  SetBuffer(fd_.get(), SO_RCVBUFFORCE, SO_RCVBUF,
            IntegerOption(options, "receiveBuffer", 0, 1 << 30, 0));
  SetBuffer(fd_.get(), SO_SNDBUFFORCE, SO_SNDBUF,
            IntegerOption(options, "sendBuffer", 0, 1 << 30, 0));
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  if (bind(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    throw ErrnoError(env, "bind", errno);
  }
  const Napi::Value groups = options.Get("groups");
  if (groups.IsUndefined()) return;
  if (!groups.IsArray()) throw Napi::TypeError::New(env, "groups must be an array");
  const auto list = groups.As<Napi::Array>();
  for (uint32_t i = 0; i < list.Length(); i++) {
    const auto group = static_cast<int>(RequireInteger(list.Get(i), "each group", 1, 1024));
    SetOption(env, fd_.get(), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group,
              "NETLINK_ADD_MEMBERSHIP");
  }
}

// Appends datagrams of the kernel until none is waiting; an errno, or 0. Whatever a process sends
// to this socket is skipped.
int NetlinkSocket::ReceiveInto(std::vector<uint8_t>& replies) {
  if (datagram_.empty()) datagram_.resize(kDatagram);
  sockaddr_nl from{};
  iovec vector{datagram_.data(), datagram_.size()};
  msghdr message{};
  message.msg_name = &from;
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  for (;;) {
    message.msg_namelen = sizeof from;
    const ssize_t got = recvmsg(fd_.get(), &message, MSG_DONTWAIT);
    if (got < 0) {
      if (errno == EINTR) continue;
      return errno == EAGAIN ? 0 : errno;
    }
    if (from.nl_pid != 0) continue;
    if ((message.msg_flags & MSG_TRUNC) != 0) return EMSGSIZE;
    if (replies.size() + static_cast<size_t>(got) > kMaxReply) return EFBIG;
    replies.insert(replies.end(), datagram_.data(), datagram_.data() + got);
    replies.resize(Aligned(replies.size()));
  }
}

// exchange(request: Uint8Array): Uint8Array: one or many messages, and every reply to them. The
// kernel works them off inside sendmsg (and the rest of a dump inside each recvmsg), so nothing
// waits. A failed receive (ENOBUFS: replies were lost) throws.
Napi::Value NetlinkSocket::Exchange(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  RequireOpen(env);
  if (started()) {
    throw Napi::Error::New(env, "the netlink socket is for events: send requests by another");
  }
  const Napi::Uint8Array request = RequireBytes(info[0], "request");
  const size_t length = request.ByteLength();
  if (length < sizeof(nlmsghdr) || length > kMaxRequest) {
    throw Napi::TypeError::New(env, "request must be of 16 bytes to 64 MiB");
  }
  std::vector<uint8_t> replies;
  // What an exchange that failed half-way left behind.
  int error = ReceiveInto(replies);
  replies.clear();
  if (error != 0 && error != ENOBUFS) throw ErrnoError(env, "recvmsg", error);

  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  ssize_t sent = 0;
  do {
    sent = sendto(fd_.get(), request.Data(), length, MSG_DONTWAIT,
                  reinterpret_cast<sockaddr*>(&kernel), sizeof kernel);
  } while (sent < 0 && errno == EINTR);
  if (sent < 0) throw ErrnoError(env, "sendmsg", errno);
  error = ReceiveInto(replies);
  if (error != 0) throw ErrnoError(env, "recvmsg", error);
  Napi::Uint8Array result = Napi::Uint8Array::New(env, replies.size());
  if (!replies.empty()) std::memcpy(result.Data(), replies.data(), replies.size());
  return result;
}

// start(callback: (bytes: Uint8Array, errno: number) => void): what arrives, a bounded number of
// datagrams at a call, in bytes of their own. ENOBUFS: some were lost before those.
void NetlinkSocket::Start(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  RequireNotStarted(env);
  Listen(env, RequireFunction(info[0], "callback"));
}

void NetlinkSocket::OnReadable() {
  const Napi::Env env = Env();
  const Napi::HandleScope scope(env);
  const Napi::Object self = Value();  // Keeps this object alive, should the callback close it.
  std::vector<uint8_t> bytes;
  if (datagram_.empty()) datagram_.resize(kDatagram);
  int error = 0;
  for (int i = 0; i < kEventBatch; i++) {
    sockaddr_nl from{};
    socklen_t from_length = sizeof from;
    const ssize_t got = recvfrom(fd_.get(), datagram_.data(), datagram_.size(), MSG_DONTWAIT,
                                 reinterpret_cast<sockaddr*>(&from), &from_length);
    if (got < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN) break;
      error = errno;
      // ENOBUFS stands for a gap: it is told once, and what came after it is read as well.
      if (error == ENOBUFS) continue;
      break;
    }
    if (from.nl_pid != 0) continue;
    bytes.insert(bytes.end(), datagram_.data(), datagram_.data() + got);
    bytes.resize(Aligned(bytes.size()));
  }
  if (bytes.empty() && error == 0) return;
  Napi::Uint8Array copy = Napi::Uint8Array::New(env, bytes.size());
  if (!bytes.empty()) std::memcpy(copy.Data(), bytes.data(), bytes.size());
  Call(self, {copy, Napi::Number::New(env, error)});
}

void InitNetlinkSocket(Napi::Env env, Napi::Object exports) { NetlinkSocket::Init(env, exports); }

}  // namespace tenure
