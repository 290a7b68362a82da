#include "taskmanager/exchange/grant_codec.h"

#include <memory>
#include <string>

#include "proto/exchange.pb.h"

namespace weir::taskmanager {

Buffer EncodeGrants(const LinkIdentity& link, const std::vector<ChannelLevels>& grants) {
  proto::ChannelGrants message;
  message.set_generation(link.generation.value());
  message.set_sender(link.sender);
  message.set_receiver(link.receiver);
  for (const ChannelLevels& each : grants) {
    proto::ChannelGrant& grant = *message.add_grants();
    grant.set_edge(each.channel.edge);
    grant.set_from(each.channel.from);
    grant.set_to(each.channel.to);
    grant.set_granted_bytes(each.levels.granted);
    grant.set_consumed_bytes(each.levels.consumed);
    grant.set_exclusive_bytes(each.levels.exclusive);
  }
  const auto text = std::make_shared<const std::string>(message.SerializeAsString());
  return Buffer(text->data(), text->size(), text);
}

bool DecodeGrants(std::span<const absl::string_view> pieces, DecodedGrants* out) {
  std::string text;
  for (const absl::string_view piece : pieces) text.append(piece.data(), piece.size());
  proto::ChannelGrants message;
  if (!message.ParseFromString(text)) return false;
  out->link = {Generation(message.generation()), message.sender(), message.receiver()};
  out->grants.clear();
  for (const proto::ChannelGrant& grant : message.grants()) {
    out->grants.push_back(
        {{grant.edge(), grant.from(), grant.to()},
         {grant.granted_bytes(), grant.consumed_bytes(), grant.exclusive_bytes()}});
  }
  return true;
}

}  // namespace weir::taskmanager
