// Rolling Reduce and Aggregate over checkpoints, at 1 -> 3 -> 2: each row makes of its key what an
// oracle makes of all rows of that key.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

#include "common/base/seeded_random.h"
#include "tests/unit/api/weir/on_each_backend.h"
#include "tests/unit/api/weir/operator_fleet.h"
#include "weir/keyed_stream.h"

namespace weir {
namespace {

/// With their trails more than the memory of OnEachBackend holds.
constexpr int64_t kAccounts = 1500;
constexpr size_t kLongestTrail = 200;

struct Payment {
  std::string account;
  int64_t amount = 0;
  std::string trail;
  WEIR_RECORD(Payment, account, amount, trail)
};

/// The accumulator; not what comes out.
struct Balance {
  std::string account;
  int64_t payments = 0;
  int64_t total = 0;
  std::string trail;
  WEIR_RECORD(Balance, account, payments, total, trail)
};

struct Statement {
  std::string account;
  int64_t payments = 0;
  double mean = 0;
  std::string trail;
  WEIR_RECORD(Statement, account, payments, mean, trail)
};

/// As far as there is room. So the order of the rows shows.
void AddToTrail(std::string_view more, std::string& trail) {
  trail += more;
  if (trail.size() > kLongestTrail) trail.erase(0, trail.size() - kLongestTrail);
}

Payment AddPayment(const Payment& before, const Payment& now) {
  Payment sum{before.account, before.amount + now.amount, before.trail};
  AddToTrail(now.trail, sum.trail);
  return sum;
}

class BalanceOfPayments final : public AggregateFunction<Payment::View, Balance, Statement> {
 public:
  void Add(const Payment::View& payment, Balance& balance) const override {
    balance.account = std::string(payment.account);
    ++balance.payments;
    balance.total += payment.amount;
    AddToTrail(payment.trail, balance.trail);
  }
  Statement GetResult(const Balance& balance) const override {
    const double mean = static_cast<double>(balance.total) / static_cast<double>(balance.payments);
    return {balance.account, balance.payments, mean, balance.trail};
  }
};

/// All payments of one account, in their order.
using Payments = std::vector<Payment>;

int64_t TotalOf(const Payments& payments) {
  int64_t total = 0;
  for (const Payment& payment : payments) total += payment.amount;
  return total;
}
std::string TrailOf(const Payments& payments) {
  std::string trail;
  for (const Payment& payment : payments) trail += payment.trail;
  return trail.substr(trail.size() - std::min(trail.size(), kLongestTrail));
}

/// What the oracle says of them.
template <class Out>
Out Expected(const Payments& payments);
template <>
Payment Expected<Payment>(const Payments& payments) {
  return {payments.back().account, TotalOf(payments), TrailOf(payments)};
}
template <>
Statement Expected<Statement>(const Payments& payments) {
  const auto count = static_cast<int64_t>(payments.size());
  const double mean = static_cast<double>(TotalOf(payments)) / static_cast<double>(count);
  return {payments.back().account, count, mean, TrailOf(payments)};
}

std::string TextOf(const Payment& payment) {
  return absl::StrCat(payment.amount, " ", payment.trail);
}
std::string TextOf(const Statement& statement) {
  return absl::StrCat(statement.payments, " of ", statement.mean, " ", statement.trail);
}

struct Rows {
  std::vector<Payment> payments;
  std::vector<int64_t> times;
};

/// Random rows through a fleet, and through the oracle.
template <class Out>
class RollingRun {
 public:
  RollingRun(typename OperatorFleet<Payment, Out>::Pipeline pipeline,
             const testing::HarnessOptions& options, uint64_t seed)
      : random_(seed), fleet_("rolling", std::move(pipeline), 1, options) {}

  void OneThenThreeThenTwo() {
    ASSERT_NO_FATAL_FAILURE(PushAndCompare(RandomRows()));
    ASSERT_NO_FATAL_FAILURE(RestartAndPush(3));
    ASSERT_NO_FATAL_FAILURE(RestartAndPush(2));
    ASSERT_NO_FATAL_FAILURE(PushAndCompare(OneOfEach()));
    EXPECT_EQ(paid_.size(), static_cast<size_t>(kAccounts));
    ExpectStateOfAll();
  }

 private:
  // The rows behind the checkpoint, and what came of them, are lost with the old subtasks; the new
  // ones get them again.
  void RestartAndPush(uint32_t parallelism) {
    SCOPED_TRACE(absl::StrCat(fleet_.parallelism(), " to ", parallelism));
    const Rows rows = RandomRows();
    const std::vector<std::string> checkpoint = fleet_.Checkpoint();
    Push(rows);
    fleet_.StartFrom(checkpoint, parallelism);
    ExpectStateOfAll();
    ASSERT_NO_FATAL_FAILURE(PushAndCompare(rows));
    for (uint32_t index = 0; index < parallelism; ++index) {
      EXPECT_GT(fleet_.subtask(index).Books("rolling").records_in, 0u) << "subtask " << index;
    }
  }
  void ExpectStateOfAll() {
    EXPECT_EQ(fleet_.Contents().entries, paid_.size()) << "accounts in the snapshots";
    EXPECT_EQ(fleet_.error(), "");
  }

  // Not every account has one.
  Rows RandomRows() {
    Rows rows;
    for (int64_t row = 0; row < 2 * kAccounts; ++row) {
      AddRow(static_cast<int64_t>(random_.Below(kAccounts)), rows);
    }
    return rows;
  }
  Rows OneOfEach() {
    Rows rows;
    for (int64_t account = 0; account < kAccounts; ++account) AddRow(account, rows);
    return rows;
  }
  void AddRow(int64_t account, Rows& rows) {
    const auto letter = static_cast<char>('a' + random_.Below(26));
    rows.payments.push_back({absl::StrCat("account ", account),
                             static_cast<int64_t>(random_.Below(2000)) - 1000,
                             std::string(random_.Below(80), letter)});
    rows.times.push_back(static_cast<int64_t>(random_.Below(1'000'000)));
  }

  // In batches of any size.
  void Push(const Rows& rows) {
    const auto part = [](const auto& all, size_t from, size_t to) {
      return std::vector(all.begin() + static_cast<ptrdiff_t>(from),
                         all.begin() + static_cast<ptrdiff_t>(to));
    };
    for (size_t from = 0; from < rows.payments.size();) {
      const size_t to = std::min(rows.payments.size(), from + 1 + random_.Below(500));
      fleet_.Push(part(rows.payments, from, to), part(rows.times, from, to));
      from = to;
    }
  }
  void PushAndCompare(const Rows& rows) {
    std::map<std::string, std::vector<std::string>> expected;  // of an account
    for (size_t row = 0; row < rows.payments.size(); ++row) {
      const Payment& payment = rows.payments[row];
      Payments& paid = paid_[payment.account];
      paid.push_back(payment);
      expected[payment.account].push_back(
          absl::StrCat(TextOf(Expected<Out>(paid)), " at ", rows.times[row]));
    }
    Push(rows);
    const auto outputs = fleet_.TakeOutputs();
    EXPECT_EQ(outputs.size(), rows.payments.size()) << fleet_.error();
    std::map<std::string, std::vector<std::string>> texts;
    for (const auto& output : outputs) {
      texts[output.record.account].push_back(
          absl::StrCat(TextOf(output.record), " at ", output.event_time_us.value_or(-1)));
    }
    for (const auto& [account, of_account] : expected) {
      ASSERT_EQ(texts[account], of_account) << account;
    }
    EXPECT_EQ(texts.size(), expected.size()) << "accounts that nobody has paid into";
  }

  SeededRandom random_;
  OperatorFleet<Payment, Out> fleet_;
  std::map<std::string, Payments> paid_;
};

class RollingRestore : public OnEachBackend {
 protected:
  template <class Out>
  static void OneThenThreeThenTwo(const typename OperatorFleet<Payment, Out>::Pipeline& pipeline) {
    const uint64_t seeds = rocks() ? 1 : 3;  // fewer where files are written
    for (uint64_t seed = 1; seed <= seeds && !HasFailure(); ++seed) {
      SCOPED_TRACE(absl::StrCat("seed ", seed));
      RollingRun<Out>(pipeline, Options(), seed).OneThenThreeThenTwo();
    }
  }
};

WEIR_INSTANTIATE_ON_EACH_BACKEND(RollingRestore);

TEST_P(RollingRestore, ReduceGoesOnAtOneThenThreeThenTwo) {
  OneThenThreeThenTwo<Payment>([](const DataStream<Payment>& payments) {
    return payments.KeyBy(&Payment::account).Reduce(AddPayment).Name("rolling");
  });
}

TEST_P(RollingRestore, AggregateGoesOnAtOneThenThreeThenTwo) {
  OneThenThreeThenTwo<Statement>([](const DataStream<Payment>& payments) {
    return payments.KeyBy(&Payment::account).Aggregate(BalanceOfPayments()).Name("rolling");
  });
}

}  // namespace
}  // namespace weir
