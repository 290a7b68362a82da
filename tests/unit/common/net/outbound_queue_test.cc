#include "common/net/outbound_queue.h"

#include <gtest/gtest.h>

#include <string>

namespace weir {
namespace {

proto::Envelope OfAbout(size_t bytes) {
  proto::Envelope message;
  message.mutable_header()->set_job(std::string(bytes, 'x'));
  return message;
}

TEST(OutboundQueue, RefusesBeyondItsBytes) {
  OutboundQueue queue(1000);
  EXPECT_TRUE(queue.Push(OfAbout(600)).ok());
  const absl::Status refused = queue.Push(OfAbout(600));
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_NE(refused.message().find("the bound is 1000 B"), absl::string_view::npos) << refused;
  queue.Pop();
  EXPECT_EQ(queue.bytes(), 0u);
  EXPECT_TRUE(queue.Push(OfAbout(600)).ok());
}

TEST(OutboundQueue, KeepsTheOneThatIsBeingSent) {
  OutboundQueue queue(1000);
  ASSERT_TRUE(queue.Push(OfAbout(1)).ok());
  ASSERT_TRUE(queue.Push(OfAbout(2)).ok());
  queue.DropWaiting();
  EXPECT_EQ(queue.front().header().job(), "x");
  queue.Pop();
  EXPECT_TRUE(queue.empty());
}

}  // namespace
}  // namespace weir
