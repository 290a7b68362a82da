# weir_add_job(NAME main.cc ...): a job's program, linked as Weir's own programs are: with jemalloc
# (it halves the price of memory that one thread allocates and another frees, which is what records
# from Kafka do), and without the shared libraries it does not use, which would have to be on every
# TaskManager. Sanitizers bring an allocator of their own.
function(weir_add_job name)
  add_executable(${name} ${ARGN})
  target_link_libraries(${name} PRIVATE Weir::weir)
  target_link_options(${name} PRIVATE -Wl,--as-needed)
  if(NOT "${CMAKE_CXX_FLAGS} ${CMAKE_EXE_LINKER_FLAGS}" MATCHES "-fsanitize")
    target_link_libraries(${name} PRIVATE PkgConfig::JEMALLOC)
  endif()
endfunction()
