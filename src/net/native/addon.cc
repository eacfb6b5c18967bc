// The addon moves bytes between JavaScript and the kernel, and understands none of them. It may be
// loaded by any number of threads: all state hangs on the objects of one environment.
#include "common.h"
#include "readable.h"

namespace {

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  if (!tenure::Readable::Supported()) {
    throw Napi::Error::New(env, "tenure_net does not know this libuv: rebuild or upgrade it");
  }
  tenure::InitPacketSocket(env, exports);
  tenure::InitNetlinkSocket(env, exports);
  tenure::InitGroupSocket(env, exports);
  tenure::InitSystem(env, exports);
  tenure::InitCanary(env, exports);
  tenure::InitUnixDatagram(env, exports);
  tenure::InitDatagramSocket(env, exports);
  tenure::InitMessageSocket(env, exports);
  return exports;
}

}  // namespace

NODE_API_MODULE(tenure_net, Init)
