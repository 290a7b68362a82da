# Compile and link flags of our own code, in one INTERFACE target: weir_flags.

set(WEIR_SANITIZER "" CACHE STRING "empty, address (with undefined) or thread")
set(WEIR_TEST_LABELS "" CACHE STRING "ctest labels to build and register; empty means all")
option(WEIR_FUZZ "build the libFuzzer targets (clang only)" OFF)
option(WEIR_WERROR "warnings are errors" ON)

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "build type" FORCE)
endif()
# -g1: function names and lines for stack traces, without the size of -g. RelWithDebInfo keeps
# assert() and the checks of the standard library; Release has WEIR_CHECK only.
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g1 -D_GLIBCXX_ASSERTIONS")
set(CMAKE_CXX_FLAGS_RELEASE "-O3 -g1 -DNDEBUG")
if(WEIR_SANITIZER)
  set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O1 -g1 -D_GLIBCXX_ASSERTIONS")
endif()

find_program(WEIR_CCACHE ccache)
if(WEIR_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_C_COMPILER_LAUNCHER "${WEIR_CCACHE}")
  set(CMAKE_CXX_COMPILER_LAUNCHER "${WEIR_CCACHE}")
endif()

# Code shared by all targets, also by generated and third-party sources we compile.
# x86-64-v2 plus pclmul is the portable baseline: without pclmul simdjson falls back to its slow
# path.
add_library(weir_platform_flags INTERFACE)
target_compile_options(
  weir_platform_flags INTERFACE -march=x86-64-v2 -mpclmul -msse4.2 -fno-omit-frame-pointer -pthread)
target_link_options(weir_platform_flags INTERFACE -pthread -Wl,--as-needed)

# Paths in objects are relative to the checkout, so that ccache serves every checkout. With
# CCACHE_BASEDIR the compiler sees paths relative to the build folder; both forms are mapped.
file(RELATIVE_PATH weir_source_from_build "${CMAKE_BINARY_DIR}" "${CMAKE_SOURCE_DIR}")
string(REGEX REPLACE "/$" "" weir_source_from_build "${weir_source_from_build}")
target_compile_options(
  weir_platform_flags INTERFACE "-ffile-prefix-map=${CMAKE_SOURCE_DIR}=."
                                "-ffile-prefix-map=${weir_source_from_build}=.")

find_program(WEIR_MOLD mold)
if(WEIR_MOLD)
  target_link_options(weir_platform_flags INTERFACE -fuse-ld=mold)
endif()

if(WEIR_SANITIZER STREQUAL "address")
  set(weir_sanitize -fsanitize=address,undefined -fno-sanitize-recover=all)
elseif(WEIR_SANITIZER STREQUAL "thread")
  set(weir_sanitize -fsanitize=thread)
  # librdkafka starts C11 threads, which TSan does not intercept; see the file.
  target_link_options(weir_platform_flags INTERFACE -rdynamic)
elseif(WEIR_SANITIZER)
  message(FATAL_ERROR "WEIR_SANITIZER is '${WEIR_SANITIZER}'; address, thread or nothing")
endif()
if(WEIR_FUZZ)
  if(NOT CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    message(FATAL_ERROR "WEIR_FUZZ needs clang, this is ${CMAKE_CXX_COMPILER_ID}")
  endif()
  list(APPEND weir_sanitize -fsanitize=fuzzer-no-link)
endif()
target_compile_options(weir_platform_flags INTERFACE ${weir_sanitize})
target_link_options(weir_platform_flags INTERFACE ${weir_sanitize})

add_library(weir_flags INTERFACE)
target_link_libraries(weir_flags INTERFACE weir_platform_flags)
# "common/base/check.h", "weir/weir.h"; generated "proto/x.pb.h" is SYSTEM: not our warnings.
target_include_directories(weir_flags INTERFACE "${CMAKE_SOURCE_DIR}" "${CMAKE_SOURCE_DIR}/api")
target_include_directories(weir_flags SYSTEM INTERFACE "${CMAKE_BINARY_DIR}/generated")
target_compile_options(
  weir_flags
  INTERFACE -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wimplicit-fallthrough
            $<$<BOOL:${WEIR_WERROR}>:-Werror>)
if(WEIR_SANITIZER)
  # Several sources are one there (weir_library), and what one declares the next may shadow.
  target_compile_options(weir_flags INTERFACE -Wno-shadow)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # False alarms of g++ 12 inside std::string, std::vector and std::optional when it inlines.
  target_compile_options(
    weir_flags
    INTERFACE -Wno-restrict -Wno-stringop-overflow -Wno-stringop-overread -Wno-stringop-truncation
              -Wno-array-bounds -Wno-maybe-uninitialized -Wno-dangling-pointer
              -Wno-free-nonheap-object)
else()
  target_compile_options(weir_flags INTERFACE -Wthread-safety)
endif()
