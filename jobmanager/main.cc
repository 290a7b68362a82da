#include <string>

#include "common/base/system_random.h"
#include "common/config/bind_address.h"
#include "common/config/options.h"
#include "common/config/process_start.h"
#include "common/exec/signal_waiter.h"
#include "common/io/posix_file_system.h"
#include "jobmanager/grpc_job_manager_process.h"

int main(int argc, char** argv) {
  weir::SignalWaiter signals;  // blocks SIGTERM and SIGINT for every thread to come
  const weir::ProcessStart start = weir::StartProcess("weir-jobmanager", argc, argv);
  if (start.exit_code) return *start.exit_code;
  const std::string address = start.config.Get(weir::options::kRpcAddress);
  absl::Status status = weir::CheckHostPort("rpc.address", address, 0);
  if (status.ok()) {
    status = weir::CheckBindAddress("rpc.address", address,
                                    weir::BindSecurity::FromConfig(start.config));
  }
  const std::string http = start.config.Get(weir::options::kJobmanagerHttpAddress);
  if (status.ok()) status = weir::CheckHostPort("jobmanager.http-address", http, 0);
  if (status.ok()) {
    status = weir::CheckBindAddress("jobmanager.http-address", http,
                                    weir::BindSecurity::FromConfig(start.config));
  }
  if (status.ok()) status = weir::CheckStorageRoot(start.config);
  weir::SystemRandom random;
  weir::PosixFileSystem files(random);
  if (status.ok()) status = weir::jobmanager::RunJobManager(start.config, files, signals);
  return weir::ExitCodeFor("weir-jobmanager", status);
}
