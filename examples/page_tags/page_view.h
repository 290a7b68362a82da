#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "weir/weir.h"

/// A page view as it is in the input topic: {"id":1,"at":"2024-05-01 12:00:00.5","user":"u-7",
/// "tags":"news,sport","referrer":null}.
struct PageView {
  int64_t id = 0;
  weir::Timestamp at = {};
  std::string user;
  std::string tags;  // comma-separated
  std::optional<std::string> referrer;
  WEIR_RECORD(PageView, id, at, user, tags, referrer)
};

/// One tag of one page view.
struct TagView {
  std::string tag;
  int64_t page_view = 0;
  std::string user;
  weir::Timestamp at = {};
  WEIR_RECORD(TagView, tag, page_view, user, at)
};

/// A row for each tag.
inline void SplitTags(const PageView::View& view, weir::Collector<TagView>& out) {
  std::string_view rest = view.tags;
  while (!rest.empty()) {
    const size_t comma = rest.find(',');
    const std::string_view tag = rest.substr(0, comma);
    if (!tag.empty()) {
      out.Collect(
          TagView::View{.tag = tag, .page_view = view.id, .user = view.user, .at = view.at});
    }
    rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
  }
}

/// Views that nobody was sent to.
inline bool IsDirect(const PageView::View& view) { return !view.referrer.has_value(); }
