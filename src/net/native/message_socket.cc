// Messages between two threads of a process, by a pair of connected unix sockets (unix(7)).
//
// What is sent lies in the kernel, which locks its queue by spinning: a thread at real-time
// priority never waits here for one that holds a lock and has lost its CPU.
#include "polled_socket.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <sys/socket.h>
#include <vector>

namespace tenure {

namespace {
// A longer message goes in several: the least send buffer that systems have holds this much.
constexpr size_t kPart = 64u << 10;
// Messages read in one wake-up, before the event loop has its turn.
constexpr int kBatch = 64;
// The first byte of a part.
constexpr uint8_t kLast = 0;
constexpr uint8_t kMore = 1;

// messageSockets(sendBuffer): two descriptors, for one MessageSocket each.
Napi::Value MessageSockets(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const int64_t buffer = RequireInteger(info[0], "sendBuffer", 0, 1 << 30);
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0) {
    throw ErrnoError(env, "socketpair", errno);
  }
  Napi::Array result = Napi::Array::New(env, 2);
  for (uint32_t i = 0; i < 2; i++) {
    SetBuffer(pair[i], SO_SNDBUFFORCE, SO_SNDBUF, buffer);
    result.Set(i, Napi::Number::New(env, pair[i]));
  }
  return result;
}
}  // namespace

class MessageSocket : public PolledSocket<MessageSocket> {
 public:
  static void Init(Napi::Env env, Napi::Object exports);
  explicit MessageSocket(const Napi::CallbackInfo& info);

 private:
  Napi::Value Send(const Napi::CallbackInfo& info);
  Napi::Value Receive(const Napi::CallbackInfo& info);
  void Start(const Napi::CallbackInfo& info);

  void OnReadable() override;
  void Forget() override { before_ = {}; }
  std::optional<Napi::Uint8Array> Take(Napi::Env env);

  std::vector<uint8_t> part_ = std::vector<uint8_t>(kPart);
  // Parts of a message whose last is not there yet.
  std::vector<uint8_t> before_;
};

void MessageSocket::Init(Napi::Env env, Napi::Object exports) {
  exports.Set("MessageSocket",
              DefineClass(env, "MessageSocket",
                          {
                              InstanceMethod<&MessageSocket::Send>("send"),
                              InstanceMethod<&MessageSocket::Receive>("receive"),
                              InstanceMethod<&MessageSocket::Start>("start"),
                              InstanceMethod("close", &MessageSocket::Close),
                          }));
}

// new MessageSocket(fd): the descriptor is its own from here on.
MessageSocket::MessageSocket(const Napi::CallbackInfo& info)
    : PolledSocket(info, "message socket") {
  fd_.Reset(static_cast<int>(RequireInteger(info[0], "fd", 0, 1 << 30)));
}

// send(bytes, from): how far it is sent now; less than the whole if there is no room, -1 if the
// other end is closed. A message of which a part was sent must be sent to its end before the next.
Napi::Value MessageSocket::Send(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Napi::Uint8Array bytes = RequireBytes(info[0], "bytes");
  const size_t length = bytes.ByteLength();
  auto at = static_cast<size_t>(RequireInteger(info[1], "from", 0, 1 << 30));
  if (length == 0) throw Napi::TypeError::New(env, "a message must not be empty");
  while (at < length) {
    const size_t part = std::min(kPart, length - at);
    uint8_t kind = at + part == length ? kLast : kMore;
    iovec vectors[2] = {{&kind, 1}, {const_cast<uint8_t*>(bytes.Data()) + at, part}};
    msghdr message{};
    message.msg_iov = vectors;
    message.msg_iovlen = 2;
    if (sendmsg(fd_.get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM) break;
      if (errno == EPIPE || errno == ECONNRESET || errno == EBADF) {
        return Napi::Number::New(env, -1);
      }
      throw ErrnoError(env, "sendmsg", errno);
    }
    at += part;
  }
  return Napi::Number::New(env, static_cast<double>(at));
}

// The next whole message, if it is there.
std::optional<Napi::Uint8Array> MessageSocket::Take(Napi::Env env) {
  for (;;) {
    uint8_t kind = kLast;
    iovec vectors[2] = {{&kind, 1}, {part_.data(), kPart}};
    msghdr message{};
    message.msg_iov = vectors;
    message.msg_iovlen = 2;
    const ssize_t got = recvmsg(fd_.get(), &message, MSG_DONTWAIT);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return std::nullopt;
    const auto length = static_cast<size_t>(got) - 1;
    if (kind == kMore) {
      before_.insert(before_.end(), part_.data(), part_.data() + length);
      continue;
    }
    Napi::Uint8Array bytes = Napi::Uint8Array::New(env, before_.size() + length);
    if (!before_.empty()) std::memcpy(bytes.Data(), before_.data(), before_.size());
    std::memcpy(bytes.Data() + before_.size(), part_.data(), length);
    before_ = {};
    return bytes;
  }
}

// receive(): the next message, or null: there is none now.
Napi::Value MessageSocket::Receive(const Napi::CallbackInfo& info) {
  const auto bytes = Take(info.Env());
  return bytes ? static_cast<Napi::Value>(*bytes) : info.Env().Null();
}

// start(callback: (bytes: Uint8Array) => void): each message as it arrives.
void MessageSocket::Start(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  RequireNotStarted(env);
  Listen(env, RequireFunction(info[0], "callback"));
}

void MessageSocket::OnReadable() {
  const Napi::Env env = Env();
  const Napi::HandleScope scope(env);
  const Napi::Object self = Value();  // Keeps this object alive, should the callback close it.
  for (int i = 0; i < kBatch && fd_.open(); i++) {
    const Napi::HandleScope each(env);
    const auto bytes = Take(env);
    if (!bytes) {
      // The other end is closed: there will be nothing more, and the loop must not spin on it.
      char byte = 0;
      if (recv(fd_.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0) Shut();
      return;
    }
    Call(self, {*bytes});
  }
}

void InitMessageSocket(Napi::Env env, Napi::Object exports) {
  MessageSocket::Init(env, exports);
  exports.Set("messageSockets", Napi::Function::New<MessageSockets>(env, "messageSockets"));
}

}  // namespace tenure
