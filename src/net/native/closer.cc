// Closes packet sockets on a thread of its own. The kernel waits there for all processors to have
// forgotten the socket (synchronize_net), 10 to 50 ms: too long for an event loop.
#include "common.h"

#include <condition_variable>
#include <csignal>
#include <deque>
#include <linux/filter.h>
#include <mutex>
#include <sys/socket.h>
#include <thread>

namespace tenure {

namespace {

class Closer {
 public:
  // Throws std::system_error if no thread can be had.
  Closer() {
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    // Signals are for the threads that know of them; a new thread inherits the mask.
    pthread_sigmask(SIG_SETMASK, &all, &before);
    try {
      std::thread([this] { Run(); }).detach();
    } catch (...) {
      pthread_sigmask(SIG_SETMASK, &before, nullptr);
      throw;
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }

  void Add(int fd) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      queue_.push_back(fd);
    }
    filled_.notify_one();
  }

 private:
  [[noreturn]] void Run() {
    for (;;) {
      std::unique_lock<std::mutex> lock(mutex_);
      filled_.wait(lock, [this] { return !queue_.empty(); });
      const int fd = queue_.front();
      queue_.pop_front();
      lock.unlock();
      ::close(fd);
    }
  }

  std::mutex mutex_;
  std::condition_variable filled_;
  std::deque<int> queue_;
};

}  // namespace

void CloseAside(int fd) {
  // Until its turn comes it shall hear nothing.
  sock_filter refuse_all[] = {{BPF_RET | BPF_K, 0, 0, 0}};
  const sock_fprog program{1, refuse_all};
  setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
  try {
    // One for the whole process, made at the first need. Never destroyed, and the library never
    // unloaded (-z nodelete): its thread outlives the worker that was the first to need it.
    static Closer* const closer = new Closer;
    closer->Add(fd);
  } catch (...) {
    ::close(fd);
  }
}

}  // namespace tenure
