# What `./dev package` makes of an installation: a .tar.gz with all of it, and two Debian packages,
# weir (programs) and weir-dev (for authors of jobs).
if(WEIR_SANITIZER)
  return()
endif()

set(CPACK_GENERATOR "DEB;TGZ")
set(CPACK_PACKAGE_NAME weir)
set(CPACK_PACKAGE_VENDOR "The Weir developers")
set(CPACK_PACKAGE_CONTACT "The Weir developers <developers@weir.invalid>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "distributed stream processor in C++")
set(CPACK_PACKAGE_VERSION "${PROJECT_VERSION}")
set(CPACK_RESOURCE_FILE_LICENSE "${CMAKE_SOURCE_DIR}/LICENSE")
set(CPACK_PACKAGE_FILE_NAME "weir-${PROJECT_VERSION}-${CMAKE_SYSTEM_PROCESSOR}")
set(CPACK_COMPONENTS_ALL runtime development)
set(CPACK_ARCHIVE_COMPONENT_INSTALL OFF)
# Symbols stay: a stack trace in a log has names.
set(CPACK_STRIP_FILES OFF)
set(CPACK_THREADS 0)

set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_SECTION net)

set(CPACK_DEBIAN_RUNTIME_PACKAGE_NAME weir)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SHLIBDEPS ON)
# Beside what dpkg-shlibdeps finds the servers to need: what the jobs they start need.
set(CPACK_DEBIAN_RUNTIME_PACKAGE_DEPENDS "librdkafka1, librocksdb7.8, libsimdjson14, libxxhash0")
set(CPACK_COMPONENT_RUNTIME_DESCRIPTION
    "Weir runs jobs that read, transform and write Kafka topics, with checkpoints and recovery.
This package has the servers weir-jobmanager and weir-taskmanager, and the command line weir.")

set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME weir-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
list(JOIN WEIR_LINK_DEBIAN_PACKAGES ", " weir_link_packages)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS
    "weir (= ${PROJECT_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE}), ${weir_link_packages}")
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_RECOMMENDS
    "cmake (>= 3.25), g++ (>= 4:12), libgtest-dev, make")
set(CPACK_COMPONENT_DEVELOPMENT_DESCRIPTION
    "Headers, library and CMake configuration for programs that are jobs of Weir.
`weir new` makes the project of one.")
include(CPack)
