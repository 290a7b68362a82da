// What a gigabyte costs between two workers: batches through the exchange over gRPC (a Unix socket
// or TCP), or the same bytes through a plain socket. Both ends are threads of this process.
//
//   bench_exchange unix|tcp CHANNELS MEGABYTES BATCH_KILOBYTES probed|WINDOW_KB
//   bench_exchange raw-unix|raw-tcp 1 MEGABYTES BATCH_KILOBYTES -
//
// probed: gRPC sizes its windows itself (BDP probe); else they are so many kilobytes a stream, 0:
// its default.
//
// Prints one line of JSON: seconds, cpu_s (user and system, of all threads), bytes, peak memory,
// and what the exchange counted.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "absl/strings/numbers.h"

#include "common/types/batch_builder.h"
#include "taskmanager/exchange/frame_codec.h"
#include "tests/support/exchange/exchange_peer.h"
#include "tests/support/process_cpu.h"
#include "tests/support/temporary_directory.h"

namespace weir::taskmanager {
namespace {

struct Result {
  double seconds = 0;
  double cpu_seconds = 0;
  uint64_t bytes = 0;
  uint64_t messages = 0;
  uint64_t grant_messages = 0;
};

struct Way {
  bool tcp = false;
  uint32_t channels = 1;
  GrpcWindows windows;
};

// Two numbers and a string of 24 bytes a row: 44 bytes with the offset.
BatchPtr MakeBatch(size_t bytes) {
  BatchBuilder builder(Schema::Make({{"key", DataType::kInt64, false},
                                     {"value", DataType::kInt64, false},
                                     {"text", DataType::kString, false}}));
  for (size_t row = 0; row < bytes / 44; ++row) {
    builder.column(0).AppendInt64(static_cast<int64_t>(row));
    builder.column(1).AppendInt64(static_cast<int64_t>(row * 7));
    builder.column(2).AppendBytes("twenty-four bytes a row.");
    builder.CommitRow();
  }
  return std::make_shared<const Batch>(builder.Finish());
}

void Produce(const std::vector<std::shared_ptr<ChannelOutput>>& outputs, Waiter& waiter,
             const BatchPtr& batch, size_t batches_per_channel) {
  std::vector<size_t> left(outputs.size(), batches_per_channel);
  const auto next = [&] {
    for (size_t i = 0; i < outputs.size(); ++i) {
      if (left[i] > 0 && outputs[i]->HasRoom()) return i;
    }
    return outputs.size();
  };
  for (size_t unfinished = outputs.size(); unfinished > 0;) {
    WEIR_CHECK(waiter.Until([&] { return next() < outputs.size(); }));
    for (size_t i = 0; i < outputs.size(); ++i) {
      if (left[i] == 0 || !outputs[i]->HasRoom()) continue;
      WEIR_CHECK(outputs[i]->Push(batch).ok());
      if (--left[i] == 0) --unfinished;
    }
  }
}

uint64_t Consume(const std::vector<std::shared_ptr<ChannelInput>>& inputs, Waiter& waiter,
                 size_t batches_per_channel) {
  uint64_t rows = 0;
  for (size_t left = batches_per_channel * inputs.size(); left > 0;) {
    std::optional<ChannelElement> element;
    WEIR_CHECK(waiter.Until([&] {
      for (size_t i = 0; i < inputs.size() && !element.has_value(); ++i) element = inputs[i]->Pop();
      return element.has_value();
    }));
    rows += std::get<BatchPtr>(*element)->num_rows();
    --left;
    for (const auto& input : inputs) {
      if ((element = input->Pop()).has_value()) {
        rows += std::get<BatchPtr>(*element)->num_rows();
        --left;
      }
    }
  }
  return rows;
}

Result OverExchange(const Way& way, size_t bytes, const BatchPtr& batch) {
  TemporaryDirectory directory;
  const auto address = [&](const std::string& name) {
    return way.tcp ? std::string("127.0.0.1:0") : absl::StrCat("unix:", directory.File(name));
  };
  ExchangePeer from("from", address("from"), ExchangePeer::Tls::kOff, way.windows);
  ExchangePeer to("to", address("to"), ExchangePeer::Tls::kOff, way.windows);
  const uint32_t channels = way.channels;
  ExchangePlan from_plan = {.generation = Generation(1)};
  ExchangePlan to_plan = from_plan;
  for (uint32_t i = 0; i < channels; ++i) {
    from_plan.outputs.push_back({{1, 0, i}, WorkerId("to"), to.address()});
    to_plan.inputs.push_back({{1, 0, i}, WorkerId("from"), batch->schema()});
  }
  WEIR_CHECK(to.Open(to_plan).ok() && from.Open(from_plan).ok());
  WEIR_CHECK(to.AwaitReady() && from.AwaitReady());
  const auto produced = std::make_shared<Waiter>();
  const auto arrived = std::make_shared<Waiter>();
  std::vector<std::shared_ptr<ChannelOutput>> outputs;
  std::vector<std::shared_ptr<ChannelInput>> inputs;
  for (uint32_t i = 0; i < channels; ++i) {
    outputs.push_back(from.Output({1, 0, i}));
    outputs.back()->SetProducerWakeup([produced] { produced->Do([] {}); });
    inputs.push_back(to.Input({1, 0, i}));
    inputs.back()->SetConsumerWakeup([arrived] { arrived->Do([] {}); });
  }
  const size_t batches = std::max<size_t>(1, bytes / BatchFrameBytes(*batch) / channels);
  const SystemClock clock;
  const absl::Duration start = clock.Monotonic();
  const double cpu_before = ProcessCpuSeconds();
  std::thread producer([&] { Produce(outputs, *produced, batch, batches); });
  const uint64_t rows = Consume(inputs, *arrived, batches);
  producer.join();
  Result result;
  result.cpu_seconds = ProcessCpuSeconds() - cpu_before;
  result.seconds = absl::ToDoubleSeconds(clock.Monotonic() - start);
  WEIR_CHECK(rows == batches * channels * batch->num_rows()) << rows;
  result.bytes = from.counters().bytes_sent;
  result.messages = from.counters().messages_sent;
  result.grant_messages = to.counters().grant_messages_sent;
  return result;
}

// Both ends of a connection.
struct SocketPair {
  int from = -1;
  int to = -1;
};

SocketPair UnixSockets() {
  int ends[2];
  WEIR_CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  return {ends[0], ends[1]};
}

SocketPair TcpSockets() {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  WEIR_CHECK(bind(listener, any, size) == 0 && listen(listener, 1) == 0 &&
             getsockname(listener, any, &size) == 0);
  SocketPair sockets;
  sockets.from = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  WEIR_CHECK(connect(sockets.from, any, size) == 0) << strerror(errno);
  sockets.to = accept(listener, nullptr, nullptr);
  WEIR_CHECK(sockets.to >= 0) << strerror(errno);
  close(listener);
  return sockets;
}

void WriteAll(int socket, const std::vector<Buffer>& message, size_t bytes) {
  std::vector<iovec> parts;
  for (const Buffer& buffer : message) {
    parts.push_back({const_cast<uint8_t*>(buffer.data()), buffer.size()});
  }
  for (size_t left = bytes; left > 0;) {
    const ssize_t written = writev(socket, parts.data(), static_cast<int>(parts.size()));
    WEIR_CHECK(written > 0) << strerror(errno);
    left -= static_cast<size_t>(written);
    for (auto rest = static_cast<size_t>(written); rest > 0;) {
      const size_t part = std::min(rest, parts.front().iov_len);
      parts.front().iov_base = static_cast<uint8_t*>(parts.front().iov_base) + part;
      parts.front().iov_len -= part;
      rest -= part;
      if (parts.front().iov_len == 0) parts.erase(parts.begin());
    }
  }
}

Result OverRawSocket(const SocketPair& sockets, size_t bytes, const BatchPtr& batch) {
  std::vector<Buffer> message;
  const ChannelElement element = batch;
  AppendFrame(FrameHeader(), &element, &message);
  size_t frame_bytes = 0;
  for (const Buffer& buffer : message) frame_bytes += buffer.size();
  const size_t frames = std::max<size_t>(1, bytes / frame_bytes);
  const SystemClock clock;
  const absl::Duration start = clock.Monotonic();
  const double cpu_before = ProcessCpuSeconds();
  std::thread writer([&] {
    for (size_t i = 0; i < frames; ++i) WriteAll(sockets.from, message, frame_bytes);
    close(sockets.from);
  });
  std::vector<char> block(256u << 10);
  Result result;
  for (ssize_t got = 0; (got = read(sockets.to, block.data(), block.size())) > 0;) {
    result.bytes += static_cast<uint64_t>(got);
  }
  writer.join();
  close(sockets.to);
  result.cpu_seconds = ProcessCpuSeconds() - cpu_before;
  result.seconds = absl::ToDoubleSeconds(clock.Monotonic() - start);
  WEIR_CHECK(result.bytes == frames * frame_bytes);
  result.messages = frames;
  return result;
}

int Usage() {
  fprintf(stderr,
          "usage: bench_exchange unix|tcp CHANNELS MEGABYTES BATCH_KILOBYTES probed|WINDOW_KB\n"
          "       bench_exchange raw-unix|raw-tcp 1 MEGABYTES BATCH_KILOBYTES -\n");
  return 2;
}

int Main(int argc, char** argv) {
  uint32_t channels = 0;
  uint64_t megabytes = 0;
  uint64_t kilobytes = 0;
  int window_kilobytes = 0;
  const std::string way = argc == 6 ? argv[1] : "";
  const bool raw = way == "raw-unix" || way == "raw-tcp";
  if ((!raw && way != "unix" && way != "tcp") || !absl::SimpleAtoi(argv[2], &channels) ||
      !absl::SimpleAtoi(argv[3], &megabytes) || !absl::SimpleAtoi(argv[4], &kilobytes) ||
      channels == 0 || megabytes == 0 || kilobytes == 0) {
    return Usage();
  }
  GrpcWindows windows;
  windows.probed = raw || std::string(argv[5]) == "probed";
  if (!windows.probed && (!absl::SimpleAtoi(argv[5], &window_kilobytes) || window_kilobytes < 0)) {
    return Usage();
  }
  windows.stream_bytes = window_kilobytes << 10;
  const BatchPtr batch = MakeBatch(kilobytes << 10);
  const size_t bytes = megabytes << 20;
  Result result;
  if (raw) {
    result = OverRawSocket(way == "raw-tcp" ? TcpSockets() : UnixSockets(), bytes, batch);
  } else {
    result = OverExchange({way == "tcp", channels, windows}, bytes, batch);
  }
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  printf(
      "{\"seconds\": %.4f, \"cpu_s\": %.4f, \"bytes\": %llu, \"messages\": %llu, "
      "\"grant_messages\": %llu, \"rss_mb\": %.1f}\n",
      result.seconds, result.cpu_seconds, static_cast<unsigned long long>(result.bytes),
      static_cast<unsigned long long>(result.messages),
      static_cast<unsigned long long>(result.grant_messages),
      static_cast<double>(usage.ru_maxrss) / 1024);
  return 0;
}

}  // namespace
}  // namespace weir::taskmanager

int main(int argc, char** argv) { return weir::taskmanager::Main(argc, argv); }
