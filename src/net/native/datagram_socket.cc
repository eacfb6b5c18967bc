// Connected datagram sockets whose packets carry the kernel's receive time: UDP, and ICMP echo
// without root where net.ipv4.ping_group_range lets (icmp(7)), else by a raw socket.
#include "polled_socket.h"

#include <arpa/inet.h>
#include <cstring>
#include <ctime>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <string>
#include <sys/socket.h>

namespace tenure {

namespace {
// Numbers per received packet in `meta`; src/net/addon.ts names them.
constexpr size_t kMetaFields = 3;
constexpr size_t kLeastRoom = 2048;
}  // namespace

class DatagramSocket : public PolledSocket<DatagramSocket> {
 public:
  static void Init(Napi::Env env, Napi::Object exports);
  explicit DatagramSocket(const Napi::CallbackInfo& info);

 private:
  void Open(Napi::Env env, int family, const std::string& protocol);
  Napi::Value IsRaw(const Napi::CallbackInfo& info);
  Napi::Value LocalPort(const Napi::CallbackInfo& info);
  Napi::Value Send(const Napi::CallbackInfo& info);
  void Start(const Napi::CallbackInfo& info);

  void OnReadable() override;
  void Forget() override { room_.Forget(); }

  bool raw_ = false;
  Room room_;
};

void DatagramSocket::Init(Napi::Env env, Napi::Object exports) {
  exports.Set("DatagramSocket",
              DefineClass(env, "DatagramSocket",
                          {
                              InstanceMethod<&DatagramSocket::IsRaw>("isRaw"),
                              InstanceMethod<&DatagramSocket::LocalPort>("localPort"),
                              InstanceMethod<&DatagramSocket::Send>("send"),
                              InstanceMethod<&DatagramSocket::Start>("start"),
                              InstanceMethod("close", &DatagramSocket::Close),
                          }));
}

// new DatagramSocket({ protocol: 'udp' | 'icmp', address: 4 or 16 bytes, port?, receiveBuffer? })
DatagramSocket::DatagramSocket(const Napi::CallbackInfo& info)
    : PolledSocket(info, "datagram socket") {
  const Napi::Env env = info.Env();
  const Napi::Object options = RequireObject(info[0], "options");
  const Napi::Uint8Array address = RequireBytes(options.Get("address"), "address");
  const size_t length = address.ByteLength();
  if (length != 4 && length != 16) throw Napi::TypeError::New(env, "address must be of 4 or 16 bytes");
  const Napi::Value protocol = options.Get("protocol");
  if (!protocol.IsString()) throw Napi::TypeError::New(env, "options must give protocol");
  const auto port = static_cast<uint16_t>(IntegerOption(options, "port", 0, 65535, 0));

  sockaddr_in four{};
  sockaddr_in6 six{};
  const bool is_four = length == 4;
  four.sin_family = AF_INET;
  four.sin_port = htons(port);
  six.sin6_family = AF_INET6;
  six.sin6_port = htons(port);
  if (is_four) {
    std::memcpy(&four.sin_addr, address.Data(), length);
  } else {
    std::memcpy(&six.sin6_addr, address.Data(), length);
  }
  Open(env, is_four ? AF_INET : AF_INET6, protocol.As<Napi::String>().Utf8Value());
  const int on = 1;
  SetOption(env, fd_.get(), SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on, "SO_TIMESTAMPNS");
  SetBuffer(fd_.get(), SO_RCVBUFFORCE, SO_RCVBUF,
            IntegerOption(options, "receiveBuffer", 0, 1 << 30, 0));
  // A raw socket takes the port of an IPv6 address for a protocol's number.
  if (raw_) six.sin6_port = 0;
  const auto* target = is_four ? reinterpret_cast<const sockaddr*>(&four)
                               : reinterpret_cast<const sockaddr*>(&six);
  if (connect(fd_.get(), target, is_four ? sizeof four : sizeof six) != 0) {
    throw ErrnoError(env, "connect", errno);
  }
}

void DatagramSocket::Open(Napi::Env env, int family, const std::string& protocol) {
  constexpr int kFlags = SOCK_CLOEXEC | SOCK_NONBLOCK;
  if (protocol == "udp") {
    fd_.Reset(socket(family, SOCK_DGRAM | kFlags, IPPROTO_UDP));
  } else if (protocol == "icmp") {
    const int number = family == AF_INET ? static_cast<int>(IPPROTO_ICMP)
                                         : static_cast<int>(IPPROTO_ICMPV6);
    fd_.Reset(socket(family, SOCK_DGRAM | kFlags, number));
    if (!fd_.open()) {
      const int refused = errno;
      fd_.Reset(socket(family, SOCK_RAW | kFlags, number));
      // That a user may not open a raw socket is no news: why the other kind failed is.
      if (!fd_.open()) throw ErrnoError(env, "socket", refused);
      raw_ = true;
      if (family == AF_INET6) {
        icmp6_filter replies;
        ICMP6_FILTER_SETBLOCKALL(&replies);
        ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &replies);
        SetOption(env, fd_.get(), IPPROTO_ICMPV6, ICMP6_FILTER, &replies, sizeof replies,
                  "ICMP6_FILTER");
      }
    }
  } else {
    throw Napi::TypeError::New(env, "protocol must be udp or icmp");
  }
  if (!fd_.open()) throw ErrnoError(env, "socket", errno);
}

// isRaw(): received packets begin with the IP header (IPv4), and the ICMP identifier is the sender's
// own choice instead of the socket's port.
Napi::Value DatagramSocket::IsRaw(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), raw_);
}

// localPort(): the UDP port, or the ICMP identifier of a socket that is not raw.
Napi::Value DatagramSocket::LocalPort(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  RequireOpen(env);
  sockaddr_storage own{};
  socklen_t length = sizeof own;
  if (getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&own), &length) != 0) {
    throw ErrnoError(env, "getsockname", errno);
  }
  const uint16_t port = own.ss_family == AF_INET
                            ? reinterpret_cast<const sockaddr_in*>(&own)->sin_port
                            : reinterpret_cast<const sockaddr_in6*>(&own)->sin6_port;
  return Napi::Number::New(env, ntohs(port));
}

// send(bytes): an errno, or 0. An error of an earlier packet (ECONNREFUSED, EHOSTUNREACH) that was
// pending comes first and would keep this one back, so it is told and the packet sent all the same.
Napi::Value DatagramSocket::Send(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  RequireOpen(env);
  const Napi::Uint8Array bytes = RequireBytes(info[0], "bytes");
  int error = 0;
  for (int tries = 0; tries < 3; tries++) {
    if (send(fd_.get(), bytes.Data(), bytes.ByteLength(), MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) break;
    error = errno;
    if (error != ECONNREFUSED && error != EHOSTUNREACH && error != EINTR) break;
  }
  return Napi::Number::New(env, error);
}

// start(data: Uint8Array, meta: Float64Array, callback: (count, errno) => void)
//
// As a packet socket's: at each call `count` packets are in `data`, end to end, and described in
// `meta`; both are reused for the next call.
void DatagramSocket::Start(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  RequireNotStarted(env);
  room_.Take(info[0], info[1], kLeastRoom, kMetaFields);
  Listen(env, RequireFunction(info[2], "callback"));
}

void DatagramSocket::OnReadable() {
  const Napi::Env env = Env();
  const Napi::HandleScope scope(env);
  const Napi::Object self = Value();  // Keeps this object alive, should the callback close it.
  Napi::Uint8Array data = room_.data();
  Napi::Float64Array meta = room_.meta();
  uint8_t* const bytes = data.Data();
  const size_t room = data.ByteLength();
  double* const fields = meta.Data();
  const size_t most = meta.ElementLength() / kMetaFields;
  size_t used = 0;
  size_t count = 0;
  int error = 0;
  if (room < kLeastRoom || most == 0) {
    Shut();
    error = EFAULT;
  }
  while (error == 0 && count < most && room - used >= kLeastRoom) {
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(timespec))];
    iovec vector{bytes + used, kLeastRoom};
    msghdr message{};
    message.msg_iov = &vector;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    const ssize_t got = recvmsg(fd_.get(), &message, MSG_DONTWAIT);
    if (got < 0) {
      if (errno == EINTR) continue;
      if (errno != EAGAIN) error = errno;
      break;
    }
    double* const field = fields + count * kMetaFields;
    field[0] = static_cast<double>(used);
    field[1] = static_cast<double>(got);
    field[2] = ReceivedAt(message);
    used += static_cast<size_t>(got);
    count++;
  }
  if (count == 0 && error == 0) return;
  Call(self, {Napi::Number::New(env, static_cast<double>(count)), Napi::Number::New(env, error)});
}

void InitDatagramSocket(Napi::Env env, Napi::Object exports) { DatagramSocket::Init(env, exports); }

}  // namespace tenure
