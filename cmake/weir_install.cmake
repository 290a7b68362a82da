# What `cmake --install` gives, in two components that are two Debian packages:
#   runtime      weir, weir-jobmanager, weir-taskmanager
#   development  for authors of jobs: headers, libweir.a, libweir_testing.a, find_package(Weir)
#
# The libraries of the tree, one a folder, are merged into one archive: outside there is one name to
# link (tests a second), and folders may be split and renamed without anybody noticing. The headers
# that weir/weir.h reaches stand below include/weir, too: see cmake/install/headers.cmake.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# Sanitized programs are for the tests.
if(WEIR_SANITIZER)
  return()
endif()

# weir_link_closure(ROOTS OBJECTS_VARIABLE PACKAGES_VARIABLE): the objects of our libraries that
# these lead to, and what else they link.
function(weir_link_closure roots objects_variable packages_variable)
  set(pending ${roots})
  set(seen)
  set(objects)
  set(packages)
  while(pending)
    list(POP_FRONT pending library)
    if(library IN_LIST seen)
      continue()
    endif()
    list(APPEND seen ${library})
    if(NOT library MATCHES "^weir_")
      list(APPEND packages ${library})
      continue()
    endif()
    get_target_property(type ${library} TYPE)
    if(type STREQUAL "STATIC_LIBRARY")
      list(APPEND objects $<TARGET_OBJECTS:${library}>)
    endif()
    get_target_property(links ${library} INTERFACE_LINK_LIBRARIES)
    if(links)
      list(APPEND pending ${links})
    endif()
  endwhile()
  set(${objects_variable} ${objects} PARENT_SCOPE)
  set(${packages_variable} ${packages} PARENT_SCOPE)
endfunction()

# All that a job may link.
weir_link_closure("weir_api_run;weir_connectors_kafka;weir_connectors_datagen" objects packages)
add_library(weir_archive STATIC ${objects})
set_target_properties(
  weir_archive PROPERTIES OUTPUT_NAME weir EXPORT_NAME weir LINKER_LANGUAGE CXX
                          ARCHIVE_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/lib")
target_link_libraries(weir_archive INTERFACE ${packages})
target_compile_features(weir_archive INTERFACE cxx_std_20)
weir_only_on_demand(weir_archive)

# What a job's tests link besides: weir/testing/....
weir_link_closure("weir_api_testing;weir_api_testing_cluster" testing_objects testing_packages)
list(REMOVE_ITEM testing_objects ${objects})
list(REMOVE_ITEM testing_packages ${packages})
add_library(weir_testing_archive STATIC ${testing_objects})
set_target_properties(
  weir_testing_archive PROPERTIES OUTPUT_NAME weir_testing EXPORT_NAME testing LINKER_LANGUAGE CXX
                                  ARCHIVE_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/lib")
target_link_libraries(weir_testing_archive INTERFACE weir_archive ${testing_packages})
weir_only_on_demand(weir_testing_archive)

# `weir new` writes find_package(Weir VERSION) with the version that --version shows.
file(STRINGS "${CMAKE_SOURCE_DIR}/common/base/version.h" shown REGEX "kVersion")
if(NOT shown MATCHES "\"${PROJECT_VERSION}\"")
  message(FATAL_ERROR "common/base/version.h and CMakeLists.txt have different versions")
endif()

set(weir_cmake_folder "${CMAKE_INSTALL_LIBDIR}/cmake/Weir")
configure_package_config_file(
  "${CMAKE_SOURCE_DIR}/cmake/install/WeirConfig.cmake.in"
  "${CMAKE_BINARY_DIR}/install/WeirConfig.cmake" INSTALL_DESTINATION "${weir_cmake_folder}"
  NO_SET_AND_CHECK_MACRO)
# Before 1.0 a minor version may break.
write_basic_package_version_file("${CMAKE_BINARY_DIR}/install/WeirConfigVersion.cmake"
                                 COMPATIBILITY SameMinorVersion)

install(TARGETS weir weir-jobmanager weir-taskmanager RUNTIME COMPONENT runtime)
foreach(place
        bash-completion/completions/weir=weir.bash
        zsh/vendor-completions/_weir=weir.zsh
        fish/vendor_completions.d/weir.fish=weir.fish)
  string(REGEX MATCH "^(.*)/(.*)=(.*)$" unused "${place}")
  install(FILES "client/templates/completion/${CMAKE_MATCH_3}"
          DESTINATION "${CMAKE_INSTALL_DATADIR}/${CMAKE_MATCH_1}" RENAME "${CMAKE_MATCH_2}"
          COMPONENT runtime)
endforeach()
install(TARGETS weir_archive weir_testing_archive EXPORT WeirTargets ARCHIVE COMPONENT development
        INCLUDES DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(EXPORT WeirTargets NAMESPACE Weir:: DESTINATION "${weir_cmake_folder}"
        COMPONENT development)
install(
  FILES "${CMAKE_BINARY_DIR}/install/WeirConfig.cmake"
        "${CMAKE_BINARY_DIR}/install/WeirConfigVersion.cmake"
        "${CMAKE_SOURCE_DIR}/cmake/weir_link_packages.cmake"
        "${CMAKE_SOURCE_DIR}/cmake/install/weir_add_job.cmake"
  DESTINATION "${weir_cmake_folder}"
  COMPONENT development)
install(CODE "set(WEIR_SOURCE_DIR \"${CMAKE_SOURCE_DIR}\")
set(WEIR_INCLUDE_DIR \"${CMAKE_INSTALL_INCLUDEDIR}\")" COMPONENT development)
install(SCRIPT "${CMAKE_SOURCE_DIR}/cmake/install/headers.cmake" COMPONENT development)
install(FILES LICENSE DESTINATION "${CMAKE_INSTALL_DATADIR}/doc/weir" RENAME copyright
        COMPONENT runtime)
install(FILES CHANGELOG.md DESTINATION "${CMAKE_INSTALL_DATADIR}/doc/weir" COMPONENT runtime)
install(DIRECTORY docs/ DESTINATION "${CMAKE_INSTALL_DATADIR}/doc/weir" COMPONENT runtime
        FILES_MATCHING PATTERN "*.md")
# For clients in other languages, and what there is to copy from.
install(DIRECTORY proto DESTINATION "${CMAKE_INSTALL_DATADIR}/weir" COMPONENT development
        FILES_MATCHING PATTERN "*.proto")
foreach(example kafka_to_kafka flight_delays page_tags python_client)
  install(DIRECTORY "examples/${example}"
          DESTINATION "${CMAKE_INSTALL_DATADIR}/doc/weir-dev/examples" COMPONENT development
          PATTERN CMakeLists.txt EXCLUDE PATTERN __pycache__ EXCLUDE)
endforeach()
install(FILES LICENSE DESTINATION "${CMAKE_INSTALL_DATADIR}/doc/weir-dev" RENAME copyright
        COMPONENT development)
