// WorkerPool: a fixed number of threads that run handlers, which may block, apart from the threads
// that serve sockets.
#pragma once
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace tracestore::net {

// Every method may be called from any thread, Stop() not from a job. The queue has no bound of its
// own: who submits has one (a connection or a call in flight has at most one job here).
class WorkerPool {
 public:
  explicit WorkerPool(std::size_t threads);
  ~WorkerPool();  // Stop()
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // Jobs must not throw. False, and the job is dropped, once Stop() was called.
  bool Submit(std::function<void()> job);

  // Runs every job that was accepted, then joins the threads. May be called more than once.
  void Stop();

 private:
  void Run();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> jobs_;  // guarded by mutex_
  bool stopped_ = false;                    // guarded by mutex_
  std::vector<std::jthread> threads_;
};

}  // namespace tracestore::net
