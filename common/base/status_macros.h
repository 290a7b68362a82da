#pragma once

#include <utility>

#include "absl/base/optimization.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace weir {

/// The same code and payloads, the message prefixed with "context: ". OK stays OK.
absl::Status Annotate(const absl::Status& status, absl::string_view context);

}  // namespace weir

#define WEIR_STATUS_CONCAT_INNER(a, b) a##b
#define WEIR_STATUS_CONCAT(a, b) WEIR_STATUS_CONCAT_INNER(a, b)

/// Returns from the enclosing function when the expression (an absl::Status) is not OK.
#define WEIR_RETURN_IF_ERROR(...)                                                \
  do {                                                                           \
    if (absl::Status WEIR_STATUS_CONCAT(weir_status_, __LINE__) = (__VA_ARGS__); \
        ABSL_PREDICT_FALSE(!WEIR_STATUS_CONCAT(weir_status_, __LINE__).ok())) {  \
      return WEIR_STATUS_CONCAT(weir_status_, __LINE__);                         \
    }                                                                            \
  } while (false)

/// WEIR_ASSIGN_OR_RETURN(auto value, F()); with F returning absl::StatusOr. `lhs` may be a
/// declaration or an assignable expression, without a top-level comma.
#define WEIR_ASSIGN_OR_RETURN(lhs, ...) \
  WEIR_ASSIGN_OR_RETURN_INNER(WEIR_STATUS_CONCAT(weir_status_or_, __LINE__), lhs, __VA_ARGS__)

#define WEIR_ASSIGN_OR_RETURN_INNER(result, lhs, ...)                      \
  auto result = (__VA_ARGS__);                                             \
  if (ABSL_PREDICT_FALSE(!result.ok())) return std::move(result).status(); \
  lhs = *std::move(result)
