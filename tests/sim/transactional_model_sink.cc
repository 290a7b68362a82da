// The exactly-once sink of the product, on the model of Kafka's brokers.
#include <memory>
#include <string>
#include <utility>

#include "connectors/kafka/transactional/committable.h"
#include "connectors/kafka/transactional/transactional_committer.h"
#include "connectors/kafka/transactional/transactional_writer.h"
#include "tests/sim/broker/model_kafka_clients.h"
#include "tests/sim/broker/model_transaction_client.h"
#include "tests/sim/model_writer.h"
#include "tests/sim/planted_transactions.h"
#include "tests/sim/replay_interruption.h"
#include "tests/sim/sim_broker_link.h"
#include "tests/sim/wrapped_clients.h"

namespace weir::sim {
namespace {

kafka::TransactionClientFactory TransactionClients(ModelContext& context) {
  return [&context]() -> absl::StatusOr<std::shared_ptr<kafka::TransactionClient>> {
    return std::make_shared<ModelTransactionClient>(context.brokers.broker(), *context.link);
  };
}

std::shared_ptr<const kafka::KafkaClientFactory> Clients(ModelContext& context) {
  return PlantInClients(
      context, std::make_shared<ModelKafkaClients>(context.brokers.broker(), *context.link));
}

/// A producer that is never used again behind its transaction.
class FreshProducer final : public WrappedProducer {
 public:
  using WrappedProducer::WrappedProducer;
  bool repeated() const override { return committed_ || WrappedProducer::repeated(); }
  absl::Status Commit(absl::Duration timeout) override {
    const absl::Status status = WrappedProducer::Commit(timeout);
    committed_ = committed_ || status.ok();
    return status;
  }

 private:
  bool committed_ = false;
};

std::shared_ptr<const kafka::KafkaClientFactory> WriterClients(ModelContext& context) {
  if (!context.config.fresh_handles) return Clients(context);
  return WrapClients(Clients(context),
                     [](std::unique_ptr<kafka::KafkaTransactionalProducer> producer,
                        const kafka::TransactionalProducerOptions&) {
                       return std::make_unique<FreshProducer>(std::move(producer));
                     });
}

/// The product's writer; looks on, and fails when the world is hostile.
class ExactlyOnceModelWriter final : public ModelWriter {
 public:
  ExactlyOnceModelWriter(ModelContext& context, const SinkWriterContext& writer)
      : ModelWriter(context, writer.subtask_index) {
    kafka::TransactionalWriterSetup setup;
    setup.options = context.brokers.sink();
    setup.context = writer;
    setup.clients = WriterClients(context);
    setup.transaction_clients = TransactionClients(context);
    if (context.config.bug == PlantedBug::kRepeatedHandleReused) {
      setup.transaction_clients =
          PlantInTransactionClients(context, std::move(setup.transaction_clients), {});
    }
    setup.stop_patience = absl::ZeroDuration();  // real time would stand still
    writer_ =
        std::make_unique<kafka::TransactionalWriter>(std::move(setup), context.process->clock);
  }

  ~ExactlyOnceModelWriter() override {
    if (context_.config.bug != PlantedBug::kPreparedAborted || !context_.process->alive()) return;
    for (const std::string& bytes : prepared_) {
      const kafka::Committable one = *kafka::Committable::Decode(bytes);
      BrokerCall call;
      call.what = "abort";
      call.timeout = absl::Seconds(5);
      call.request = [&broker = context_.brokers.broker(), one] {
        return broker.EndTransaction(one.transactional_id, one.marker.producer,
                                     kafka::TransactionResult::kAbort);
      };
      context_.link->Send(std::move(call), [](const BrokerAnswer&) {});
    }
  }

  void SetWakeup(std::function<void()> wakeup) override {
    wakeup_ = wakeup;
    writer_->SetWakeup(std::move(wakeup));
  }
  absl::Status Open(const std::string& recovered) override { return writer_->Open(recovered); }
  bool HasRoom() override { return writer_->HasRoom() && !rests(); }
  absl::Status Write(const BatchPtr& batch) override {
    Rest(batch->num_rows());
    if (!context_.config.keyed.on()) RangesOf(*batch);
    return writer_->Write(batch);
  }
  void PrepareCommit(Epoch epoch, PrepareDone done) override {
    RecordBarrier(epoch);
    if (context_.outside.Refuses(random_)) {
      return done(absl::UnavailableError("the model sink refuses"));
    }
    writer_->PrepareCommit(epoch, [this, alive = alive_, epoch, done = std::move(done)](
                                      absl::StatusOr<std::vector<std::string>> prepared) {
      if (prepared.ok() && *alive) {
        prepared_ = *prepared;
        *prepared = PlantInCommittables(context_, epoch, *std::move(prepared));
        if (context_.config.bug == PlantedBug::kCommitWithoutPermit) {
          writer_->Commit(PermitAuthority::Grant(epoch, LeaderTerm(1)), [](const absl::Status&) {});
        }
      }
      done(std::move(prepared));
    });
  }
  void Commit(const CommitPermit& permit, CommitDone done) override {
    if (context_.outside.Refuses(random_)) {
      return done(absl::UnavailableError("the model sink does not commit"));
    }
    writer_->Commit(
        permit, [this, alive = alive_, permit, done = std::move(done)](const absl::Status& status) {
          done(status);
          if (!*alive || !status.ok()) return;
          prepared_.clear();
          if (context_.config.bug == PlantedBug::kSlotReusedEarly) {
            Later(absl::ZeroDuration(), [this, permit] { writer_->OnReceipt(permit.epoch()); });
          }
        });
  }
  std::string DescribeCommittable(const std::string& committable) const override {
    return writer_->DescribeCommittable(committable);
  }
  void OnReceipt(Epoch epoch) override { writer_->OnReceipt(epoch); }

 private:
  std::unique_ptr<SinkWriter> writer_;
  std::vector<std::string> prepared_;  // as last answered, and not committed
};

class ExactlyOnceModelCommitter final : public SinkCommitter {
 public:
  explicit ExactlyOnceModelCommitter(ModelContext& context)
      : context_(context),
        random_(context.world.Fork(absl::StrCat("committer ", context.worker))) {}

  absl::StatusOr<std::string> Recover(const SinkRecovery& recovery) override {
    if (!recovery.uncommitted.empty() && context_.outside.Refuses(random_)) {
      return absl::UnavailableError("the model sink does not commit");
    }
    Make(recovery);
    return committer_->Recover(PlantInRecovery(context_, recovery));
  }
  absl::Status Release() override { return committer_->Release(); }
  absl::Status Sweep(const SinkIdentity& identity, const std::string& recovered) override {
    SinkRecovery recovery;
    Make(recovery);
    return committer_->Sweep(identity, recovered);
  }

 private:
  void Make(const SinkRecovery& recovery) {
    const kafka::ResolvedSinkOptions& sink = context_.brokers.sink();
    kafka::TransactionalCommitterSetup setup;
    setup.configuration = sink.configuration;
    setup.topic = sink.options.topic;
    setup.transaction_timeout = sink.transaction_timeout;
    setup.transaction_timeout_set = sink.transaction_timeout_set;
    const auto interruption = std::make_shared<ReplayInterruption>(context_);
    setup.clients = InterruptReplays(Clients(context_), interruption);
    setup.steps = interruption;
    setup.transaction_clients =
        PlantInTransactionClients(context_, TransactionClients(context_), recovery);
    setup.wait = std::make_shared<SimRetryWait>(*context_.link);
    committer_ =
        std::make_unique<kafka::TransactionalCommitter>(std::move(setup), context_.process->clock);
  }

  ModelContext& context_;
  SeededRandom random_;
  std::unique_ptr<SinkCommitter> committer_;
};

}  // namespace

std::unique_ptr<SinkWriter> MakeTransactionalModelWriter(ModelContext& context,
                                                         const SinkWriterContext& writer) {
  return std::make_unique<ExactlyOnceModelWriter>(context, writer);
}

std::unique_ptr<SinkCommitter> MakeTransactionalModelCommitter(ModelContext& context) {
  return std::make_unique<ExactlyOnceModelCommitter>(context);
}

}  // namespace weir::sim
