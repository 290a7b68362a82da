#pragma once

#include <span>
#include <vector>

#include "absl/strings/string_view.h"

#include "common/types/buffer.h"
#include "taskmanager/exchange/channel_id.h"

namespace weir::taskmanager {

struct ChannelLevels {
  ChannelId channel;
  GrantLevels levels;
};

struct DecodedGrants {
  LinkIdentity link;  // of the frames that the grants answer
  std::vector<ChannelLevels> grants;
};

/// proto/exchange.proto, ChannelGrants, as one message.
Buffer EncodeGrants(const LinkIdentity& link, const std::vector<ChannelLevels>& grants);
/// False when it is no such message.
bool DecodeGrants(std::span<const absl::string_view> pieces, DecodedGrants* out);

}  // namespace weir::taskmanager
