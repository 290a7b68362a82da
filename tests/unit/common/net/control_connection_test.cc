#include "common/net/control_connection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

#include "tests/support/manual_executor.h"
#include "tests/support/net/testing_message_stream.h"

namespace weir {
namespace {

using testing::ElementsAre;

class ControlConnectionTest : public testing::Test {
 protected:
  ControlConnectionTest() {
    ControlConnectionOptions options;
    options.addresses = {"a:1", "b:1"};
    ControlConnectionCallbacks callbacks;
    callbacks.on_up = [this] { events_.push_back("up " + connection_->address()); };
    callbacks.on_message = [this](const proto::Envelope& message) {
      events_.push_back(absl::StrCat("message ", message.header().sequence()));
      if (move_on_message_) connection_->MoveOn(leader_, "standby");
    };
    callbacks.on_down = [this](const absl::Status&) { events_.push_back("down"); };
    connection_ = std::make_unique<ControlConnection>(
        executor_, options,
        [this](const std::string& address, MessageStreamCallbacks stream_callbacks) {
          attempts_.push_back(absl::StrCat(address, " at ", absl::FormatDuration(executor_.now())));
          return streams_.Make(address, std::move(stream_callbacks));
        },
        callbacks);
  }

  void Refuse() {
    streams_.BreakLast(absl::UnavailableError("refused"));
    executor_.RunReady();
  }
  void Accept() {
    streams_.AcceptLast();
    executor_.RunReady();
  }

  ManualExecutor executor_;
  TestingMessageStreams streams_{executor_};
  std::vector<std::string> attempts_;
  std::vector<std::string> events_;
  bool move_on_message_ = false;
  std::string leader_;
  std::unique_ptr<ControlConnection> connection_;
};

TEST_F(ControlConnectionTest, TriesTheAddressesInTurnWithGrowingPauses) {
  connection_->Start();
  executor_.RunReady();
  for (int i = 0; i < 5; ++i) {
    Refuse();
    executor_.Advance(absl::Milliseconds(500));
    // Attempts are made when the pause is over, not when the half second is.
  }
  EXPECT_THAT(attempts_, ElementsAre("a:1 at 0", "b:1 at 50ms", "a:1 at 600ms", "b:1 at 1.2s",
                                     "a:1 at 1.9s", "b:1 at 2.5s"));
  EXPECT_TRUE(events_.empty());
}

TEST_F(ControlConnectionTest, ReportsUpMessageAndDown) {
  connection_->Start();
  executor_.RunReady();
  Accept();
  proto::Envelope message;
  message.mutable_header()->set_sequence(4);
  streams_.SendFromLast(message);
  Refuse();
  EXPECT_THAT(events_, ElementsAre("up a:1", "message 4", "down"));
}

TEST_F(ControlConnectionTest, NamedLeaderIsTriedAtOnce) {
  connection_->Start();
  executor_.RunReady();
  Accept();
  move_on_message_ = true;
  leader_ = "c:1";
  streams_.SendFromLast(proto::Envelope());
  executor_.RunReady();
  EXPECT_THAT(attempts_, ElementsAre("a:1 at 0", "c:1 at 0"));
  EXPECT_TRUE(streams_.peer(0).closed);
}

TEST_F(ControlConnectionTest, TwoThatNameEachOtherAreNotAskedInCircles) {
  connection_->Start();
  executor_.RunReady();
  Accept();
  connection_->MoveOn("b:1", "standby");
  executor_.RunReady();
  Accept();
  connection_->MoveOn("a:1", "standby");
  executor_.RunReady();
  EXPECT_EQ(attempts_.size(), 2u);
  executor_.Advance(absl::Milliseconds(50));
  EXPECT_THAT(attempts_, ElementsAre("a:1 at 0", "b:1 at 0", "a:1 at 50ms"));
}

TEST_F(ControlConnectionTest, AttemptWithoutAnswerIsGivenUp) {
  connection_->Start();
  executor_.Advance(absl::Seconds(3) + absl::Milliseconds(50));
  EXPECT_THAT(attempts_, ElementsAre("a:1 at 0", "b:1 at 3.05s"));
  EXPECT_TRUE(streams_.peer(0).closed);
}

TEST_F(ControlConnectionTest, ConfirmStartsTheBackoffOver) {
  connection_->Start();
  executor_.RunReady();
  for (int i = 0; i < 5; ++i) {
    Refuse();
    executor_.Advance(absl::Milliseconds(500));
  }
  Accept();
  connection_->Confirm();
  const absl::Duration before = executor_.now();
  const size_t attempts = attempts_.size();
  Refuse();
  executor_.Advance(absl::Milliseconds(50));
  EXPECT_EQ(attempts_.size(), attempts + 1);
  EXPECT_EQ(executor_.now() - before, absl::Milliseconds(50));
}

TEST_F(ControlConnectionTest, StopIsSilentAndFinal) {
  connection_->Start();
  executor_.RunReady();
  Accept();
  connection_->Stop();
  executor_.Advance(absl::Seconds(10));
  EXPECT_THAT(events_, ElementsAre("up a:1"));
  EXPECT_EQ(attempts_.size(), 1u);
  EXPECT_TRUE(streams_.last().closed);
}

TEST_F(ControlConnectionTest, SendsOnlyWhileUp) {
  connection_->Start();
  executor_.RunReady();
  connection_->Send(proto::Envelope());
  Accept();
  connection_->Send(proto::Envelope());
  EXPECT_EQ(streams_.last().received.size(), 1u);
}

// A wrong address or token would otherwise never be heard of.
TEST_F(ControlConnectionTest, ManyFailedAttemptsAreALine) {
  testing::internal::CaptureStderr();
  connection_->Start();
  executor_.RunReady();
  for (int i = 0; i < 9; ++i) {
    Refuse();
    executor_.Advance(absl::Seconds(10));
  }
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_THAT(log, testing::HasSubstr("no leading JobManager reached"));
  EXPECT_THAT(log, testing::HasSubstr("attempts=4"));
  EXPECT_THAT(log, testing::HasSubstr("attempts=8"));
  EXPECT_THAT(log, testing::Not(testing::HasSubstr("attempts=5")));
  EXPECT_THAT(log, testing::HasSubstr("refused"));
}

}  // namespace
}  // namespace weir
