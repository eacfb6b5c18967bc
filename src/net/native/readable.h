// Tells an owner, on its own thread's event loop, when a descriptor can be read.
//
// Each environment (the main thread, each worker) has a loop of its own, and libuv's poll handles
// belong to the loop they were made on, so nothing here is shared between threads. A handle must
// outlive its uv_close() until libuv calls back: it is therefore on the heap, frees itself, and
// holds an asynchronous cleanup hook by which a worker that is terminated, or a process that exits,
// waits for that.
#pragma once

#include <node_api.h>

// The few declarations of uv.h that are needed: Node's headers are not there at an npm install, and
// these have not changed since libuv 1.19 (Node exports them to addons, and keeps its ABI).
extern "C" {
typedef struct uv_loop_s uv_loop_t;
typedef struct uv_handle_s uv_handle_t;
typedef struct uv_poll_s uv_poll_t;
typedef void (*uv_close_cb)(uv_handle_t*);
typedef void (*uv_poll_cb)(uv_poll_t*, int status, int events);
size_t uv_handle_size(int type);
const char* uv_handle_type_name(int type);
void uv_handle_set_data(uv_handle_t*, void*);
void* uv_handle_get_data(const uv_handle_t*);
int uv_poll_init(uv_loop_t*, uv_poll_t*, int fd);
int uv_poll_start(uv_poll_t*, int events, uv_poll_cb);
void uv_close(uv_handle_t*, uv_close_cb);
void uv_ref(uv_handle_t*);
void uv_unref(uv_handle_t*);
}

namespace tenure {

class Readable {
 public:
  class Owner {
   public:
    // There is something to read, or (an error is pending on the descriptor) to be told.
    virtual void OnReadable() = 0;
    // The environment goes: the owner must call Stop() and close its descriptor.
    virtual void OnTeardown() = 0;

   protected:
    ~Owner() = default;
  };

  // True if this libuv is laid out as declared above.
  static bool Supported();

  // Null, with `error` set to an errno, if the descriptor cannot be polled.
  static Readable* Start(napi_env env, int fd, Owner* owner, int* error);

  // From here on the owner is not called, and its descriptor may be closed. Frees itself later.
  void Stop();

  void Ref() { uv_ref(handle_); }
  void Unref() { uv_unref(handle_); }

 private:
  Readable(napi_env env, Owner* owner) : env_(env), owner_(owner) {}
  ~Readable();

  static void OnPoll(uv_poll_t* handle, int status, int events);
  static void OnClosed(uv_handle_t* handle);
  static void OnCleanup(napi_async_cleanup_hook_handle hook, void* data);

  napi_env env_;
  Owner* owner_;
  uv_handle_t* handle_ = nullptr;
  napi_async_cleanup_hook_handle hook_ = nullptr;
};

}  // namespace tenure
