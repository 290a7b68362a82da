// The exchange over real gRPC: Unix sockets and TCP, several threads, secrets, killed peers.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <cstdlib>
#include <thread>
#include <tuple>

#include "tests/support/exchange/exchange_peer.h"
#include "tests/support/process/child_process.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/taskmanager/exchange/testing_exchange.h"

namespace weir::taskmanager {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

void Connect(const ChannelId& id, const ExchangePeer& to, const std::string& from_name,
             const std::string& to_name, ExchangePlan* from_plan, ExchangePlan* to_plan) {
  from_plan->outputs.push_back({id, WorkerId(to_name), to.address()});
  to_plan->inputs.push_back({id, WorkerId(from_name), NumbersSchema()});
}

// A thread that pushes `batches` batches of `rows` counting rows, a barrier after every tenth, and
// the end.
std::thread Producer(std::shared_ptr<ChannelOutput> output, size_t batches, size_t rows) {
  auto waiter = std::make_shared<Waiter>();
  output->SetProducerWakeup([waiter] { waiter->Do([] {}); });
  return std::thread([output, waiter, batches, rows] {
    for (size_t i = 0; i < batches; ++i) {
      WEIR_CHECK(waiter->Until([&] { return output->HasRoom(); }));
      WEIR_CHECK(output->Push(CountingBatch(static_cast<int64_t>(i * rows), rows)).ok());
      if (i % 10 == 9) WEIR_CHECK(output->Push(Barrier{Epoch(i), LeaderTerm(1)}).ok());
    }
    WEIR_CHECK(output->Push(EndOfInput()).ok());
  });
}

// Takes all up to the end; checks that rows count up and barriers stand where they were put.
void Consume(ChannelInput& input, Waiter& waiter, size_t batches, size_t rows) {
  int64_t next = 0;
  size_t barriers = 0;
  while (true) {
    std::optional<ChannelElement> element;
    ASSERT_TRUE(waiter.Until([&] {
      element = input.Pop();
      return element.has_value();
    }));
    if (std::holds_alternative<EndOfInput>(*element)) break;
    if (const auto* barrier = std::get_if<Barrier>(&*element)) {
      ++barriers;
      ASSERT_EQ(next, static_cast<int64_t>((barrier->epoch.value() + 1) * rows));
      continue;
    }
    const Batch& batch = *std::get<BatchPtr>(*element);
    for (size_t row = 0; row < batch.num_rows(); ++row) {
      ASSERT_EQ(batch.column(0).int64s()[row], next++);
    }
  }
  EXPECT_EQ(next, static_cast<int64_t>(batches * rows));
  EXPECT_EQ(barriers, batches / 10);
}

class ExchangeTest : public testing::Test {
 protected:
  std::string Socket(const std::string& name) {
    return absl::StrCat("unix:", directory_.path(), "/", name, ".sock");
  }

  void CarryBothWays(const std::string& first_address, const std::string& second_address,
                     ExchangePeer::Tls tls = ExchangePeer::Tls::kOff) {
    constexpr size_t kBatches = 200;
    constexpr size_t kRows = 3'000;
    constexpr uint32_t kChannels = 4;
    ExchangePeer w0("w0", first_address, tls);
    ExchangePeer w1("w1", second_address, tls);
    ExchangePlan plan0 = {.generation = Generation(1)};
    ExchangePlan plan1 = plan0;
    for (uint32_t i = 0; i < kChannels; ++i) {
      Connect({1, i, 0}, w1, "w0", "w1", &plan0, &plan1);
      Connect({2, i, 0}, w0, "w1", "w0", &plan1, &plan0);
    }
    ASSERT_TRUE(w0.Open(plan0).ok());
    ASSERT_TRUE(w1.Open(plan1).ok());
    std::vector<std::thread> threads;
    for (uint32_t i = 0; i < kChannels; ++i) {
      for (auto [from, to, edge] : {std::tuple(&w0, &w1, 1u), std::tuple(&w1, &w0, 2u)}) {
        const auto input = to->Input({edge, i, 0});
        const auto waiter = std::make_shared<Waiter>();
        input->SetConsumerWakeup([waiter] { waiter->Do([] {}); });
        threads.emplace_back([input, waiter] { Consume(*input, *waiter, kBatches, kRows); });
        threads.push_back(Producer(from->Output({edge, i, 0}), kBatches, kRows));
      }
    }
    EXPECT_TRUE(w0.AwaitReady());
    EXPECT_TRUE(w1.AwaitReady());
    for (std::thread& thread : threads) thread.join();
    EXPECT_GT(w0.counters().bytes_sent.load(), kBatches * kRows * kChannels * sizeof(int64_t));
    EXPECT_EQ(w0.counters().bytes_received.load(), w1.counters().bytes_sent.load());
  }

  TemporaryDirectory directory_;
};

TEST_F(ExchangeTest, CarriesAllBothWaysOverUnixSockets) {
  CarryBothWays(Socket("w0"), Socket("w1"));
}

TEST_F(ExchangeTest, CarriesAllBothWaysOverTcp) { CarryBothWays("127.0.0.1:0", "127.0.0.1:0"); }

TEST_F(ExchangeTest, CarriesAllBothWaysOverTls) {
  CarryBothWays("127.0.0.1:0", "127.0.0.1:0", ExchangePeer::Tls::kOn);
}

// Whoever listens there now is not the worker that is meant.
TEST_F(ExchangeTest, AnotherCertificateIsNotTalkedTo) {
  ExchangePeer w0("w0", "127.0.0.1:0", ExchangePeer::Tls::kOn);
  ExchangePeer w1("w1", "127.0.0.1:0", ExchangePeer::Tls::kOn);
  ExchangePlan plan0 = {.generation = Generation(1)};
  ExchangePlan plan1 = plan0;
  Connect({1, 0, 0}, w1, "w0", "w1", &plan0, &plan1);
  plan0.outputs[0].address.certificate = w0.address().certificate;
  ASSERT_TRUE(w1.Open(plan1).ok());
  ASSERT_TRUE(w0.Open(plan0).ok());
  Waiter waiter;
  EXPECT_FALSE(
      waiter.Until([&] { return w1.counters().frames_received.load() > 0; }, absl::Seconds(1)));
  bool ready = true;
  w0.Run([&] { ready = w0.endpoint().ready(); });
  EXPECT_FALSE(ready);
}

TEST_F(ExchangeTest, AnotherSecretIsRefusedAndReported) {
  ExchangePeer w0("w0", Socket("w0"));
  ExchangePeer w1("w1", Socket("w1"));
  ExchangePlan plan0 = {.generation = Generation(1)};
  ExchangePlan plan1 = plan0;
  Connect({1, 0, 0}, w1, "w0", "w1", &plan0, &plan1);
  plan0.outputs[0].address.secret = "open barley";
  ASSERT_TRUE(w1.Open(plan1).ok());
  ASSERT_TRUE(w0.Open(plan0).ok());
  EXPECT_THAT(w0.AwaitBroken(),
              ElementsAre(AllOf(HasSubstr("w1: UNAUTHENTICATED"), HasSubstr("secret"))));
}

TEST_F(ExchangeTest, PeerThatListensLaterIsFound) {
  ExchangePeer w0("w0", Socket("w0"));
  ExchangePlan plan0 = {.generation = Generation(1)};
  ExchangePlan plan1 = plan0;
  plan0.outputs.push_back({{1, 0, 0}, WorkerId("w1"), {Socket("w1"), kSecret}});
  plan1.inputs.push_back({{1, 0, 0}, WorkerId("w0"), NumbersSchema()});
  ASSERT_TRUE(w0.Open(plan0).ok());
  ASSERT_TRUE(w0.Output({1, 0, 0})->Push(EndOfInput()).ok());
  ExchangePeer w1("w1", Socket("w1"));
  ASSERT_TRUE(w1.Open(plan1).ok());
  EXPECT_TRUE(w0.AwaitReady());
  EXPECT_TRUE(w1.AwaitReady());
}

// Generations follow each other while data flows; each works, and nothing hangs.
TEST_F(ExchangeTest, NextGenerationsOpenWhileDataFlows) {
  ExchangePeer w0("w0", Socket("w0"));
  ExchangePeer w1("w1", Socket("w1"));
  ExchangePlan plan0;
  ExchangePlan plan1;
  Connect({1, 0, 0}, w1, "w0", "w1", &plan0, &plan1);
  Connect({2, 0, 0}, w0, "w1", "w0", &plan1, &plan0);
  for (uint64_t generation = 1; generation <= 10; ++generation) {
    plan0.generation = plan1.generation = Generation(generation);
    ASSERT_TRUE(w0.Open(plan0).ok());
    ASSERT_TRUE(w1.Open(plan1).ok());
    ASSERT_TRUE(w0.AwaitReady()) << generation;
    ASSERT_TRUE(w1.AwaitReady()) << generation;
    const auto output = w0.Output({1, 0, 0});
    const auto input = w1.Input({1, 0, 0});
    const auto waiter = std::make_shared<Waiter>();
    input->SetConsumerWakeup([waiter] { waiter->Do([] {}); });
    for (int64_t i = 0; i < 20; ++i) ASSERT_TRUE(output->Push(CountingBatch(i, 10'000)).ok());
    EXPECT_TRUE(waiter->Until([&] { return input->Pop().has_value(); }));
  }
}

// Started by the next test as a process of its own.
TEST(ExchangePeerProcess, DISABLED_SendsAndWaitsToBeKilled) {
  const char* own = getenv("WEIR_TEST_OWN_ADDRESS");
  const char* peer = getenv("WEIR_TEST_PEER_ADDRESS");
  ASSERT_TRUE(own != nullptr && peer != nullptr);
  ExchangePeer w1("w1", own);
  ExchangePlan plan = {.generation = Generation(1)};
  plan.outputs.push_back({{2, 0, 0}, WorkerId("w0"), {peer, kSecret}});
  plan.inputs.push_back({{1, 0, 0}, WorkerId("w0"), NumbersSchema()});
  ASSERT_TRUE(w1.Open(plan).ok());
  ASSERT_TRUE(w1.AwaitReady());
  ASSERT_TRUE(w1.Output({2, 0, 0})->Push(NumbersBatch({42})).ok());
  Waiter never;
  never.Until([] { return false; }, absl::Seconds(60));
}

TEST_F(ExchangeTest, KilledPeerIsReportedOnceAtOnce) {
  ExchangePeer w0("w0", Socket("w0"));
  ExchangePlan plan = {.generation = Generation(1)};
  plan.outputs.push_back({{1, 0, 0}, WorkerId("w1"), {Socket("w1"), kSecret}});
  plan.inputs.push_back({{2, 0, 0}, WorkerId("w1"), NumbersSchema()});
  ASSERT_TRUE(w0.Open(plan).ok());
  ChildProcessOptions options;
  options.argv = {"/proc/self/exe", "--gtest_also_run_disabled_tests",
                  "--gtest_filter=ExchangePeerProcess.DISABLED_SendsAndWaitsToBeKilled"};
  options.environment = {{"WEIR_TEST_OWN_ADDRESS", Socket("w1")},
                         {"WEIR_TEST_PEER_ADDRESS", Socket("w0")}};
  options.log_file = directory_.File("peer.log");
  auto child = ChildProcess::Start(options);
  ASSERT_TRUE(child.ok()) << child.status();
  ASSERT_TRUE(w0.AwaitReady());
  const auto input = w0.Input({2, 0, 0});
  std::optional<ChannelElement> element;
  const auto waiter = std::make_shared<Waiter>();
  input->SetConsumerWakeup([waiter] { waiter->Do([] {}); });
  ASSERT_TRUE(waiter->Until([&] { return (element = input->Pop()).has_value(); }));
  EXPECT_EQ(TextOf({*element}), " batch,42");
  const SystemClock clock;
  const absl::Duration start = clock.Monotonic();
  ASSERT_TRUE((*child)->Kill(SIGKILL).ok());
  EXPECT_THAT(w0.AwaitBroken(),
              ElementsAre(HasSubstr("w1: UNAVAILABLE: worker w0 has lost its connection with "
                                    "worker w1 in generation 1: ")));
  EXPECT_LT(clock.Monotonic() - start, absl::Seconds(1));
  // Both links to it break; it is told once.
  EXPECT_FALSE(
      Waiter().Until([&] { return w0.AwaitBroken().size() > 1; }, absl::Milliseconds(200)));
  EXPECT_EQ(w0.AwaitBroken().size(), 1u);
}

}  // namespace
}  // namespace weir::taskmanager
