# The functions every CMakeLists.txt of the tree is written with. One target per leaf folder,
# named by its path; sources are listed by hand (a tidy test finds a .cc that no target lists).
include(GoogleTest)

# What ./dev asks for by name: programs, fuzz targets, generated code.
add_custom_target(weir_binaries)
add_custom_target(weir_fuzzers)
add_custom_target(weir_generated)
# The fuzz targets and their corpus folders, for ./dev fuzz.
set(WEIR_FUZZ_LIST "${CMAKE_BINARY_DIR}/fuzz/targets.txt")
file(WRITE "${WEIR_FUZZ_LIST}" "")

# Seconds a test of this label may take, unless it says TIMEOUT.
set(WEIR_LABELS tidy unit contract sim integration e2e kafka chaos compat fuzz bench examples)
set(weir_timeout_tidy 60)
set(weir_timeout_unit 60)
set(weir_timeout_contract 60)
set(weir_timeout_sim 300)
set(weir_timeout_integration 120)
set(weir_timeout_e2e 300)
set(weir_timeout_kafka 300)
set(weir_timeout_chaos 900)
set(weir_timeout_compat 120)
set(weir_timeout_fuzz 120)
set(weir_timeout_bench 300)
set(weir_timeout_examples 300)
# These start whole clusters or measure: two of the machine's processors each, so that
# `ctest -j2` runs them alone.
set(weir_wide_labels e2e kafka chaos bench examples)

# weir_add_folders(base time ...): add_subdirectory for those that have a CMakeLists.txt.
function(weir_add_folders)
  foreach(folder IN LISTS ARGN)
    if(EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/${folder}/CMakeLists.txt")
      add_subdirectory(${folder})
    endif()
  endforeach()
endfunction()

# Are tests with this label built in this configuration? (WEIR_TEST_LABELS, empty: all)
function(weir_label_enabled label result)
  if(NOT label IN_LIST WEIR_LABELS)
    message(FATAL_ERROR "test label '${label}' is not one of: ${WEIR_LABELS}")
  endif()
  if(WEIR_TEST_LABELS AND NOT label IN_LIST WEIR_TEST_LABELS)
    set(${result} FALSE PARENT_SCOPE)
  else()
    set(${result} TRUE PARENT_SCOPE)
  endif()
endfunction()

# Where only some labels are built, what no chosen test links is not built either.
function(weir_only_on_demand target)
  if(WEIR_TEST_LABELS)
    set_target_properties(${target} PROPERTIES EXCLUDE_FROM_ALL TRUE)
  endif()
endfunction()

# weir_library(NAME weir_common_base SRCS check.cc ... DEPS absl::status ...)
# A static library, or an INTERFACE one when it has no sources. Dependencies are public.
function(weir_library)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "NAME" "SRCS;DEPS")
  if(arg_SRCS)
    add_library(${arg_NAME} STATIC ${arg_SRCS})
    target_link_libraries(${arg_NAME} PUBLIC weir_flags ${arg_DEPS})
    weir_only_on_demand(${arg_NAME})
  else()
    add_library(${arg_NAME} INTERFACE)
    target_link_libraries(${arg_NAME} INTERFACE weir_flags ${arg_DEPS})
  endif()
endfunction()

# weir_proto_library(NAME weir_proto PROTOS a.proto b.proto GRPC a.proto)
# Generates into the build tree under the path of the .proto, so that #include "proto/a.pb.h"
# (and "proto/a.grpc.pb.h" for those named by GRPC) work; compiled without our warnings.
function(weir_proto_library)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "NAME" "PROTOS;GRPC;DEPS")
  set(out "${CMAKE_BINARY_DIR}/generated")
  file(MAKE_DIRECTORY "${out}")
  file(RELATIVE_PATH folder "${CMAKE_SOURCE_DIR}" "${CMAKE_CURRENT_SOURCE_DIR}")
  set(inputs)
  foreach(proto IN LISTS arg_PROTOS)
    list(APPEND inputs "${CMAKE_CURRENT_SOURCE_DIR}/${proto}")
  endforeach()
  set(sources)
  foreach(proto IN LISTS arg_PROTOS)
    string(REGEX REPLACE "\\.proto$" "" stem "${folder}/${proto}")
    set(outputs "${out}/${stem}.pb.cc" "${out}/${stem}.pb.h")
    set(grpc_arguments)
    if(proto IN_LIST arg_GRPC)
      list(APPEND outputs "${out}/${stem}.grpc.pb.cc" "${out}/${stem}.grpc.pb.h")
      set(grpc_arguments "--grpc_out=${out}"
                         "--plugin=protoc-gen-grpc=$<TARGET_FILE:gRPC::grpc_cpp_plugin>")
    endif()
    add_custom_command(
      OUTPUT ${outputs}
      COMMAND protobuf::protoc -I "${CMAKE_SOURCE_DIR}" "--cpp_out=${out}" ${grpc_arguments}
              "${CMAKE_CURRENT_SOURCE_DIR}/${proto}"
      DEPENDS ${inputs} # all: one may import the other
      COMMENT "protoc ${stem}.proto"
      VERBATIM)
    list(APPEND sources ${outputs})
  endforeach()
  add_library(${arg_NAME} STATIC ${sources})
  target_include_directories(${arg_NAME} SYSTEM PUBLIC "${out}")
  target_link_libraries(${arg_NAME} PUBLIC weir_platform_flags protobuf::libprotobuf
                                           gRPC::grpc++ ${arg_DEPS})
  add_dependencies(weir_generated ${arg_NAME})
  weir_only_on_demand(${arg_NAME})
endfunction()

# weir_embedded_files(NAME weir_client_templates HEADER job_template.h
#                     FUNCTION weir::cli::JobTemplate FOLDER job FILES a b ...)
# A library with the text of these files in it: FUNCTION, which HEADER declares, returns a
# std::vector<TemplateFile>. Files change, and the library is made again.
function(weir_embedded_files)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "NAME;HEADER;FUNCTION;FOLDER" "FILES")
  file(RELATIVE_PATH folder "${CMAKE_SOURCE_DIR}" "${CMAKE_CURRENT_SOURCE_DIR}")
  set(output "${CMAKE_BINARY_DIR}/generated/${folder}/${arg_NAME}.cc")
  set(script "${CMAKE_SOURCE_DIR}/cmake/embed_files.cmake")
  list(TRANSFORM arg_FILES PREPEND "${CMAKE_CURRENT_SOURCE_DIR}/${arg_FOLDER}/"
       OUTPUT_VARIABLE inputs)
  string(REPLACE ";" "|" names "${arg_FILES}")
  add_custom_command(
    OUTPUT "${output}"
    COMMAND "${CMAKE_COMMAND}" -D "FOLDER=${CMAKE_CURRENT_SOURCE_DIR}/${arg_FOLDER}" -D
            "FILES=${names}" -D "HEADER=${folder}/${arg_HEADER}" -D "FUNCTION=${arg_FUNCTION}" -D
            "OUTPUT=${output}" -P "${script}"
    DEPENDS ${inputs} "${script}"
    COMMENT "embedding ${folder}/${arg_FOLDER}"
    VERBATIM)
  weir_library(NAME ${arg_NAME} SRCS "${output}")
endfunction()

# What every executable gets: under TSan the shim for librdkafka's C11 threads.
function(weir_finish_executable target)
  if(WEIR_SANITIZER STREQUAL "thread")
    target_sources(${target} PRIVATE "${CMAKE_SOURCE_DIR}/cmake/tsan/c11_threads.cc")
  endif()
endfunction()

# weir_binary(NAME weir-jobmanager SRCS main.cc DEPS ...): an executable in <build>/bin, with
# jemalloc (it halves the price of librdkafka's cross-thread frees), except under sanitizers.
function(weir_binary)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "NAME" "SRCS;DEPS")
  add_executable(${arg_NAME} ${arg_SRCS})
  target_link_libraries(${arg_NAME} PRIVATE weir_flags ${arg_DEPS})
  if(NOT WEIR_SANITIZER)
    target_link_libraries(${arg_NAME} PRIVATE PkgConfig::JEMALLOC)
  endif()
  add_dependencies(weir_binaries ${arg_NAME})
  set_target_properties(${arg_NAME} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
  weir_finish_executable(${arg_NAME})
  # Tests above unit level start these, whatever labels are chosen.
  if(WEIR_SANITIZER STREQUAL "thread")
    weir_only_on_demand(${arg_NAME})
  endif()
endfunction()

# The environment of all tests, as one list.
function(weir_test_environment result)
  set(environment "WEIR_SOURCE_DIR=${CMAKE_SOURCE_DIR}" "WEIR_BINARY_DIR=${CMAKE_BINARY_DIR}")
  if(WEIR_SANITIZER STREQUAL "thread")
    set(suppressions "${CMAKE_SOURCE_DIR}/cmake/tsan/suppressions.txt")
    list(APPEND environment
         "TSAN_OPTIONS=suppressions=${suppressions}:ignore_noninstrumented_modules=1")
  elseif(WEIR_SANITIZER STREQUAL "address")
    list(APPEND environment "UBSAN_OPTIONS=print_stacktrace=1"
         "ASAN_OPTIONS=detect_stack_use_after_return=1:symbolize=1")
  endif()
  set(${result} ${environment} PARENT_SCOPE)
endfunction()

# weir_test(NAME unit_common LABEL unit [TIMEOUT 60] [SERIAL] [OWN_MAIN] [ONE_THREAD]
#           [ENVIRONMENT A=1 ...] SRCS x_test.cc ... DEPS ...)
# A GoogleTest binary; each of its tests is one ctest test named NAME.Suite.Test, with the label,
# its time limit, and WEIR_SOURCE_DIR, WEIR_BINARY_DIR and WEIR_TEST_TIMEOUT (the seconds of the
# limit) in the environment. SERIAL: never beside another test. OWN_MAIN: the sources bring main().
# ONE_THREAD: what is tested has no threads of its own, so TSan, which finds races between threads,
# has nothing to find in it: not built with it. That is a third of that lane's minutes.
function(weir_test)
  cmake_parse_arguments(PARSE_ARGV 0 arg "SERIAL;OWN_MAIN;ONE_THREAD" "NAME;LABEL;TIMEOUT"
                        "SRCS;DEPS;ENVIRONMENT")
  weir_label_enabled("${arg_LABEL}" enabled)
  if(NOT enabled OR (arg_ONE_THREAD AND WEIR_SANITIZER STREQUAL "thread"))
    return()
  endif()
  add_executable(${arg_NAME} ${arg_SRCS})
  target_link_libraries(${arg_NAME} PRIVATE weir_flags ${arg_DEPS} GTest::gmock GTest::gtest)
  if(NOT arg_OWN_MAIN)
    target_link_libraries(${arg_NAME} PRIVATE GTest::gtest_main)
  endif()
  weir_finish_executable(${arg_NAME})
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT ${weir_timeout_${arg_LABEL}})
  endif()
  weir_test_environment(environment)
  list(APPEND environment WEIR_TEST_TIMEOUT=${arg_TIMEOUT} ${arg_ENVIRONMENT})
  set(properties LABELS ${arg_LABEL} TIMEOUT ${arg_TIMEOUT})
  if(arg_SERIAL)
    list(APPEND properties RUN_SERIAL TRUE)
  endif()
  if(arg_LABEL IN_LIST weir_wide_labels)
    list(APPEND properties PROCESSORS 2)
  endif()
  # The list passes through a macro and two generated scripts, each of which halves the escapes
  # (measured with CMake 3.25); tests/tidy has a test that the environment arrives.
  string(REPEAT "\\" 7 escape)
  list(JOIN environment "${escape};" environment)
  gtest_discover_tests(
    ${arg_NAME}
    TEST_PREFIX ${arg_NAME}.
    DISCOVERY_MODE PRE_TEST
    DISCOVERY_TIMEOUT 60
    PROPERTIES ${properties} ENVIRONMENT "${environment}")
endfunction()

# weir_shell_test(NAME tidy_layers LABEL tidy [TIMEOUT s] [SERIAL] [ENVIRONMENT A=1 ...]
#                 COMMAND ...)
# A test that is a command: a script, or a binary with arguments. Exit code 0 is success, 77 says
# that it was skipped.
function(weir_shell_test)
  cmake_parse_arguments(PARSE_ARGV 0 arg "SERIAL" "NAME;LABEL;TIMEOUT" "ENVIRONMENT;COMMAND")
  weir_label_enabled("${arg_LABEL}" enabled)
  if(NOT enabled)
    return()
  endif()
  add_test(NAME ${arg_NAME} COMMAND ${arg_COMMAND} WORKING_DIRECTORY "${CMAKE_CURRENT_BINARY_DIR}")
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT ${weir_timeout_${arg_LABEL}})
  endif()
  weir_test_environment(environment)
  set_tests_properties(
    ${arg_NAME} PROPERTIES LABELS ${arg_LABEL} TIMEOUT ${arg_TIMEOUT} SKIP_RETURN_CODE 77
                           ENVIRONMENT "${environment};${arg_ENVIRONMENT}")
  if(arg_SERIAL)
    set_tests_properties(${arg_NAME} PROPERTIES RUN_SERIAL TRUE)
  endif()
  if(arg_LABEL IN_LIST weir_wide_labels)
    set_tests_properties(${arg_NAME} PROPERTIES PROCESSORS 2)
  endif()
endfunction()

# weir_fuzz_test(NAME fuzz_json SRCS json_fuzz.cc DEPS ... [CORPUS corpus/json] [SECONDS 10])
# A libFuzzer target, where WEIR_FUZZ is on; its ctest (label fuzz) is a smoke run of SECONDS over
# the committed seed corpus. `./dev fuzz` runs it longer. It lies in <build>/fuzz.
function(weir_fuzz_test)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "NAME;CORPUS;SECONDS" "SRCS;DEPS")
  weir_label_enabled(fuzz enabled)
  if(NOT WEIR_FUZZ OR NOT enabled)
    return()
  endif()
  add_executable(${arg_NAME} ${arg_SRCS})
  target_link_libraries(${arg_NAME} PRIVATE weir_flags ${arg_DEPS})
  target_link_options(${arg_NAME} PRIVATE -fsanitize=fuzzer)
  set_target_properties(${arg_NAME} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/fuzz")
  set(corpora "${CMAKE_BINARY_DIR}/fuzz/corpus/${arg_NAME}")
  file(MAKE_DIRECTORY "${corpora}")
  if(arg_CORPUS)
    list(APPEND corpora "${CMAKE_CURRENT_SOURCE_DIR}/${arg_CORPUS}")
  endif()
  add_dependencies(weir_fuzzers ${arg_NAME})
  list(JOIN corpora " " folders)
  file(APPEND "${WEIR_FUZZ_LIST}" "${arg_NAME} ${folders}\n")
  if(NOT arg_SECONDS)
    set(arg_SECONDS 10)
  endif()
  weir_shell_test(
    NAME ${arg_NAME} LABEL fuzz
    COMMAND ${arg_NAME} -max_total_time=${arg_SECONDS} -timeout=10 -rss_limit_mb=2048
            "-artifact_prefix=${CMAKE_BINARY_DIR}/fuzz/${arg_NAME}-" ${corpora})
endfunction()

# weir_benchmark(NAME bench_hash SRCS hash_bench.cc DEPS ...): a Google Benchmark program in
# <build>/bin, with jemalloc like the binaries it stands for. Not built under sanitizers.
function(weir_benchmark)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "NAME" "SRCS;DEPS")
  if(WEIR_SANITIZER)
    return()
  endif()
  weir_binary(NAME ${arg_NAME} SRCS ${arg_SRCS} DEPS ${arg_DEPS} benchmark::benchmark
                                                    benchmark::benchmark_main)
endfunction()
