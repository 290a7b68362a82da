#include "jobmanager/dispatcher/grpc_job_watch.h"

#include <deque>
#include <iterator>
#include <string>
#include <utility>

#include "common/exec/mutex.h"
#include "common/net/grpc_status.h"

namespace weir::jobmanager {
namespace {

using proto::JobEvent;
using Events = std::vector<JobEvent>;

bool EndsTheWatch(const JobEvent& event) {
  const std::string& state = event.job().state();
  return event.kind() == JobEvent::STATE &&
         (state == "FINISHED" || state == "CANCELED" || state == "FAILED");
}

/// At any time a question or a write is under way, but no other thread waits for either.
class JobWatch final : public grpc::ServerWriteReactor<JobEvent> {
 public:
  JobWatch(grpc::CallbackServerContext* context, proto::WatchJobRequest request, JobWatchHost host)
      : context_(context),
        request_(std::move(request)),
        ask_(std::move(host.ask)),
        link_(std::make_shared<Link>(this, std::move(host.forget))) {
    MutexLock lock(link_->mutex);
    if (host.enlist(link_)) {
      Ask();
    } else {
      Close(ShuttingDown());
    }
  }

  void OnWriteDone(bool ok) override {
    MutexLock lock(link_->mutex);
    if (!ok) return Close(absl::CancelledError("the client has gone"));
    if (EndsTheWatch(events_.front())) return Close(absl::OkStatus());
    events_.pop_front();
    Next();
  }
  void OnCancel() override {
    MutexLock lock(link_->mutex);
    Close(absl::CancelledError("the client has gone"));
  }
  void OnDone() override { delete this; }

 private:
  /// Outlives the watch as long as a question is not answered.
  struct Link final : PendingCall {
    Link(JobWatch* watched, std::function<void(PendingCall*)> forgets)
        : watch(watched), forget(std::move(forgets)) {}
    ~Link() override { forget(this); }
    void Abandon() override {
      MutexLock lock(mutex);
      if (watch != nullptr) watch->Close(ShuttingDown());
    }
    Mutex mutex;
    JobWatch* watch;  // null: the call is over; guarded by `mutex`, as the watch itself
    const std::function<void(PendingCall*)> forget;
  };

  // All with the link's mutex held.
  void Ask() {
    ask_(request_, [link = link_](absl::StatusOr<Events> events) {
      MutexLock lock(link->mutex);
      if (link->watch != nullptr) link->watch->Take(std::move(events));
    });
  }
  void Take(absl::StatusOr<Events> events) {
    if (!events.ok()) return Close(events.status());
    events_.assign(std::make_move_iterator(events->begin()),
                   std::make_move_iterator(events->end()));
    if (!events_.empty()) request_.set_after_sequence(events_.back().sequence());
    Next();
  }
  void Next() {
    if (events_.empty()) return Ask();
    StartWrite(&events_.front());
  }
  void Close(const absl::Status& status) {
    if (std::exchange(link_->watch, nullptr) != nullptr) Finish(ToGrpcStatus(status, *context_));
  }

  grpc::CallbackServerContext* const context_;
  proto::WatchJobRequest request_;
  const std::function<void(const proto::WatchJobRequest&, JobWatchHost::Answer)> ask_;
  const std::shared_ptr<Link> link_;
  std::deque<JobEvent> events_;  // to be written
};

class WatchRefusal final : public grpc::ServerWriteReactor<JobEvent> {
 public:
  explicit WatchRefusal(const grpc::Status& status) { Finish(status); }
  void OnDone() override { delete this; }
};

}  // namespace

grpc::ServerWriteReactor<JobEvent>* WatchJob(grpc::CallbackServerContext* context,
                                             proto::WatchJobRequest request, JobWatchHost host) {
  return new JobWatch(context, std::move(request), std::move(host));
}

grpc::ServerWriteReactor<JobEvent>* RefuseWatch(const grpc::Status& status) {
  return new WatchRefusal(status);
}

}  // namespace weir::jobmanager
