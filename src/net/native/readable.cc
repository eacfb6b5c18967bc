#include "readable.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <new>

namespace tenure {

namespace {
constexpr int kUvPoll = 8;      // uv_handle_type UV_POLL
constexpr int kUvReadable = 1;  // uv_poll_event UV_READABLE

uv_poll_t* AsPoll(uv_handle_t* handle) { return reinterpret_cast<uv_poll_t*>(handle); }
}  // namespace

bool Readable::Supported() {
  const char* name = uv_handle_type_name(kUvPoll);
  return name != nullptr && std::strcmp(name, "poll") == 0;
}

Readable* Readable::Start(napi_env env, int fd, Owner* owner, int* error) {
  uv_loop_s* loop = nullptr;
  if (napi_get_uv_event_loop(env, &loop) != napi_ok) {
    *error = EINVAL;
    return nullptr;
  }
  void* memory = std::calloc(1, uv_handle_size(kUvPoll));
  if (memory == nullptr) {
    *error = ENOMEM;
    return nullptr;
  }
  const int failed = uv_poll_init(loop, static_cast<uv_poll_t*>(memory), fd);
  if (failed != 0) {
    std::free(memory);
    *error = -failed;
    return nullptr;
  }
  auto* readable = new Readable(env, owner);
  readable->handle_ = static_cast<uv_handle_t*>(memory);
  uv_handle_set_data(readable->handle_, readable);
  const napi_status hooked =
      napi_add_async_cleanup_hook(env, OnCleanup, readable, &readable->hook_);
  const int started = hooked == napi_ok
                          ? uv_poll_start(AsPoll(readable->handle_), kUvReadable, OnPoll)
                          : -ECANCELED;
  if (started != 0) {
    readable->Stop();
    *error = -started;
    return nullptr;
  }
  return readable;
}

Readable::~Readable() {
  std::free(handle_);
  if (hook_ != nullptr) napi_remove_async_cleanup_hook(hook_);
}

void Readable::Stop() {
  if (owner_ == nullptr) return;
  owner_ = nullptr;
  uv_close(handle_, OnClosed);
}

void Readable::OnClosed(uv_handle_t* handle) {
  delete static_cast<Readable*>(uv_handle_get_data(handle));
}

void Readable::OnPoll(uv_poll_t* handle, int status, int) {
  auto* readable =
      static_cast<Readable*>(uv_handle_get_data(reinterpret_cast<uv_handle_t*>(handle)));
  // On EPOLLERR (the link went down, netlink overran) libuv stops polling before it calls. Start
  // again first: the owner's read takes the error off the socket, and may also stop us.
  if (status != 0) uv_poll_start(handle, kUvReadable, OnPoll);
  try {
    readable->owner_->OnReadable();
  } catch (...) {
    // node-addon-api throws where the environment refuses a call, which it does once it is going.
    // No exception may pass through libuv.
  }
}

void Readable::OnCleanup(napi_async_cleanup_hook_handle, void* data) {
  auto* readable = static_cast<Readable*>(data);
  // Stopped already: libuv is about to call OnClosed, which lifts the hook.
  if (readable->owner_ != nullptr) readable->owner_->OnTeardown();
}

}  // namespace tenure
