#include "connectors/kafka/key_partitioners.h"

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "connectors/kafka/java_partitioning.h"

namespace weir::kafka {
namespace {

using Keys = std::span<const absl::string_view>;

class Murmur2Function final : public KeyPartitioner {
 public:
  std::string name() const override { return "murmur2"; }
  void PartitionsOf(Keys keys, uint32_t partitions, std::vector<uint32_t>& out) const override {
    const auto count = static_cast<int32_t>(partitions);
    for (const absl::string_view key : keys) {
      out.push_back(static_cast<uint32_t>(PartitionForKey(key, count)));
    }
  }
};

// The CRC of IEEE 802.3 and zlib, as librdkafka's rd_crc32 (src/rdcrc32.h).
constexpr std::array<uint32_t, 256> Crc32Table() {
  constexpr uint32_t kReflectedPolynomial = 0xedb88320;
  std::array<uint32_t, 256> table{};
  for (uint32_t byte = 0; byte < table.size(); ++byte) {
    uint32_t value = byte;
    for (int bit = 0; bit < 8; ++bit) {
      value = (value & 1) != 0 ? (value >> 1) ^ kReflectedPolynomial : value >> 1;
    }
    table[byte] = value;
  }
  return table;
}

class Crc32Function final : public KeyPartitioner {
 public:
  std::string name() const override { return "crc32"; }
  void PartitionsOf(Keys keys, uint32_t partitions, std::vector<uint32_t>& out) const override {
    static constexpr std::array<uint32_t, 256> kTable = Crc32Table();
    for (const absl::string_view key : keys) {
      uint32_t crc = ~uint32_t{0};
      for (const char c : key) {
        crc = kTable[(crc ^ static_cast<unsigned char>(c)) & 0xff] ^ (crc >> 8);
      }
      out.push_back(~crc % partitions);
    }
  }
};

class DeclaredFunction final : public KeyPartitioner {
 public:
  DeclaredFunction(std::string name,
                   std::function<uint32_t(std::string_view key, uint32_t partitions)> partition_of)
      : name_(std::move(name)), partition_of_(std::move(partition_of)) {}
  std::string name() const override { return name_; }
  void PartitionsOf(Keys keys, uint32_t partitions, std::vector<uint32_t>& out) const override {
    for (const absl::string_view key : keys) {
      out.push_back(partition_of_(std::string_view(key.data(), key.size()), partitions));
    }
  }

 private:
  const std::string name_;
  const std::function<uint32_t(std::string_view key, uint32_t partitions)> partition_of_;
};

}  // namespace

KeyPartitionerPtr Murmur2Partitioner() { return std::make_shared<const Murmur2Function>(); }

KeyPartitionerPtr Crc32Partitioner() { return std::make_shared<const Crc32Function>(); }

KeyPartitionerPtr DeclaredPartitioner(
    std::string name,
    std::function<uint32_t(std::string_view key, uint32_t partitions)> partition_of) {
  if (partition_of == nullptr) name.clear();  // refused when the job is planned
  return std::make_shared<const DeclaredFunction>(std::move(name), std::move(partition_of));
}

}  // namespace weir::kafka
