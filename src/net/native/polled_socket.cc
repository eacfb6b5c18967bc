#include "polled_socket.h"

#include <cstring>
#include <ctime>

namespace tenure {

void Room::Take(const Napi::Value& data, const Napi::Value& meta, size_t least_bytes,
                size_t least_fields) {
  const Napi::Uint8Array bytes = RequireBytes(data, "data");
  if (!meta.IsTypedArray() ||
      meta.As<Napi::TypedArray>().TypedArrayType() != napi_float64_array) {
    throw Napi::TypeError::New(data.Env(), "meta must be a Float64Array");
  }
  const auto fields = meta.As<Napi::Float64Array>();
  if (bytes.ByteLength() < least_bytes || fields.ElementLength() < least_fields) {
    throw Napi::TypeError::New(data.Env(), "data and meta must have room for one packet at least");
  }
  data_ = Napi::Persistent(bytes);
  meta_ = Napi::Persistent(fields);
}

void Room::Forget() {
  data_.Reset();
  meta_.Reset();
}

double ReceivedAt(const msghdr& message) {
  timespec time{};
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(const_cast<msghdr*>(&message), header)) {
    if (header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_TIMESTAMPNS) {
      std::memcpy(&time, CMSG_DATA(header), sizeof time);
    }
  }
  return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) / 1e6;
}

}  // namespace tenure
