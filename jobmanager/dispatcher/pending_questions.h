#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "common/exec/executor.h"
#include "common/exec/lifetime.h"

namespace weir::jobmanager {

/// Questions that TaskManagers have been asked and have not answered yet, by request id.
/// Threads: the owner's executor, which outlives it. Destroying it answers nobody.
template <class Answer>
class PendingQuestions {
 public:
  using Done = std::function<void(absl::StatusOr<Answer>)>;

  explicit PendingQuestions(Executor& executor) : executor_(executor) {}
  ~PendingQuestions() {
    for (auto& [id, question] : questions_) executor_.Cancel(question.timer);
  }
  PendingQuestions(const PendingQuestions&) = delete;
  PendingQuestions& operator=(const PendingQuestions&) = delete;

  size_t size() const { return questions_.size(); }
  /// Answered with `late` when nothing else has come by then.
  void Add(const std::string& id, absl::Duration timeout, const absl::Status& late, Done done) {
    Question& question = questions_[id];
    question.done = std::move(done);
    question.timer =
        executor_.PostAfter(timeout, lifetime_.Guard([this, id, late] { Answered(id, late); }));
  }
  /// Whose answer came before is not asked again.
  void Answered(const std::string& id, absl::StatusOr<Answer> answer) {
    const auto it = questions_.find(id);
    if (it == questions_.end()) return;
    executor_.Cancel(it->second.timer);
    const Done done = std::move(it->second.done);
    questions_.erase(it);
    done(std::move(answer));
  }

 private:
  struct Question {
    Done done;
    TimerId timer = 0;
  };
  Executor& executor_;
  std::map<std::string, Question> questions_;
  Lifetime lifetime_;
};

}  // namespace weir::jobmanager
