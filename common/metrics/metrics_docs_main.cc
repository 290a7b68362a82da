// Prints docs/metrics.md.
#include <cstdio>

#include "common/metrics/metric_catalogue.h"

int main() {
  std::fputs(weir::MetricsMarkdown().c_str(), stdout);
  return 0;
}
