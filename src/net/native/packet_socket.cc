// AF_PACKET sockets: whole Ethernet frames of one ethertype on one interface (packet(7)).
#include "polled_socket.h"

#include <algorithm>
#include <arpa/inet.h>
#include <cstring>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <sys/socket.h>
#include <vector>

#ifndef PACKET_IGNORE_OUTGOING
#define PACKET_IGNORE_OUTGOING 23  // Linux 4.20
#endif

namespace tenure {

namespace {
constexpr size_t kReceiveBatch = 64;
constexpr size_t kSendBatch = 1024;  // UIO_MAXIOV, the kernel's own limit for sendmmsg
constexpr size_t kMaxFrame = 65536;
constexpr size_t kMaxSendBytes = 64u << 20;
// Numbers per received frame in `meta`; src/net/addon.ts names them.
constexpr size_t kMetaFields = 6;
}  // namespace

class PacketSocket : public PolledSocket<PacketSocket> {
 public:
  static void Init(Napi::Env env, Napi::Object exports);
  explicit PacketSocket(const Napi::CallbackInfo& info);

 private:
  void AttachFilter(Napi::Env env, const Napi::Value& filter);
  void Configure(Napi::Env env, const Napi::Object& options, int ifindex);

  void Start(const Napi::CallbackInfo& info);
  Napi::Value Send(const Napi::CallbackInfo& info);
  Napi::Value Statistics(const Napi::CallbackInfo& info);

  void OnReadable() override;
  void Forget() override { room_.Forget(); }
  size_t Receive(Napi::Uint8Array& data, Napi::Float64Array& meta, int* error);
  void Describe(const mmsghdr& message, size_t offset, size_t captured, double* fields);

  size_t snap_length_ = 0;
  Room room_;
  double kernel_received_ = 0;
  double kernel_dropped_ = 0;

  mmsghdr messages_[kReceiveBatch];
  iovec vectors_[kReceiveBatch];
  sockaddr_ll from_[kReceiveBatch];
  alignas(cmsghdr) char control_[kReceiveBatch][CMSG_SPACE(sizeof(timespec))];
};

void PacketSocket::Init(Napi::Env env, Napi::Object exports) {
  exports.Set("PacketSocket",
              DefineClass(env, "PacketSocket",
                          {
                              InstanceMethod<&PacketSocket::Start>("start"),
                              InstanceMethod<&PacketSocket::Send>("send"),
                              InstanceMethod<&PacketSocket::Statistics>("statistics"),
                              InstanceMethod("setRef", &PacketSocket::SetRef),
                              InstanceMethod("close", &PacketSocket::Close),
                          }));
}

PacketSocket::PacketSocket(const Napi::CallbackInfo& info)
    : PolledSocket(info, "packet socket", CloseAside) {
  const Napi::Env env = info.Env();
  const Napi::Object options = RequireObject(info[0], "options");
  const auto ifindex = static_cast<int>(IntegerOption(options, "ifindex", 1, INT32_MAX, 0));
  const auto ethertype = static_cast<uint16_t>(IntegerOption(options, "ethertype", 1, 65535, 0));
  if (ifindex == 0 || ethertype == 0) {
    throw Napi::TypeError::New(env, "options must give ifindex and ethertype");
  }
  snap_length_ = static_cast<size_t>(IntegerOption(options, "snapLength", 64, kMaxFrame, 2048));

  // Protocol 0: nothing is received before the filter is attached and bind() names the ethertype.
  fd_.Reset(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd_.open()) throw ErrnoError(env, "socket", errno);
  AttachFilter(env, options.Get("filter"));
  Configure(env, options, ifindex);

  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ethertype);
  address.sll_ifindex = ifindex;
  if (bind(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    throw ErrnoError(env, "bind", errno);
  }
}

void PacketSocket::AttachFilter(Napi::Env env, const Napi::Value& value) {
  if (value.IsUndefined()) return;
  const Napi::Uint8Array bytes = RequireBytes(value, "filter");
  const size_t length = bytes.ByteLength();
  if (length == 0 || length % sizeof(sock_filter) != 0 ||
      length / sizeof(sock_filter) > BPF_MAXINSNS) {
    throw Napi::TypeError::New(env, "filter must be 1 to 4096 instructions of 8 bytes");
  }
  // Copied: a view may begin at an odd address.
  std::vector<sock_filter> program(length / sizeof(sock_filter));
  std::memcpy(program.data(), bytes.Data(), length);
  const sock_fprog attach{static_cast<unsigned short>(program.size()), program.data()};
  SetOption(env, fd_.get(), SOL_SOCKET, SO_ATTACH_FILTER, &attach, sizeof attach,
            "SO_ATTACH_FILTER");
}

void PacketSocket::Configure(Napi::Env env, const Napi::Object& options, int ifindex) {
  const int fd = fd_.get();
  const int on = 1;
  const auto mark = static_cast<uint32_t>(IntegerOption(options, "mark", 0, UINT32_MAX, 0));
  if (mark != 0) SetOption(env, fd, SOL_SOCKET, SO_MARK, &mark, sizeof mark, "SO_MARK");
  SetOption(env, fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on, "SO_TIMESTAMPNS");
  SetBuffer(fd, SO_RCVBUFFORCE, SO_RCVBUF,
            IntegerOption(options, "receiveBuffer", 0, 1 << 30, 0));
  SetBuffer(fd, SO_SNDBUFFORCE, SO_SNDBUF, IntegerOption(options, "sendBuffer", 0, 1 << 30, 0));
  if (FlagOption(options, "ignoreOutgoing")) {
    SetOption(env, fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on,
              "PACKET_IGNORE_OUTGOING");
  }
  if (FlagOption(options, "promiscuous")) {
    packet_mreq request{};
    request.mr_ifindex = ifindex;
    request.mr_type = PACKET_MR_PROMISC;
    SetOption(env, fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &request, sizeof request,
              "PACKET_ADD_MEMBERSHIP");
  }
}

// start(data: Uint8Array, meta: Float64Array, callback: (count, errno) => void)
//
// At each call `count` frames are in `data`, end to end, and described in `meta`; both are reused
// for the next call. Their sizes bound what one wake-up reads.
void PacketSocket::Start(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  RequireNotStarted(env);
  room_.Take(info[0], info[1], snap_length_, kMetaFields);
  Listen(env, RequireFunction(info[2], "callback"));
}

void PacketSocket::OnReadable() {
  const Napi::Env env = Env();
  const Napi::HandleScope scope(env);
  const Napi::Object self = Value();  // Keeps this object alive, should the callback close it.
  Napi::Uint8Array data = room_.data();
  Napi::Float64Array meta = room_.meta();
  int error = 0;
  const size_t count = Receive(data, meta, &error);
  if (count == 0 && error == 0) return;
  Call(self, {Napi::Number::New(env, static_cast<double>(count)), Napi::Number::New(env, error)});
}

size_t PacketSocket::Receive(Napi::Uint8Array& data, Napi::Float64Array& meta, int* error) {
  // Looked up at each call: JavaScript may have detached them, and they are then of no length.
  uint8_t* const bytes = data.Data();
  const size_t room = data.ByteLength();
  double* const fields = meta.Data();
  const size_t most = meta.ElementLength() / kMetaFields;
  size_t used = 0;
  size_t count = 0;
  if (room < snap_length_ || most == 0) {
    Shut();
    *error = EFAULT;
    return 0;
  }
  for (;;) {
    const size_t want =
        std::min({kReceiveBatch, most - count, (room - used) / snap_length_});
    if (want == 0) return count;
    for (size_t i = 0; i < want; i++) {
      vectors_[i] = {bytes + used + i * snap_length_, snap_length_};
      messages_[i] = {};
      messages_[i].msg_hdr.msg_name = &from_[i];
      messages_[i].msg_hdr.msg_namelen = sizeof from_[i];
      messages_[i].msg_hdr.msg_iov = &vectors_[i];
      messages_[i].msg_hdr.msg_iovlen = 1;
      messages_[i].msg_hdr.msg_control = control_[i];
      messages_[i].msg_hdr.msg_controllen = sizeof control_[i];
    }
    // MSG_TRUNC: msg_len is the frame's length on the wire, however much was kept.
    const int got = recvmmsg(fd_.get(), messages_, static_cast<unsigned>(want),
                             MSG_DONTWAIT | MSG_TRUNC, nullptr);
    if (got < 0) {
      if (errno == EINTR) continue;
      if (errno != EAGAIN) *error = errno;
      return count;
    }
    for (size_t i = 0; i < static_cast<size_t>(got); i++) {
      const size_t captured = std::min<size_t>(messages_[i].msg_len, snap_length_);
      std::memmove(bytes + used, vectors_[i].iov_base, captured);
      Describe(messages_[i], used, captured, fields + count * kMetaFields);
      used += captured;
      count++;
    }
    if (static_cast<size_t>(got) < want) return count;
  }
}

void PacketSocket::Describe(const mmsghdr& message, size_t offset, size_t captured,
                            double* fields) {
  const auto* from = static_cast<const sockaddr_ll*>(message.msg_hdr.msg_name);
  fields[0] = static_cast<double>(offset);
  fields[1] = static_cast<double>(captured);
  fields[2] = message.msg_len;
  fields[3] = ReceivedAt(message.msg_hdr);
  fields[4] = from->sll_pkttype;
  fields[5] = from->sll_ifindex;
}

// send(frames: Uint8Array[]): null if all went out, else an Int32Array with an errno (or 0) each.
//
// sendmmsg tells only the error of its first frame, so a frame that fails after others went out is
// tried once more, alone at the head of the next call, to hear why.
Napi::Value PacketSocket::Send(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  RequireOpen(env);
  if (!info[0].IsArray()) throw Napi::TypeError::New(env, "frames must be an array");
  const auto frames = info[0].As<Napi::Array>();
  const uint32_t count = frames.Length();
  // Copied one by one: reading an element may run JavaScript, which may detach an earlier one.
  std::vector<uint8_t> bytes;
  std::vector<size_t> ends;
  ends.reserve(std::min<size_t>(count, kSendBatch));
  for (uint32_t i = 0; i < count; i++) {
    const Napi::HandleScope scope(env);
    const Napi::Uint8Array frame = RequireBytes(frames.Get(i), "each frame");
    if (frame.ByteLength() > kMaxFrame || bytes.size() > kMaxSendBytes) {
      throw Napi::TypeError::New(env, "frames are of 64 KiB, and 64 MiB together, at most");
    }
    bytes.insert(bytes.end(), frame.Data(), frame.Data() + frame.ByteLength());
    ends.push_back(bytes.size());
  }
  RequireOpen(env);

  std::vector<iovec> vectors(count);
  std::vector<mmsghdr> messages(count);
  for (uint32_t i = 0; i < count; i++) {
    const size_t begin = i == 0 ? 0 : ends[i - 1];
    vectors[i] = {bytes.data() + begin, ends[i] - begin};
    messages[i].msg_hdr.msg_iov = &vectors[i];
    messages[i].msg_hdr.msg_iovlen = 1;
  }
  std::vector<int32_t> errors;
  bool went_down = false;
  for (size_t i = 0; i < count;) {
    const int sent = sendmmsg(fd_.get(), &messages[i],
                              static_cast<unsigned>(std::min(kSendBatch, count - i)), MSG_DONTWAIT);
    if (sent > 0) {
      i += static_cast<size_t>(sent);
    } else if (sent < 0 && errno == ENETDOWN && !went_down) {
      // Perhaps an old story: the socket tells once that its link went down, also if that is up
      // again. If it is not, the next try says so.
      went_down = true;
    } else if (sent == 0 || errno != EINTR) {
      if (errors.empty()) errors.resize(count);
      errors[i++] = sent == 0 ? EIO : errno;
    }
  }
  if (errors.empty()) return env.Null();
  Napi::Int32Array result = Napi::Int32Array::New(env, count);
  std::copy(errors.begin(), errors.end(), result.Data());
  return result;
}

// statistics(): [frames that passed the filter, those of them dropped for want of room]. The
// kernel's counters go to zero when read (PACKET_STATISTICS), so they are added up here.
Napi::Value PacketSocket::Statistics(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (fd_.open()) {
    tpacket_stats counters{};
    socklen_t length = sizeof counters;
    if (getsockopt(fd_.get(), SOL_PACKET, PACKET_STATISTICS, &counters, &length) != 0) {
      throw ErrnoError(env, "getsockopt PACKET_STATISTICS", errno);
    }
    kernel_received_ += counters.tp_packets;
    kernel_dropped_ += counters.tp_drops;
  }
  Napi::Array result = Napi::Array::New(env, 2);
  result.Set(0u, Napi::Number::New(env, kernel_received_));
  result.Set(1u, Napi::Number::New(env, kernel_dropped_));
  return result;
}

void InitPacketSocket(Napi::Env env, Napi::Object exports) { PacketSocket::Init(env, exports); }

}  // namespace tenure
