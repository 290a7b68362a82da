#pragma once

#include <librdkafka/rdkafka.h>

#include <map>
#include <string>

namespace weir::bench {

/// What the programs of this folder have in common: they end with a sentence on stderr and exit
/// code 1 at the first thing that is not as it should be.
[[noreturn]] void Die(const std::string& what);

/// The value of --name=VALUE; dies without one.
std::string Argument(int argc, char** argv, const std::string& name);

using Settings = std::map<std::string, std::string>;
/// A producer dies when a record is not delivered.
rd_kafka_t* MakeClient(rd_kafka_type_t type, const Settings& settings);

/// Asks a broker, so that the client knows the topic from then on.
int PartitionsOf(rd_kafka_t* client, const std::string& topic);
/// A consumer of all partitions from their beginning, read_committed; `settings` come on top.
rd_kafka_t* MakeReader(const std::string& brokers, const std::string& topic,
                       const Settings& settings = {});

}  // namespace weir::bench
