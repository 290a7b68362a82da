#include <string>

#include "common/config/bind_address.h"
#include "common/config/options.h"
#include "common/config/process_start.h"
#include "common/exec/signal_waiter.h"
#include "taskmanager/grpc_task_manager_process.h"

int main(int argc, char** argv) {
  weir::SignalWaiter signals;  // blocks SIGTERM and SIGINT for every thread to come
  const weir::ProcessStart start = weir::StartProcess("weir-taskmanager", argc, argv);
  if (start.exit_code) return *start.exit_code;
  absl::Status status =
      weir::CheckBindAddress("taskmanager.host", start.config.Get(weir::options::kTaskmanagerHost),
                             weir::BindSecurity::FromConfig(start.config));
  const std::string http = start.config.Get(weir::options::kTaskmanagerHttpAddress);
  if (status.ok()) status = weir::CheckHostPort("taskmanager.http-address", http, 0);
  if (status.ok()) {
    status = weir::CheckBindAddress("taskmanager.http-address", http,
                                    weir::BindSecurity::FromConfig(start.config));
  }
  for (const std::string& address : start.config.Get(weir::options::kJobmanagerAddresses)) {
    if (status.ok()) status = weir::CheckHostPort("jobmanager.addresses", address, 1);
  }
  if (status.ok()) status = weir::CheckStorageRoot(start.config);
  if (status.ok()) status = weir::taskmanager::RunTaskManager(start.config);
  return weir::ExitCodeFor("weir-taskmanager", status);
}
