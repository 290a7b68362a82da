# Installs the headers of api/weir, as <weir/...>, and those of the tree that they reach, as
# <weir/internal/...>; their includes of each other are rewritten to that. So one folder, weir, is
# all that an include path gains, and a job may have a common/types/record.h of its own.
#
# Run by `cmake --install`, with WEIR_SOURCE_DIR and WEIR_INCLUDE_DIR (relative to the prefix).
# Whatever else a header reaches has to be the standard library's or abseil's: a message of protobuf
# or a library of ours that is included by mistake ends the installation.
cmake_minimum_required(VERSION 3.25)
set(destination "$ENV{DESTDIR}${CMAKE_INSTALL_PREFIX}/${WEIR_INCLUDE_DIR}")

file(GLOB_RECURSE pending RELATIVE "${WEIR_SOURCE_DIR}" "${WEIR_SOURCE_DIR}/api/weir/*.h")
set(seen ${pending})
while(pending)
  list(POP_FRONT pending header)
  file(READ "${WEIR_SOURCE_DIR}/${header}" text)
  string(REGEX MATCHALL "#include \"[^\"]+\"" lines "${text}")
  foreach(line IN LISTS lines)
    string(REGEX REPLACE "#include \"(.*)\"" "\\1" included "${line}")
    if(EXISTS "${WEIR_SOURCE_DIR}/api/${included}")
      set(reached "api/${included}")
    elseif(EXISTS "${WEIR_SOURCE_DIR}/${included}")
      set(reached "${included}")
      string(REPLACE "${line}" "#include \"weir/internal/${included}\"" text "${text}")
    elseif(included MATCHES "^absl/")
      continue()
    else()
      message(FATAL_ERROR "${header} includes ${included}, which jobs are not given")
    endif()
    if(NOT reached IN_LIST seen)
      list(APPEND seen "${reached}")
      list(APPEND pending "${reached}")
    endif()
  endforeach()
  if(header MATCHES "^api/(weir/.*)")
    set(installed "${destination}/${CMAKE_MATCH_1}")
  else()
    set(installed "${destination}/weir/internal/${header}")
  endif()
  message(STATUS "Installing: ${installed}")
  file(WRITE "${installed}" "${text}")
  list(APPEND CMAKE_INSTALL_MANIFEST_FILES "${installed}")
endwhile()
