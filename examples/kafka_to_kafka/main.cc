// Copies the values of one Kafka topic to another, as strings: the smallest job.
//
//   kafka_to_kafka run -- --brokers=localhost:9092 --input=test-topic --output=test-output
#include <string>

#include "weir/weir.h"

int main(int argc, char** argv) {
  return weir::RunJob("kafka-to-kafka", argc, argv,
                      [](weir::Environment& env, const weir::Args& args) {
                        weir::KafkaProperties properties;
                        properties.Set("bootstrap.servers", args.Get("brokers", "localhost:9092"));
                        properties.Set("group.id", "test-group");
                        properties.Set("key.deserializer",
                                       "org.apache.kafka.common.serialization.StringDeserializer");
                        properties.Set("value.deserializer",
                                       "org.apache.kafka.common.serialization.StringDeserializer");
                        auto source = weir::KafkaSource<std::string>::Builder()
                                          .Properties(properties)
                                          .Topics({args.Get("input", "test-topic")})
                                          .StartingOffsets(weir::Offsets::Earliest())
                                          .ValueOnly(weir::SimpleString())
                                          .Build();
                        auto sink = weir::KafkaSink<std::string>::Builder()
                                        .Properties(properties)
                                        .Topic(args.Get("output", "test-output"))
                                        .Delivery(weir::DeliveryGuarantee::kExactlyOnce)
                                        .Value(weir::SimpleString())
                                        .Build();
                        env.FromSource(source, weir::WatermarkStrategy::Monotonic(), "input")
                            .SetParallelism(1)
                            .SinkTo(sink)
                            .SetParallelism(1);
                      });
}
