// A client that says it speaks other versions of the protocol than the cluster.

#include <gmock/gmock.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"

#include "common/base/protocol_version.h"
#include "common/net/protocol_check.h"
#include "proto/client.grpc.pb.h"
#include "tests/support/cluster/weir_cluster.h"

namespace weir {
namespace {

grpc::Status ListAs(const std::string& address, const std::string& versions) {
  const auto stub =
      proto::Client::NewStub(grpc::CreateChannel(address, grpc::InsecureChannelCredentials()));
  grpc::ClientContext context;
  context.set_wait_for_ready(true);
  if (!versions.empty()) context.AddMetadata(kProtocolHeader, versions);
  proto::ListJobsResponse response;
  return stub->ListJobs(&context, proto::ListJobsRequest(), &response);
}

TEST(ProtocolVersionsTest, AClientOfAnotherProtocolVersionIsRefusedInOneSentence) {
  WeirClusterOptions options;
  options.task_managers = 1;
  const auto cluster = WeirCluster::Start(options);
  ASSERT_TRUE(cluster.ok()) << cluster.status();
  const std::string address = (*cluster)->address(1);
  const grpc::Status refused =
      ListAs(address, absl::StrCat(kProtocolVersion + 1, "-", kProtocolVersion + 2));
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(refused.error_message(),
              testing::HasSubstr(absl::StrCat("the client speaks protocol versions ",
                                              kProtocolVersion + 1, " to ", kProtocolVersion + 2,
                                              ", this JobManager ", kProtocolVersionMin)));
  EXPECT_TRUE(ListAs(address, ProtocolHeaderValue()).ok());
  EXPECT_TRUE(ListAs(address, "").ok());
  EXPECT_EQ((*cluster)->Stop(), absl::OkStatus());
}

}  // namespace
}  // namespace weir
