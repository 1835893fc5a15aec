// Threads of the library's own take no signal that is meant for the process: its handlers run on
// the program's threads, whose waiting they are to interrupt (a server's main loop, sigwait).
#pragma once
#include <signal.h>

#include <thread>
#include <utility>

namespace tracestore::base {

// While it lives, threads that the calling thread starts block every signal, but those that a
// thread causes itself (a handler of faults must see them) and SIGPROF (a profiler samples
// whichever runs). One thread; scopes nest.
class SignalsBlocked {
 public:
  SignalsBlocked() noexcept {
    sigset_t all;
    sigfillset(&all);
    for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT, SIGPROF})
      sigdelset(&all, signal);
    pthread_sigmask(SIG_BLOCK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_;
};

// As std::jthread(work). Every thread of the library is started so.
template <typename Work>
std::jthread StartThread(Work&& work) {
  const SignalsBlocked blocked;
  return std::jthread(std::forward<Work>(work));
}

}  // namespace tracestore::base
