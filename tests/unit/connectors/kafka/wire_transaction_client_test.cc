// The transaction client against brokers that the test answers for: what it tries again, what it
// finds anew, and what it reports.

#include "connectors/kafka/wire/wire_transaction_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/escaping.h"

#include "common/base/failure_policy.h"
#include "connectors/kafka/wire/add_offsets_to_txn_message.h"
#include "connectors/kafka/wire/describe_transactions_message.h"
#include "connectors/kafka/wire/end_txn_message.h"
#include "connectors/kafka/wire/init_producer_id_message.h"
#include "connectors/kafka/wire/kafka_error.h"
#include "connectors/kafka/wire/list_offsets_message.h"
#include "connectors/kafka/wire/list_transactions_message.h"
#include "connectors/kafka/wire/offset_fetch_message.h"
#include "connectors/kafka/wire/txn_offset_commit_message.h"
#include "tests/unit/connectors/kafka/testing_wire_broker.h"

namespace weir::kafka {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

constexpr absl::Duration kTimeout = absl::Seconds(30);
const TopicPartition kPartition{"out", 2};

int16_t Code(KafkaError error) { return static_cast<int16_t>(error); }

class WireTransactionClientTest : public testing::Test {
 protected:
  WireTransactionClientTest() {
    // "a" is the only bootstrap server; "a" and "b" are alive.
    brokers_.On<MetadataRequest>(
        [this](const BrokerAddress&, const MetadataRequest& request, MetadataResponse& response) {
          response.brokers = {{1, "a", 1, std::nullopt}, {2, "b", 2, std::nullopt}};
          for (const std::string& name : *request.topics) {
            MetadataResponse::Topic topic;
            topic.name = name;
            topic.error_code = topic_error_;
            topic.partitions = {{0, 2, leader_, 0, {1, 2}, {1, 2}, {}}};
            response.topics.push_back(topic);
          }
          return TestingReply::kAnswer;
        });
    brokers_.On<FindCoordinatorRequest>([this](const BrokerAddress&,
                                               const FindCoordinatorRequest& request,
                                               FindCoordinatorResponse& response) {
      keys_.push_back(absl::StrCat(request.key, "/", request.key_type));
      response.host = coordinator_;
      response.port = coordinator_ == "a" ? 1 : 2;
      return TestingReply::kAnswer;
    });
  }

  WireTransactionClient& Client() {
    if (client_ == nullptr) {
      WireTransactionClientOptions options;
      options.brokers.bootstrap = {{"a", 1}};
      options.brokers.connect = brokers_.Connector();
      options.fetch_bytes = 100;
      client_ = std::make_unique<WireTransactionClient>(brokers_.clock, wait_, options);
    }
    return *client_;
  }
  // Answers EndTxn with these codes, one after the other; the last one stays.
  void AnswerEndTxn(std::vector<KafkaError> errors) {
    brokers_.On<EndTxnRequest>([this, errors](const BrokerAddress&, const EndTxnRequest& request,
                                              EndTxnResponse& response) {
      last_end_txn_ = request;
      response.error_code = Code(errors[std::min(end_txns_++, errors.size() - 1)]);
      return TestingReply::kAnswer;
    });
  }
  EndTransactionAnswer Commit(absl::Duration timeout = kTimeout) {
    return Client().EndTransaction("t", {4711, 3}, TransactionResult::kCommit, timeout);
  }
  // A log of [5, 20) whose batches have 5 records each, two batches an answer.
  void ServeLog() {
    brokers_.On<ListOffsetsRequest>(
        [](const BrokerAddress&, const ListOffsetsRequest& request, ListOffsetsResponse& response) {
          const bool earliest = request.topics[0].partitions[0].timestamp == kEarliestTimestamp;
          const bool committed = request.isolation_level == 1;
          response.topics = {{"out", {{2, 0, -1, earliest ? 5 : committed ? 15 : 20, 0}}}};
          return TestingReply::kAnswer;
        });
    brokers_.On<FetchRequest>(
        [this](const BrokerAddress&, const FetchRequest& request, FetchResponse& response) {
          EXPECT_EQ(request.isolation_level, 0);
          FetchResponse::Partition answer;
          answer.partition_index = 2;
          answer.error_code = Code(fetch_error_);
          fetch_error_ = KafkaError::kNone;
          int64_t base = request.topics[0].partitions[0].fetch_offset / 5 * 5;
          answer.records =
              Batch(base) + (base + 5 < 20 ? Batch(base + 5) : "") + Batch(base + 10).substr(0, 20);
          response.responses = {{"out", {answer}}};
          return TestingReply::kAnswer;
        });
  }
  static std::string Batch(int64_t base) {
    WireWriter writer;
    writer.Int64(base);
    writer.Int32(49);
    writer.Int32(0);
    writer.Int8(2);
    writer.Int32(0);
    writer.Int16(0x10);
    writer.Int32(4);
    writer.Int64(0);
    writer.Int64(0);
    writer.Int64(4711);
    writer.Int16(3);
    writer.Int32(0);
    writer.Int32(5);
    return writer.Take();
  }

  TestingWireBrokers brokers_;
  TestingRetryWait wait_{brokers_.executor};
  std::unique_ptr<WireTransactionClient> client_;
  std::vector<std::string> keys_;
  std::string coordinator_ = "b";
  int32_t leader_ = 2;
  int16_t topic_error_ = 0;
  size_t end_txns_ = 0;
  EndTxnRequest last_end_txn_;
  KafkaError fetch_error_ = KafkaError::kNone;
};

TEST_F(WireTransactionClientTest, CommitsAtTheCoordinator) {
  AnswerEndTxn({KafkaError::kNone});
  const EndTransactionAnswer answer = Commit();
  EXPECT_EQ(answer.outcome, EndTransactionOutcome::kDone);
  EXPECT_TRUE(answer.detail.ok());
  EXPECT_EQ(answer.unanswered_requests, 0);
  EXPECT_THAT(brokers_.calls, ElementsAre("FindCoordinator@a", "EndTxn@b"));
  EXPECT_THAT(keys_, ElementsAre("t/1"));
  EXPECT_EQ(last_end_txn_, (EndTxnRequest{"t", 4711, 3, true}));
  // The coordinator is remembered, and the connections.
  Client().EndTransaction("t", {4711, 3}, TransactionResult::kAbort, kTimeout);
  EXPECT_FALSE(last_end_txn_.committed);
  EXPECT_THAT(brokers_.calls, SizeIs(3));
  EXPECT_EQ(brokers_.connects, 2);
}

TEST_F(WireTransactionClientTest, EveryVerdictIsAnOutcome) {
  const std::vector<std::pair<KafkaError, EndTransactionOutcome>> verdicts = {
      {KafkaError::kInvalidTxnState, EndTransactionOutcome::kInvalidTxnState},
      {KafkaError::kProducerFenced, EndTransactionOutcome::kFenced},
      {KafkaError::kInvalidProducerEpoch, EndTransactionOutcome::kFenced},
      {KafkaError::kInvalidProducerIdMapping, EndTransactionOutcome::kUnknownProducerMapping},
      {KafkaError::kTransactionalIdAuthorizationFailed, EndTransactionOutcome::kRefused},
      {static_cast<KafkaError>(120), EndTransactionOutcome::kRefused},
  };
  for (const auto& [error, outcome] : verdicts) {
    AnswerEndTxn({error});
    const EndTransactionAnswer answer = Commit();
    EXPECT_EQ(answer.outcome, outcome) << KafkaErrorText(error);
    EXPECT_THAT(std::string(answer.detail.message()), HasSubstr(KafkaErrorText(error)));
    EXPECT_THAT(std::string(answer.detail.message()),
                HasSubstr("commit of transactional id t, producer id 4711, epoch 3"));
  }
  EXPECT_THAT(wait_.waited, testing::Each(absl::ZeroDuration()));
}

TEST_F(WireTransactionClientTest, AMovedCoordinatorIsFoundAnew) {
  AnswerEndTxn({KafkaError::kNotCoordinator, KafkaError::kCoordinatorLoadInProgress,
                KafkaError::kCoordinatorNotAvailable, KafkaError::kNone});
  EXPECT_EQ(Commit().outcome, EndTransactionOutcome::kDone);
  EXPECT_THAT(keys_, SizeIs(4));
  EXPECT_THAT(wait_.waited, ElementsAre(absl::ZeroDuration(), absl::Milliseconds(10),
                                        absl::Milliseconds(20), absl::Milliseconds(40)));
}

TEST_F(WireTransactionClientTest, ConcurrentTransactionsAreWaitedForAtTheSameCoordinator) {
  AnswerEndTxn({KafkaError::kConcurrentTransactions, KafkaError::kNone});
  EXPECT_EQ(Commit().outcome, EndTransactionOutcome::kDone);
  EXPECT_THAT(keys_, SizeIs(1));
}

TEST_F(WireTransactionClientTest, TheDeadlineEndsTheWaiting) {
  AnswerEndTxn({KafkaError::kConcurrentTransactions});
  const absl::Duration start = brokers_.clock.Monotonic();
  const EndTransactionAnswer answer = Commit(absl::Seconds(5));
  EXPECT_EQ(answer.outcome, EndTransactionOutcome::kNotAnswered);
  EXPECT_EQ(answer.detail.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_THAT(std::string(answer.detail.message()), HasSubstr("CONCURRENT_TRANSACTIONS (51)"));
  EXPECT_EQ(answer.unanswered_requests, 0);
  EXPECT_LE(brokers_.clock.Monotonic() - start, absl::Seconds(5));
  EXPECT_GE(brokers_.clock.Monotonic() - start, absl::Seconds(4));
}

// At the job's first start, too, its restart strategy goes on.
TEST_F(WireTransactionClientTest, AnAnswerThatPassesDoesNotEndAJob) {
  AnswerEndTxn({KafkaError::kCoordinatorLoadInProgress});
  const absl::Status late = Commit(absl::Seconds(5)).detail;
  EXPECT_TRUE(absl::IsDeadlineExceeded(late)) << late;
  EXPECT_EQ(FailurePolicyOf(late), FailurePolicy::kRestartJob);
}

// It was one: brokers are there, whatever came of the last try.
TEST_F(WireTransactionClientTest, NorDoesOneThatBrokersGaveBeforeTheyWent) {
  AnswerEndTxn({KafkaError::kCoordinatorLoadInProgress});
  brokers_.executor.PostAfter(absl::Seconds(1), [this] {
    brokers_.down = {{{"a", 1}, true}, {{"b", 2}, true}};
    brokers_.closed = brokers_.down;
  });
  const absl::Status late = Commit(absl::Seconds(5)).detail;
  EXPECT_THAT(std::string(late.message()), HasSubstr("refused"));
  EXPECT_EQ(FailurePolicyOf(late), FailurePolicy::kRestartJob);
}

TEST_F(WireTransactionClientTest, NorDoesAPartitionWithoutALeader) {
  leader_ = 3;
  const auto late = Client().FetchPartitionOffsets(kPartition, absl::Seconds(5)).status();
  EXPECT_THAT(std::string(late.message()), HasSubstr("there is none at present"));
  EXPECT_EQ(FailurePolicyOf(late), FailurePolicy::kRestartJob);
}

TEST_F(WireTransactionClientTest, BrokersThatNeverAnswerMay) {
  AnswerEndTxn({KafkaError::kNone});
  brokers_.down[{"a", 1}] = true;
  const absl::Status late = Commit(absl::Seconds(5)).detail;
  EXPECT_TRUE(absl::IsDeadlineExceeded(late)) << late;
  EXPECT_EQ(FailurePolicyOf(late), FailurePolicy::kByCode);
}

TEST_F(WireTransactionClientTest, LostAnswersAreCountedAndAskedForAgain) {
  brokers_.On<EndTxnRequest>([this](const BrokerAddress&, const EndTxnRequest&, EndTxnResponse&) {
    const std::vector<TestingReply> replies = {TestingReply::kCloseUnanswered, TestingReply::kNever,
                                               TestingReply::kAnswer};
    return replies[end_txns_++];
  });
  const EndTransactionAnswer answer = Commit();
  EXPECT_EQ(answer.outcome, EndTransactionOutcome::kDone);
  EXPECT_EQ(answer.unanswered_requests, 2);
  EXPECT_EQ(brokers_.connects, 4);  // to a, and three times to b
}

TEST_F(WireTransactionClientTest, ABrokerThatCannotBeReachedGotNoRequest) {
  AnswerEndTxn({KafkaError::kNone});
  brokers_.down[{"b", 2}] = true;
  const EndTransactionAnswer answer = Commit();
  EXPECT_EQ(answer.outcome, EndTransactionOutcome::kNotAnswered);
  EXPECT_EQ(answer.unanswered_requests, 0);
  EXPECT_THAT(std::string(answer.detail.message()), HasSubstr("b:2: refused"));
}

// Brokers close what has been idle for connections.max.idle.ms.
TEST_F(WireTransactionClientTest, AConnectionThatWasClosedAtRestGetsNoRequest) {
  AnswerEndTxn({KafkaError::kNone});
  EXPECT_EQ(Commit().outcome, EndTransactionOutcome::kDone);
  const int before = brokers_.connects;
  brokers_.closed[{"b", 2}] = true;
  const EndTransactionAnswer answer = Commit();
  EXPECT_EQ(answer.outcome, EndTransactionOutcome::kDone);
  EXPECT_EQ(answer.unanswered_requests, 0);
  EXPECT_EQ(brokers_.connects, before + 1);
}

TEST_F(WireTransactionClientTest, CancelEndsIt) {
  AnswerEndTxn({KafkaError::kNone});
  Client().Cancel();
  const EndTransactionAnswer answer = Commit();
  EXPECT_EQ(answer.outcome, EndTransactionOutcome::kNotAnswered);
  EXPECT_EQ(answer.detail.code(), absl::StatusCode::kCancelled);
  EXPECT_THAT(brokers_.calls, SizeIs(0));
}

TEST_F(WireTransactionClientTest, ABrokerWithoutTheRequestIsNamed) {
  const EndTransactionAnswer answer = Commit();
  EXPECT_EQ(answer.outcome, EndTransactionOutcome::kRefused);
  EXPECT_EQ(answer.detail.code(), absl::StatusCode::kUnimplemented);
}

class WriteOffsetTest : public WireTransactionClientTest {
 protected:
  // Answers with these, one after the other; the last one stays.
  void Answer(std::vector<KafkaError> announcements, std::vector<KafkaError> commits) {
    brokers_.On<AddOffsetsToTxnRequest>([this, announcements](const BrokerAddress&,
                                                              const AddOffsetsToTxnRequest& request,
                                                              AddOffsetsToTxnResponse& response) {
      announced_.push_back(request);
      response.error_code =
          Code(announcements[std::min(announced_.size(), announcements.size()) - 1]);
      return lost_answers_-- > 0 ? TestingReply::kCloseUnanswered : TestingReply::kAnswer;
    });
    brokers_.On<TxnOffsetCommitRequest>([this, commits](const BrokerAddress&,
                                                        const TxnOffsetCommitRequest& request,
                                                        TxnOffsetCommitResponse& response) {
      committed_.push_back(request);
      const KafkaError error = commits[std::min(committed_.size(), commits.size()) - 1];
      response.topics = {{"out", {{2, Code(error)}}}};
      return TestingReply::kAnswer;
    });
  }
  WriteOffsetAnswer Write(absl::Duration timeout = kTimeout) {
    return Client().WriteOffset("t", {4711, 3}, {"g", kPartition, 7, "m"}, timeout);
  }

  std::vector<AddOffsetsToTxnRequest> announced_;
  std::vector<TxnOffsetCommitRequest> committed_;
  int lost_answers_ = 0;
};

TEST_F(WriteOffsetTest, IsAnnouncedAndThenWritten) {
  Answer({KafkaError::kNone}, {KafkaError::kNone});
  const WriteOffsetAnswer answer = Write();
  EXPECT_EQ(answer.detail, absl::OkStatus());
  EXPECT_EQ(answer.unanswered_requests, 0);
  EXPECT_THAT(brokers_.calls, ElementsAre("FindCoordinator@a", "AddOffsetsToTxn@b",
                                          "FindCoordinator@a", "TxnOffsetCommit@b"));
  EXPECT_THAT(keys_, ElementsAre("t/1", "g/0"));
  EXPECT_EQ(announced_[0], (AddOffsetsToTxnRequest{"t", 4711, 3, "g"}));
  EXPECT_EQ(committed_[0].generation_id, -1);
  EXPECT_EQ(committed_[0].topics,
            (std::vector<TxnOffsetCommitRequest::Topic>{{"out", {{2, 7, -1, "m"}}}}));
}

// librdkafka gives up after two of these, and waits for ever.
TEST_F(WriteOffsetTest, WaitsForCoordinatorsThatMove) {
  Answer({KafkaError::kConcurrentTransactions, KafkaError::kNotCoordinator, KafkaError::kNone},
         {KafkaError::kCoordinatorNotAvailable, KafkaError::kCoordinatorNotAvailable,
          KafkaError::kCoordinatorNotAvailable, KafkaError::kCoordinatorLoadInProgress,
          KafkaError::kNone});
  EXPECT_EQ(Write().detail, absl::OkStatus());
  EXPECT_THAT(keys_, SizeIs(2 + 5));  // not for CONCURRENT_TRANSACTIONS
  EXPECT_THAT(announced_, SizeIs(3));
  EXPECT_THAT(committed_, SizeIs(5));
}

TEST_F(WriteOffsetTest, FencedIsAborted) {
  Answer({KafkaError::kProducerFenced}, {KafkaError::kNone});
  const WriteOffsetAnswer answer = Write();
  EXPECT_EQ(answer.detail.code(), absl::StatusCode::kAborted);
  EXPECT_THAT(std::string(answer.detail.message()),
              HasSubstr("offset of group g in the transaction of transactional id t, producer id "
                        "4711, epoch 3: the coordinator answers: PRODUCER_FENCED (90)"));
  EXPECT_THAT(committed_, SizeIs(0));
}

TEST_F(WriteOffsetTest, BothStepsHaveOneDeadline) {
  Answer({KafkaError::kNone}, {KafkaError::kCoordinatorLoadInProgress});
  const absl::Duration start = brokers_.clock.Monotonic();
  EXPECT_EQ(Write(absl::Seconds(5)).detail.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_LE(brokers_.clock.Monotonic() - start, absl::Seconds(5));
}

TEST_F(WriteOffsetTest, LostAnswersAreCounted) {
  Answer({KafkaError::kNone}, {KafkaError::kNone});
  lost_answers_ = 2;
  const WriteOffsetAnswer answer = Write();
  EXPECT_EQ(answer.detail, absl::OkStatus());
  EXPECT_EQ(answer.unanswered_requests, 2);
}

TEST_F(WireTransactionClientTest, TakesAnIdOverWhenTheOldTransactionIsAborted) {
  std::vector<KafkaError> errors = {KafkaError::kConcurrentTransactions, KafkaError::kNone};
  brokers_.On<InitProducerIdRequest>([&](const BrokerAddress&, const InitProducerIdRequest& request,
                                         InitProducerIdResponse& response) {
    EXPECT_EQ(request.transaction_timeout_ms, 60000);
    EXPECT_EQ(request.producer_id, -1);
    response.error_code = Code(errors.front());
    errors.erase(errors.begin());
    response.producer_id = 4711;
    response.producer_epoch = 5;
    return TestingReply::kAnswer;
  });
  EXPECT_EQ(*Client().InitProducerId("t", absl::Minutes(1), kTimeout),
            (ProducerIdAndEpoch{4711, 5}));
  errors = {KafkaError::kInvalidTransactionTimeout};
  EXPECT_EQ(Client().InitProducerId("t", absl::Minutes(1), kTimeout).status().code(),
            absl::StatusCode::kInvalidArgument);
  errors = {KafkaError::kProducerFenced};
  EXPECT_EQ(Client().InitProducerId("t", absl::Minutes(1), kTimeout).status().code(),
            absl::StatusCode::kAborted);
}

TEST_F(WireTransactionClientTest, ListsOfAllBrokersOrNotAtAll) {
  brokers_.On<ListTransactionsRequest>([](const BrokerAddress& at,
                                          const ListTransactionsRequest& request,
                                          ListTransactionsResponse& response) {
    EXPECT_THAT(request.state_filters, ElementsAre("Ongoing", "PrepareCommit"));
    response.transaction_states = {{at.host + "2", 1, "Ongoing"}, {at.host + "1", 2, "Strange"}};
    return TestingReply::kAnswer;
  });
  const auto list = [this] {
    return Client().ListTransactions({TransactionState::kOngoing, TransactionState::kPrepareCommit},
                                     kTimeout);
  };
  EXPECT_THAT(*list(), ElementsAre(ListedTransaction{"a1", 2, TransactionState::kUnknown},
                                   ListedTransaction{"a2", 1, TransactionState::kOngoing},
                                   ListedTransaction{"b1", 2, TransactionState::kUnknown},
                                   ListedTransaction{"b2", 1, TransactionState::kOngoing}));
  client_.reset();
  brokers_.down[{"b", 2}] = true;
  EXPECT_EQ(list().status().code(), absl::StatusCode::kDeadlineExceeded);
}

TEST_F(WireTransactionClientTest, DescribesWhatIsKnown) {
  brokers_.On<DescribeTransactionsRequest>([](const BrokerAddress&,
                                              const DescribeTransactionsRequest& request,
                                              DescribeTransactionsResponse& response) {
    EXPECT_THAT(request.transactional_ids, ElementsAre("t", "gone"));
    response.transaction_states = {
        {0, "t", "Ongoing", 60000, 1700000000000, 4711, 3, {{"out", {2, 0}}}},
        {Code(KafkaError::kTransactionalIdNotFound), "gone", "", 0, 0, 0, 0, {}}};
    return TestingReply::kAnswer;
  });
  const auto described = Client().DescribeTransactions({"t", "gone"}, kTimeout);
  ASSERT_TRUE(described.ok()) << described.status();
  ASSERT_THAT(*described, SizeIs(1));
  const DescribedTransaction& transaction = described->at("t");
  EXPECT_EQ(transaction.state, TransactionState::kOngoing);
  EXPECT_EQ(transaction.producer, (ProducerIdAndEpoch{4711, 3}));
  EXPECT_EQ(transaction.start_time, absl::FromUnixSeconds(1700000000));
  EXPECT_EQ(transaction.timeout, absl::Minutes(1));
  EXPECT_THAT(transaction.partitions,
              ElementsAre(TopicPartition{"out", 0}, TopicPartition{"out", 2}));
}

TEST_F(WireTransactionClientTest, OffsetsAreAbsentUnstableOrThere) {
  OffsetFetchResponse::Partition next;
  brokers_.On<OffsetFetchRequest>(
      [&](const BrokerAddress&, const OffsetFetchRequest& request, OffsetFetchResponse& response) {
        EXPECT_TRUE(request.require_stable);
        response.topics = {{"out", {next}}};
        return TestingReply::kAnswer;
      });
  const auto fetch = [this] { return Client().FetchOffset("g", kPartition, {}, kTimeout); };
  next = {2, -1, -1, "", 0};
  EXPECT_EQ(fetch()->kind, GroupOffset::Kind::kAbsent);
  next = {2, -1, -1, "", Code(KafkaError::kUnstableOffsetCommit)};
  EXPECT_EQ(fetch()->kind, GroupOffset::Kind::kUnstable);
  next = {2, 12, -1, "run:12", 0};
  EXPECT_EQ(*fetch(), (GroupOffset{GroupOffset::Kind::kValue, 12, "run:12"}));
  EXPECT_THAT(keys_, ElementsAre("g/0"));
  next = {2, -1, -1, "", Code(KafkaError::kTopicAuthorizationFailed)};
  EXPECT_EQ(fetch().status().code(), absl::StatusCode::kPermissionDenied);
}

TEST_F(WireTransactionClientTest, ReadsHeadersOverSeveralAnswers) {
  ServeLog();
  const auto read = Client().ReadBatchHeaders(kPartition, {6, 100}, kTimeout);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->offsets, (PartitionOffsets{5, 20, 15}));
  ASSERT_THAT(read->headers, SizeIs(3));
  EXPECT_EQ(read->headers[0].base_offset, 5);
  EXPECT_EQ(read->headers[2].last_offset, 19);
  EXPECT_EQ(std::count(brokers_.calls.begin(), brokers_.calls.end(), "Fetch@b"), 2);
  EXPECT_THAT(Client().ReadBatchHeaders(kPartition, {6, 10}, kTimeout)->headers, SizeIs(1));
  EXPECT_THAT(Client().ReadBatchHeaders(kPartition, {0, 5}, kTimeout)->headers, SizeIs(0));
  EXPECT_THAT(Client().ReadBatchHeaders(kPartition, {20, 30}, kTimeout)->headers, SizeIs(0));
}

TEST_F(WireTransactionClientTest, AMovedLeaderIsFoundAnew) {
  ServeLog();
  fetch_error_ = KafkaError::kNotLeaderOrFollower;
  EXPECT_THAT(Client().ReadBatchHeaders(kPartition, {5, 10}, kTimeout)->headers, SizeIs(1));
  EXPECT_EQ(std::count(brokers_.calls.begin(), brokers_.calls.end(), "Metadata@a"), 2);
}

TEST_F(WireTransactionClientTest, AMissingTopicIsReportedAfterAWhile) {
  topic_error_ = Code(KafkaError::kUnknownTopicOrPartition);
  const absl::Duration start = brokers_.clock.Monotonic();
  const auto offsets = Client().FetchPartitionOffsets(kPartition, kTimeout);
  EXPECT_EQ(offsets.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(offsets.status().message()), HasSubstr("partition 2 of Kafka topic out"));
  EXPECT_GE(brokers_.clock.Monotonic() - start, absl::Seconds(3));
  EXPECT_LE(brokers_.clock.Monotonic() - start, absl::Seconds(5));
}

TEST(ParseBootstrapServersTest, HostsAndPorts) {
  EXPECT_THAT(*ParseBootstrapServers("a:1, [::1]:9092"),
              ElementsAre(BrokerAddress{"a", 1}, BrokerAddress{"::1", 9092}));
  EXPECT_THAT(
      *ParseBootstrapServers("PLAINTEXT://a:1,b,[::1]"),
      ElementsAre(BrokerAddress{"a", 1}, BrokerAddress{"b", 9092}, BrokerAddress{"::1", 9092}));
  for (const char* bad : {"", "a:", "SSL://a:1", "plaintext://", "a:0", "a:70000", ":1"}) {
    EXPECT_EQ(ParseBootstrapServers(bad).status().code(), absl::StatusCode::kInvalidArgument)
        << bad;
  }
}

}  // namespace
}  // namespace weir::kafka
