# Third-party packages, all from Debian 12 (deploy/apt-packages.txt).

macro(weir_find_package)
  find_package(${ARGN} REQUIRED)
endmacro()
include(weir_link_packages)

find_package(GTest CONFIG REQUIRED)
find_package(benchmark CONFIG REQUIRED)
find_package(Python3 REQUIRED COMPONENTS Interpreter)
