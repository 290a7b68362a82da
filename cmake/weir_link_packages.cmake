# What Weir's libraries link: found by weir_find_package, which the includer defines. Our own build
# includes this (weir_dependencies.cmake), and so does the installed WeirConfig.cmake, in the
# projects of jobs.

weir_find_package(Threads)
# Module mode and before gRPC: Debian ships no protobuf-config.cmake, and gRPC's config wants one.
weir_find_package(Protobuf)
weir_find_package(absl CONFIG)
weir_find_package(gRPC CONFIG)
# RocksDB::rocksdb is the static library, RocksDB::rocksdb-shared the shared one.
weir_find_package(RocksDB CONFIG)
weir_find_package(simdjson CONFIG)
weir_find_package(spdlog CONFIG)
weir_find_package(yaml-cpp CONFIG)
weir_find_package(OpenSSL)
weir_find_package(ZLIB)
weir_find_package(PkgConfig)
pkg_check_modules(RDKAFKA REQUIRED IMPORTED_TARGET GLOBAL rdkafka)
pkg_check_modules(HTTPLIB REQUIRED IMPORTED_TARGET GLOBAL cpp-httplib)
pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET GLOBAL libxxhash)
pkg_check_modules(JEMALLOC REQUIRED IMPORTED_TARGET GLOBAL jemalloc)

# Debian's packages of all these; what the package weir-dev depends on. gRPC's own CMake config
# wants protoc's plugin to be there.
set(WEIR_LINK_DEBIAN_PACKAGES
    libabsl-dev libcpp-httplib-dev libgrpc++-dev libgrpc-dev libjemalloc-dev libprotobuf-dev
    librdkafka-dev librocksdb-dev libsimdjson-dev libspdlog-dev libssl-dev libxxhash-dev
    libyaml-cpp-dev pkg-config protobuf-compiler protobuf-compiler-grpc zlib1g-dev)
