#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/net/message_stream.h"
#include "proto/control.pb.h"
#include "tests/sim/sim_config.h"
#include "tests/sim/sim_process.h"

namespace weir::sim {

/// What accepts control streams at an address: a JobManager process.
struct SimServer {
  SimProcess* process = nullptr;
  std::function<uint64_t(std::function<void(proto::Envelope)> send, std::function<void()> close)>
      on_up;
  std::function<void(uint64_t stream, const proto::Envelope&)> on_message;
  std::function<void(uint64_t stream)> on_down;
};

/// Who sent a message and with which right, whatever its header says when it arrives.
struct TrueOrigin {
  uint64_t term = 0;
  uint64_t generation = 0;
};

/// Streams between the TaskManagers' and the JobManagers' hosts. Messages are serialized, delayed
/// and parsed; a stream keeps order and loses nothing until it breaks, except that the configured
/// share of messages is dropped, doubled or overtaken, which the control protocol promises to
/// survive. A partition holds messages back; a stream that is held for long breaks on both sides.
class SimNetwork {
 public:
  /// Edits a message on arrival, for planted bugs. `to_leader`: TaskManager -> JobManager.
  using Edit = std::function<void(bool to_leader, proto::Envelope* envelope)>;

  SimNetwork(SimWorld& world, const SimConfig& config);
  ~SimNetwork();

  void Listen(const std::string& address, SimServer server) { servers_[address] = server; }
  std::unique_ptr<MessageStream> Connect(SimProcess& client, const std::string& address,
                                         MessageStreamCallbacks callbacks);

  /// Messages from one host to another do not arrive until the given time.
  void Partition(const std::string& from, const std::string& to, absl::Duration until);
  /// Between that host and all that listen, in both directions.
  void Isolate(const std::string& host, absl::Duration until);
  /// Breaks every stream of that host.
  void BreakStreams(const std::string& host);
  void Heal();
  void SetEdit(Edit edit) { edit_ = std::move(edit); }

  void RecordOrigin(const std::string& sender, uint64_t sequence, TrueOrigin origin) {
    origins_[{sender, sequence}] = origin;
  }
  TrueOrigin OriginOf(const proto::Header& header) const;

 private:
  friend class SimClientStream;
  struct Connection;
  using ConnectionPtr = std::shared_ptr<Connection>;

  void Accept(const ConnectionPtr& connection);
  void Send(const ConnectionPtr& connection, bool to_leader, const proto::Envelope& envelope);
  void Arrive(const ConnectionPtr& connection, bool to_leader, const std::string& bytes,
              absl::Duration sent_at);
  void Hand(const ConnectionPtr& connection, bool to_leader, proto::Envelope envelope);
  void CloseFromClient(const ConnectionPtr& connection);
  void Break(const ConnectionPtr& connection);
  void BreakSide(const ConnectionPtr& connection, bool client_side, absl::Duration delay);
  bool IsPartitioned(const std::string& from, const std::string& to) const;

  SimWorld& world_;
  const SimConfig& config_;
  SeededRandom random_;
  Edit edit_;
  std::map<std::string, SimServer> servers_;
  std::vector<ConnectionPtr> connections_;
  std::map<std::pair<std::string, std::string>, absl::Duration> partitions_;
  std::map<std::pair<std::string, uint64_t>, TrueOrigin> origins_;
  bool healed_ = false;
};

}  // namespace weir::sim
