#pragma once

#include <string>

#include "absl/status/statusor.h"

#include "connectors/kafka/record_format.h"

namespace weir::kafka {

/// What a Java (de)serializer class writes or reads, for one column of its type. INVALID_ARGUMENT,
/// listing the known ones, when the class is not known.
absl::StatusOr<RecordFormat> JavaClassRecordFormat(const std::string& java_class_name);
/// Do values of this format suit a client whose properties name this class? Java's classes for
/// bytes suit every format, those for strings every text.
bool SuitsJavaClass(const RecordFormat& format, const std::string& java_class_name);

}  // namespace weir::kafka
