#pragma once

#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"
#include "common/exec/mutex.h"
#include "tests/support/kafka/committed_topic_reader.h"

namespace weir {

/// Hands all records of a topic to an oracle as they are committed, on a thread of its own. An
/// Oracle has Take(key, value, where), where `where` names the record for people, and is copied.
template <class Oracle>
class OracleReader {
 public:
  static absl::StatusOr<std::unique_ptr<OracleReader>> Start(const std::string& bootstrap_servers,
                                                             const std::string& topic,
                                                             int partitions) {
    std::unique_ptr<OracleReader> reader(new OracleReader);
    auto take = [raw = reader.get()](const CommittedTopicReader::Record& record) {
      MutexLock lock(raw->mutex_);
      raw->oracle_.Take(record.key, record.value,
                        absl::StrCat("partition ", record.partition, " offset ", record.offset));
    };
    WEIR_ASSIGN_OR_RETURN(
        reader->reader_,
        CommittedTopicReader::Start(bootstrap_servers, topic, partitions, std::move(take)));
    return reader;
  }

  Oracle oracle() const {
    MutexLock lock(mutex_);
    return oracle_;
  }

 private:
  OracleReader() = default;

  mutable Mutex mutex_;
  Oracle oracle_ WEIR_GUARDED_BY(mutex_);
  std::unique_ptr<CommittedTopicReader> reader_;  // goes first: it calls here
};

}  // namespace weir
