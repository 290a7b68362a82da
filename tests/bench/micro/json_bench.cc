// What a flight record costs to read from JSON, to write, and to pass through typed code. The same
// texts through simdjson's on-demand parser are the yardstick.

#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "simdjson.h"

#include "common/base/check.h"
#include "common/base/seeded_random.h"
#include "common/formats/json_format.h"
#include "common/types/record.h"

namespace weir {
namespace {

constexpr size_t kRows = 10'000;

struct Flight {
  int64_t id = 0;
  std::string date;
  int32_t delay = 0;
  int32_t distance = 0;
  std::string origin;
  std::string destination;
  WEIR_RECORD(Flight, id, date, delay, distance, origin, destination)
};

struct FlightDelay {
  int32_t delay = 0;
  std::string origin;
  WEIR_RECORD(FlightDelay, delay, origin)
};

/// Every field optional, so that the reader looks at a validity bitmap.
struct MaybeFlight {
  std::optional<int64_t> id;
  std::optional<int32_t> delay;
  std::optional<std::string> origin;
  WEIR_RECORD(MaybeFlight, id, delay, origin)
};

Batch Flights() {
  SeededRandom random(1);
  static constexpr const char* kAirports[] = {"LAS", "ATL", "MCI", "PHL", "ORD", "SFO", "JFK"};
  RecordBuilder<Flight> builder;
  for (size_t i = 0; i < kRows; ++i) {
    Flight flight;
    flight.id = static_cast<int64_t>(i + 1'000'000);
    flight.date = "2001-01-" + std::to_string(10 + random.Below(20)) + " 0" +
                  std::to_string(random.Below(10)) + ":" + std::to_string(10 + random.Below(50));
    flight.delay = static_cast<int32_t>(random.Below(200)) - 40;
    flight.distance = static_cast<int32_t>(random.Below(3000));
    flight.origin = kAirports[random.Below(7)];
    flight.destination = kAirports[random.Below(7)];
    builder.Append(flight);
  }
  return builder.Finish();
}

/// The texts in one block, as a Kafka client hands them out.
const ByteRows& Texts() {
  static const ByteRows* const texts = [] {
    auto* rows = new ByteRows;
    const Batch batch = Flights();
    WEIR_CHECK(JsonSerializer(batch.schema()).Serialize(batch, rows).ok());
    return rows;
  }();
  return *texts;
}

std::vector<Payload> Payloads() {
  std::vector<Payload> payloads;
  for (size_t i = 0; i < Texts().size(); ++i) payloads.push_back(Texts()[i]);
  return payloads;
}

void Report(benchmark::State& state) {
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * kRows));
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * Texts().arena_bytes()));
  state.counters["per_record"] =
      benchmark::Counter(static_cast<double>(state.iterations() * kRows),
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

template <class Record>
void ReadJson(benchmark::State& state) {
  const std::vector<Payload> payloads = Payloads();
  JsonDeserializer deserializer(SchemaOf<Record>());
  BatchBuilder builder(SchemaOf<Record>());
  std::vector<DecodeError> failed;
  for (auto _ : state) {
    WEIR_CHECK(deserializer.Deserialize(payloads, builder, &failed).ok());
    const Batch batch = builder.Finish();
    WEIR_CHECK(failed.empty() && batch.num_rows() == kRows);
    benchmark::DoNotOptimize(batch.column(0).bytes());
  }
  Report(state);
}
BENCHMARK_TEMPLATE(ReadJson, Flight);
BENCHMARK_TEMPLATE(ReadJson, FlightDelay);
BENCHMARK_TEMPLATE(ReadJson, MaybeFlight);

/// The yardstick: the same columns by simdjson on-demand, keys in order, no unknown keys.
void ReadJsonBySimdjson(benchmark::State& state) {
  simdjson::ondemand::parser parser;
  std::string padded;
  BatchBuilder builder(SchemaOf<Flight>());
  const std::vector<Payload> payloads = Payloads();
  for (auto _ : state) {
    for (const Payload& payload : payloads) {
      padded.resize(payload.size + simdjson::SIMDJSON_PADDING);
      std::memcpy(padded.data(), payload.data, payload.size);
      auto document = parser.iterate(padded.data(), payload.size, padded.size());
      auto object = document.get_object();
      builder.column(0).AppendInt64(object.find_field("id").get_int64().value());
      builder.column(1).AppendBytes(object.find_field("date").get_string().value());
      builder.column(2).AppendInt32(
          static_cast<int32_t>(object.find_field("delay").get_int64().value()));
      builder.column(3).AppendInt32(
          static_cast<int32_t>(object.find_field("distance").get_int64().value()));
      builder.column(4).AppendBytes(object.find_field("origin").get_string().value());
      builder.column(5).AppendBytes(object.find_field("destination").get_string().value());
      builder.CommitRow();
    }
    const Batch batch = builder.Finish();
    benchmark::DoNotOptimize(batch.column(0).bytes());
  }
  Report(state);
}
BENCHMARK(ReadJsonBySimdjson);

void WriteJson(benchmark::State& state) {
  const Batch batch = Flights();
  JsonSerializer serializer(batch.schema());
  ByteRows rows;
  for (auto _ : state) {
    rows.Clear();
    WEIR_CHECK(serializer.Serialize(batch, &rows).ok());
    benchmark::DoNotOptimize(rows[0].data);
  }
  Report(state);
}
BENCHMARK(WriteJson);

/// A typed filter and projection: views in, views out, one loop.
void FilterTyped(benchmark::State& state) {
  const Batch batch = Flights();
  RecordBuilder<FlightDelay> builder;
  for (auto _ : state) {
    const RecordReader<Flight> reader(batch);
    for (size_t row = 0; row < reader.rows(); ++row) {
      const Row<Flight> flight = reader.View(row);
      if (flight.delay > 0) {
        Row<FlightDelay> out;
        out.delay = flight.delay;
        out.origin = flight.origin;
        builder.AppendView(out);
      }
    }
    const Batch filtered = builder.Finish();
    benchmark::DoNotOptimize(filtered.column(0).bytes());
  }
  Report(state);
}
BENCHMARK(FilterTyped);

void Take(benchmark::State& state) {
  const Batch batch = Flights();
  std::vector<uint32_t> rows;
  for (uint32_t row = 0; row < kRows; row += 2) rows.push_back(row);
  for (auto _ : state) {
    const Batch taken = batch.Take(rows);
    benchmark::DoNotOptimize(taken.column(0).bytes());
  }
  Report(state);
}
BENCHMARK(Take);

}  // namespace
}  // namespace weir
