// Calls JavaScript from the event loop.
#pragma once

#include <napi.h>

#include <initializer_list>
#include <vector>

namespace tenure {

// What the callback throws becomes an uncaught exception, as from any event handler in Node. While
// the environment is being stopped (worker.terminate()) no JavaScript runs and nothing is said.
inline void CallFromLoop(napi_env env, napi_value self, const Napi::FunctionReference& callback,
                         std::initializer_list<napi_value> arguments) {
  const std::vector<napi_value> list(arguments);
  napi_value result = nullptr;
  if (napi_make_callback(env, nullptr, self, callback.Value(), list.size(), list.data(),
                         &result) != napi_pending_exception) {
    return;
  }
  napi_value thrown = nullptr;
  napi_valuetype type = napi_undefined;
  if (napi_get_and_clear_last_exception(env, &thrown) != napi_ok || thrown == nullptr) return;
  if (napi_typeof(env, thrown, &type) != napi_ok) return;
  // A termination shows as an exception without a value.
  if (type == napi_undefined || type == napi_null) return;
  napi_fatal_exception(env, thrown);
}

}  // namespace tenure
