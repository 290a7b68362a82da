#pragma once

/// Everything a job author includes: `#include "weir/weir.h"`. docs/architecture.md has a tour.
#include "weir/args.h"
#include "weir/connector_handles.h"
#include "weir/data_stream.h"
#include "weir/environment.h"
#include "weir/error_policy.h"
#include "weir/kafka.h"
#include "weir/kafka_dead_letters.h"
#include "weir/keyed_stream.h"
#include "weir/output_tag.h"
#include "weir/process_function.h"
#include "weir/run_job.h"
#include "weir/watermark_generator.h"
#include "weir/watermark_strategy.h"
#include "weir/window_assigners.h"
#include "weir/window_function.h"
