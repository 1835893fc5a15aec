#include "base/thread.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace tracestore::base {
namespace {

sigset_t Mask() {
  sigset_t mask;
  pthread_sigmask(SIG_BLOCK, nullptr, &mask);
  return mask;
}

TEST(StartThread, TheThreadTakesNoSignalOfTheProcess) {
  sigset_t mask;
  sigemptyset(&mask);
  StartThread([&](const std::stop_token&) { mask = Mask(); }).join();
  for (const int signal : {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGCHLD, SIGALRM, SIGPIPE, SIGXFSZ,
                           SIGUSR1, SIGUSR2, SIGRTMIN, SIGRTMAX})
    EXPECT_EQ(sigismember(&mask, signal), 1) << signal;
  for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT, SIGPROF})
    EXPECT_EQ(sigismember(&mask, signal), 0) << signal;
}

TEST(StartThread, TheCallersMaskStandsAsItWas) {
  sigset_t some;
  sigemptyset(&some);
  sigaddset(&some, SIGUSR1);
  sigset_t before;
  pthread_sigmask(SIG_BLOCK, &some, &before);
  StartThread([] {}).join();
  {
    const SignalsBlocked blocked;
    StartThread([] {}).join();
    const sigset_t inside = Mask();
    EXPECT_EQ(sigismember(&inside, SIGUSR2), 1);
  }
  const sigset_t after = Mask();
  EXPECT_EQ(sigismember(&after, SIGUSR1), 1);
  EXPECT_EQ(sigismember(&after, SIGUSR2), 0);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

// What the test is of: the process has another thread, which the signal finds.
TEST(StartThread, ASignalOfTheProcessReachesTheThreadThatAwaitsIt) {
  sigset_t wanted;
  sigemptyset(&wanted);
  sigaddset(&wanted, SIGUSR1);
  sigset_t before;
  pthread_sigmask(SIG_BLOCK, &wanted, &before);
  const auto thread = StartThread([](const std::stop_token& stop) {
    while (!stop.stop_requested()) std::this_thread::yield();
  });
  for (int i = 0; i < 100; ++i) {
    kill(getpid(), SIGUSR1);  // without the mask, the thread would end the process
    int got = 0;
    sigwait(&wanted, &got);
    EXPECT_EQ(got, SIGUSR1);
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

}  // namespace
}  // namespace tracestore::base
