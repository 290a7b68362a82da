#include "tests/sim/sim_network.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

#include "common/base/check.h"

namespace weir::sim {
namespace {
// How long a side waits for a peer that does not answer: the transport's keep-alive.
constexpr absl::Duration kKeepAlive = absl::Seconds(2);
}  // namespace

struct SimNetwork::Connection {
  SimProcess* client = nullptr;
  SimServer server;
  MessageStreamCallbacks callbacks;
  uint64_t stream = 0;
  bool client_open = true;
  bool server_open = false;
  absl::Duration last_arrival[2];
};

class SimClientStream final : public MessageStream {
 public:
  SimClientStream(SimNetwork& network, SimNetwork::ConnectionPtr connection)
      : network_(network), connection_(std::move(connection)) {}
  ~SimClientStream() override { Close(); }
  void Send(proto::Envelope message) override { network_.Send(connection_, true, message); }
  void Close() override { network_.CloseFromClient(connection_); }

 private:
  SimNetwork& network_;
  const SimNetwork::ConnectionPtr connection_;
};

SimNetwork::SimNetwork(SimWorld& world, const SimConfig& config)
    : world_(world), config_(config), random_(world.Fork("network")) {}

SimNetwork::~SimNetwork() {
  for (const ConnectionPtr& one : connections_) one->callbacks = {};
}

bool SimNetwork::IsPartitioned(const std::string& from, const std::string& to) const {
  const auto it = partitions_.find({from, to});
  return it != partitions_.end() && world_.now() < it->second;
}

void SimNetwork::Partition(const std::string& from, const std::string& to, absl::Duration until) {
  world_.Trace("partition", absl::StrCat(from, ">", to));
  partitions_[{from, to}] = until;
}

void SimNetwork::Isolate(const std::string& host, absl::Duration until) {
  for (const auto& [address, server] : servers_) {
    Partition(host, address, until);
    Partition(address, host, until);
  }
}

void SimNetwork::Heal() {
  healed_ = true;
  partitions_.clear();
}

std::unique_ptr<MessageStream> SimNetwork::Connect(SimProcess& client, const std::string& address,
                                                   MessageStreamCallbacks callbacks) {
  auto connection = std::make_shared<Connection>();
  connection->client = &client;
  connection->callbacks = std::move(callbacks);
  connections_.push_back(connection);
  client.AtDeath([this, connection] {
    connection->client_open = false;
    BreakSide(connection, false, absl::Milliseconds(Between(random_, 1, 30)));
  });
  const auto server = servers_.find(address);
  if (server == servers_.end() || !server->second.process->alive()) {
    BreakSide(connection, true, absl::Milliseconds(Between(random_, 1, 20)));
  } else {
    connection->server = server->second;
    world_.Schedule(absl::Microseconds(Between(random_, 200, 5000)),
                    [this, connection] { Accept(connection); });
  }
  return std::make_unique<SimClientStream>(*this, connection);
}

void SimNetwork::Accept(const ConnectionPtr& connection) {
  SimProcess& server = *connection->server.process;
  SimProcess& client = *connection->client;
  if (!connection->client_open) return;
  if (IsPartitioned(client.host, server.host) || IsPartitioned(server.host, client.host)) return;
  if (!server.alive()) return BreakSide(connection, true, absl::Milliseconds(5));
  connection->server_open = true;
  server.AtDeath([this, connection] {
    connection->server_open = false;
    BreakSide(connection, true, absl::Milliseconds(Between(random_, 1, 30)));
  });
  server.executor.Post([this, connection] {
    if (!connection->server_open) return;
    connection->stream = connection->server.on_up(
        [this, connection](const proto::Envelope& envelope) { Send(connection, false, envelope); },
        [this, connection] { Break(connection); });
  });
  client.executor.Post([connection] {
    if (connection->client_open) connection->callbacks.on_connected();
  });
}

void SimNetwork::Send(const ConnectionPtr& connection, bool to_leader,
                      const proto::Envelope& envelope) {
  if (to_leader ? !connection->client_open : !connection->server_open) return;
  const proto::Header& header = envelope.header();
  if (!to_leader) {
    RecordOrigin(header.sender(), header.sequence(), {header.term(), header.generation()});
  }
  if (!healed_ && Chance(random_, config_.message_drop)) return;
  const bool twice = !healed_ && Chance(random_, config_.message_duplicate);
  for (int copy = 0; copy < (twice ? 2 : 1); ++copy) {
    absl::Duration& last = connection->last_arrival[to_leader ? 1 : 0];
    absl::Duration at = world_.now() + absl::Microseconds(Between(random_, 100, 2500));
    if (!healed_ && Chance(random_, config_.message_reorder)) {
      at += absl::Milliseconds(Between(random_, 1, 600));  // and what follows overtakes it
    } else {
      at = last = std::max(at, last + absl::Microseconds(1));
    }
    world_.Schedule(at - world_.now(),
                    [this, connection, to_leader, bytes = envelope.SerializeAsString(),
                     sent_at = world_.now()] { Arrive(connection, to_leader, bytes, sent_at); });
  }
}

void SimNetwork::Arrive(const ConnectionPtr& connection, bool to_leader, const std::string& bytes,
                        absl::Duration sent_at) {
  SimProcess& client = *connection->client;
  SimProcess& server = *connection->server.process;
  const bool held =
      to_leader ? IsPartitioned(client.host, server.host) : IsPartitioned(server.host, client.host);
  if (held) {
    if (world_.now() - sent_at > kKeepAlive) return Break(connection);
    world_.Schedule(absl::Milliseconds(100), [this, connection, to_leader, bytes, sent_at] {
      Arrive(connection, to_leader, bytes, sent_at);
    });
    return;
  }
  proto::Envelope envelope;
  WEIR_CHECK(envelope.ParseFromString(bytes)) << "an envelope that was serialized";
  if (edit_) edit_(to_leader, &envelope);
  Hand(connection, to_leader, std::move(envelope));
}

void SimNetwork::Hand(const ConnectionPtr& connection, bool to_leader, proto::Envelope envelope) {
  SimProcess& receiver = to_leader ? *connection->server.process : *connection->client;
  receiver.executor.Post([this, connection, to_leader, envelope = std::move(envelope)] {
    if (to_leader ? !connection->server_open : !connection->client_open) return;
    world_.Trace(to_leader ? "to leader" : "to taskmanager",
                 to_leader ? connection->server.process->name : connection->client->name,
                 absl::StrCat(envelope.payload_case(), " ", envelope.header().sequence()));
    if (to_leader) {
      connection->server.on_message(connection->stream, envelope);
    } else {
      connection->callbacks.on_message(envelope);
    }
  });
}

void SimNetwork::CloseFromClient(const ConnectionPtr& connection) {
  if (!connection->client_open) return;
  connection->client_open = false;
  BreakSide(connection, false, absl::Microseconds(Between(random_, 100, 3000)));
}

void SimNetwork::BreakSide(const ConnectionPtr& connection, bool client_side,
                           absl::Duration delay) {
  SimProcess* process = client_side ? connection->client : connection->server.process;
  if (process == nullptr) return;
  // Behind a partition the other side's end is not heard of before the keep-alive.
  const SimProcess* other = client_side ? connection->server.process : connection->client;
  if (other != nullptr && IsPartitioned(other->host, process->host)) delay += kKeepAlive;
  world_.Schedule(delay, [connection, process, client_side] {
    process->executor.Post([connection, client_side] {
      bool& open = client_side ? connection->client_open : connection->server_open;
      if (client_side) {
        if (!open) return;
        open = false;
        connection->callbacks.on_broken(absl::UnavailableError("the stream broke"));
      } else if (std::exchange(open, false)) {
        connection->server.on_down(connection->stream);
      }
    });
  });
}

void SimNetwork::Break(const ConnectionPtr& connection) {
  world_.Trace("stream breaks", connection->client->name);
  BreakSide(connection, true, absl::Milliseconds(1));
  BreakSide(connection, false, absl::Milliseconds(1));
}

void SimNetwork::BreakStreams(const std::string& host) {
  for (const ConnectionPtr& one : connections_) {
    if (!one->client_open || !one->server_open) continue;
    if (one->client->host == host || one->server.process->host == host) Break(one);
  }
}

TrueOrigin SimNetwork::OriginOf(const proto::Header& header) const {
  const auto it = origins_.find({header.sender(), header.sequence()});
  return it == origins_.end() ? TrueOrigin{header.term(), header.generation()} : it->second;
}

}  // namespace weir::sim
