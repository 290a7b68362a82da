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
#include "proto/control.grpc.pb.h"
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
              testing::HasSubstr(absl::StrCat(
                  "the client speaks protocol versions ", kProtocolVersion + 1, " to ",
                  kProtocolVersion + 2, ", this JobManager ", kProtocolVersionMin, " to ",
                  kProtocolVersion, "; they have to be of releases that go together")));
  EXPECT_TRUE(ListAs(address, ProtocolHeaderValue()).ok());
  EXPECT_TRUE(ListAs(address, "").ok());
  EXPECT_EQ((*cluster)->Stop(), absl::OkStatus());
}

// It gives up with that sentence: see TaskManagerTest.ARefusalWithoutAProbeIsFatal.
TEST(ProtocolVersionsTest, ATaskManagerOfAnotherProtocolVersionIsRefusedInOneSentence) {
  WeirClusterOptions options;
  options.task_managers = 1;
  const auto cluster = WeirCluster::Start(options);
  ASSERT_TRUE(cluster.ok()) << cluster.status();
  const auto stub = proto::Control::NewStub(
      grpc::CreateChannel((*cluster)->address(1), grpc::InsecureChannelCredentials()));
  grpc::ClientContext context;
  context.set_wait_for_ready(true);
  const auto stream = stub->Connect(&context);
  proto::Envelope envelope;
  envelope.mutable_header()->set_protocol_version(kProtocolVersion);
  envelope.mutable_header()->set_sender("tm-other");
  proto::RegisterTaskManager* request = envelope.mutable_register_();
  request->set_task_manager("tm-other");
  request->set_protocol_min(kProtocolVersion + 1);
  request->set_protocol_max(kProtocolVersion + 2);
  ASSERT_TRUE(stream->Write(envelope));
  proto::Envelope reply;
  ASSERT_TRUE(stream->Read(&reply));
  EXPECT_FALSE(reply.registration_reply().accepted());
  EXPECT_EQ(reply.registration_reply().reason(),
            absl::StrCat("TaskManager speaks protocol versions ", kProtocolVersion + 1, " to ",
                         kProtocolVersion + 2, ", this JobManager ", kProtocolVersion));
  EXPECT_EQ(reply.registration_reply().probe_path(), "");
  context.TryCancel();
  EXPECT_EQ((*cluster)->Stop(), absl::OkStatus());
}

}  // namespace
}  // namespace weir
