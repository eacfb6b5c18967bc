// What the sockets that JavaScript hears by a callback have in common.
#pragma once

#include "callback.h"
#include "common.h"
#include "readable.h"

#include <initializer_list>
#include <string>
#include <sys/socket.h>

namespace tenure {

// A descriptor, the watch of it, and the callback. `T` is the class that JavaScript sees.
template <typename T>
class PolledSocket : public Napi::ObjectWrap<T>, protected Readable::Owner {
 protected:
  // `what` is for messages: "packet socket".
  PolledSocket(const Napi::CallbackInfo& info, const char* what, Fd::Closer close = Fd::Now)
      : Napi::ObjectWrap<T>(info), fd_(-1, close), what_(what) {}
  ~PolledSocket() override { Shut(); }

  void RequireOpen(Napi::Env env) const {
    if (!fd_.open()) throw Napi::Error::New(env, std::string("the ") + what_ + " is closed");
  }

  bool started() const { return !callback_.IsEmpty(); }

  void RequireNotStarted(Napi::Env env) const {
    RequireOpen(env);
    if (started()) throw Napi::Error::New(env, std::string("the ") + what_ + " was started already");
  }

  // From here on OnReadable is called, and keeps event loop and object alive until close().
  void Listen(Napi::Env env, const Napi::Function& callback) {
    int error = 0;
    readable_ = Readable::Start(env, fd_.get(), this, &error);
    if (readable_ == nullptr) throw ErrnoError(env, "uv_poll", error);
    callback_ = Napi::Persistent(callback);
    this->Ref();
  }

  void Call(napi_value self, std::initializer_list<napi_value> arguments) {
    CallFromLoop(this->Env(), self, callback_, arguments);
  }

  void SetRef(const Napi::CallbackInfo& info) {
    if (!info[0].IsBoolean()) throw Napi::TypeError::New(info.Env(), "setRef needs true or false");
    if (readable_ == nullptr) return;
    if (info[0].As<Napi::Boolean>().Value()) {
      readable_->Ref();
    } else {
      readable_->Unref();
    }
  }

  void Close(const Napi::CallbackInfo&) {
    Shut();
    Forget();
    if (!started()) return;
    callback_.Reset();
    this->Unref();
  }

  // Frees what a closed socket needs no more.
  virtual void Forget() {}

  void OnTeardown() override { Shut(); }

  void Shut() {
    if (readable_ != nullptr) std::exchange(readable_, nullptr)->Stop();
    fd_.Close();
  }

  Fd fd_;

 private:
  const char* what_;
  Readable* readable_ = nullptr;
  Napi::FunctionReference callback_;
};

// Two arrays of JavaScript's that packets are read into, end to end, and that describe them.
class Room {
 public:
  // Throws a TypeError if they are not of that kind, or have no room for one packet.
  void Take(const Napi::Value& data, const Napi::Value& meta, size_t least_bytes,
            size_t least_fields);
  void Forget();
  // To be looked up at each call: JavaScript may have detached them, and they are then of no length.
  Napi::Uint8Array data() const { return data_.Value(); }
  Napi::Float64Array meta() const { return meta_.Value(); }

 private:
  Napi::Reference<Napi::Uint8Array> data_;
  Napi::Reference<Napi::Float64Array> meta_;
};

// The kernel's time of a message that was received with SO_TIMESTAMPNS, ms; 0: it has none.
double ReceivedAt(const msghdr& message);

}  // namespace tenure
