#include "weir/window_assigners.h"

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

namespace weir {
namespace {

using std::chrono::microseconds;

std::string Text(int64_t micros) { return absl::FormatDuration(absl::Microseconds(micros)); }

internal::WindowSpec Slices(internal::WindowSpec::Kind kind, microseconds size, microseconds slide,
                            microseconds offset) {
  internal::WindowSpec spec;
  spec.kind = kind;
  spec.size_micros = size.count();
  spec.slide_micros = slide.count();
  spec.offset_micros = offset.count();
  return spec;
}

}  // namespace

namespace internal {

std::string WindowSpec::Mistake() const {
  const bool session = kind == Kind::kSession;
  const auto above_zero = [](const char* what, int64_t micros) {
    return absl::StrCat("the ", what, " must be above zero, and is ", Text(micros));
  };
  if (size_micros <= 0) return above_zero(session ? "session gap" : "window size", size_micros);
  if (!session && slide_micros <= 0) return above_zero("window slide", slide_micros);
  if (!session && (offset_micros >= slide_micros || offset_micros <= -slide_micros)) {
    return absl::StrCat("the window offset must be smaller than ", Text(slide_micros), ", and is ",
                        Text(offset_micros));
  }
  if (lateness_micros < 0) {
    return absl::StrCat("the allowed lateness must not be negative, and is ",
                        Text(lateness_micros));
  }
  return std::string();
}

std::string WindowSpec::Describe() const {
  std::string text;
  switch (kind) {
    case Kind::kTumbling:
      text = absl::StrCat("tumbling ", Text(size_micros));
      break;
    case Kind::kSliding:
      text = absl::StrCat("sliding ", Text(size_micros), " every ", Text(slide_micros));
      break;
    case Kind::kSession:
      text = absl::StrCat("sessions with a gap of ", Text(size_micros));
      break;
  }
  if (offset_micros != 0) absl::StrAppend(&text, ", offset ", Text(offset_micros));
  if (processing_time) absl::StrAppend(&text, ", processing time");
  return text;
}

}  // namespace internal

using Kind = internal::WindowSpec::Kind;

Tumbling::Tumbling(microseconds size, microseconds offset) {
  spec_ = Slices(Kind::kTumbling, size, size, offset);
}

Sliding::Sliding(microseconds size, microseconds slide, microseconds offset) {
  spec_ = Slices(Kind::kSliding, size, slide, offset);
}

Session::Session(microseconds gap) { spec_ = Slices(Kind::kSession, gap, {}, {}); }

TumblingProcessingTime::TumblingProcessingTime(microseconds size, microseconds offset) {
  spec_ = Slices(Kind::kTumbling, size, size, offset);
  spec_.processing_time = true;
}

SlidingProcessingTime::SlidingProcessingTime(microseconds size, microseconds slide,
                                             microseconds offset) {
  spec_ = Slices(Kind::kSliding, size, slide, offset);
  spec_.processing_time = true;
}

}  // namespace weir
