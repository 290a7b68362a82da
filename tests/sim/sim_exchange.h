#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "taskmanager/exchange/exchange_transport.h"
#include "tests/sim/sim_process.h"

namespace weir::sim {

/// How workers send each other records: connections between processes, with delays, in order,
/// nothing lost until one breaks. A message arrives as a copy in pieces of any length. A paused
/// process reads nothing meanwhile; a dead one's connections break on the other side.
class SimExchange {
 public:
  explicit SimExchange(SimWorld& world) : world_(world), random_(world.Fork("exchange")) {}
  ~SimExchange();

  /// Of one worker, which listens at "sim:<its process's name>". Outlived by this and the process.
  std::unique_ptr<taskmanager::ExchangeTransport> MakeTransport(SimProcess& process);
  static std::string AddressOf(const SimProcess& process) { return "sim:" + process.name; }

  /// Breaks every connection of the workers on that host.
  void BreakLinks(const std::string& host);

 private:
  struct End;
  struct Link;
  class Connection;
  class Incoming;
  class Transport;
  using LinkPtr = std::shared_ptr<Link>;
  using Call = std::function<void(const taskmanager::ExchangeConnectionCallbacks&)>;

  void Arrive(const LinkPtr& link);
  void Send(const LinkPtr& link, bool from_client, const std::vector<Buffer>& message);
  void Break(const LinkPtr& link, bool client, const absl::Status& why, absl::Duration delay);
  // Calls that end's callbacks in the order of these calls, when its process runs.
  void Schedule(const LinkPtr& link, bool client, absl::Duration delay, Call call);
  void Run(const LinkPtr& link, bool client, const Call& call);

  SimWorld& world_;
  SeededRandom random_;
  std::map<std::string, Transport*> listening_;
  std::vector<LinkPtr> links_;
};

}  // namespace weir::sim
