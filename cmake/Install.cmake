# Installs the library with its CMake package and its pkg-config file. The library is static: what
# it was built from appears again at the user's link, so both files name it, as the options of this
# build say.
option(TRACESTORE_INSTALL "Install the library" ${PROJECT_IS_TOP_LEVEL})

target_include_directories(tracestore PUBLIC
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
target_compile_features(tracestore PUBLIC cxx_std_20)

if(NOT TRACESTORE_INSTALL)
  return()
endif()
include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/tracestore)

# What tracestoreConfig.cmake finds and tracestore.pc names beyond the core.
if(TRACESTORE_OTLP OR TRACESTORE_JAEGER OR TRACESTORE_ZIPKIN)
  set(TRACESTORE_WITH_CODECS ON)
  set(pc_codecs ", simdjson, zlib")
else()
  set(TRACESTORE_WITH_CODECS OFF)
  set(pc_codecs "")
endif()

set(pc_thrift "")
if(TRACESTORE_THRIFT)
  set(pc_thrift ", thrift")
endif()

install(TARGETS tracestore EXPORT tracestoreTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/tracestore
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
install(EXPORT tracestoreTargets NAMESPACE tracestore:: DESTINATION ${package_dir})

configure_package_config_file(
  ${PROJECT_SOURCE_DIR}/cmake/tracestoreConfig.cmake.in
  ${PROJECT_BINARY_DIR}/install/tracestoreConfig.cmake
  INSTALL_DESTINATION ${package_dir} NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/install/tracestoreConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES
  ${PROJECT_BINARY_DIR}/install/tracestoreConfig.cmake
  ${PROJECT_BINARY_DIR}/install/tracestoreConfigVersion.cmake
  DESTINATION ${package_dir})

# Relative to the file itself, so that the installed tree can be moved.
file(RELATIVE_PATH pc_prefix
  ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
string(REGEX REPLACE "/$" "" pc_prefix "${pc_prefix}")
configure_file(${PROJECT_SOURCE_DIR}/cmake/tracestore.pc.in
  ${PROJECT_BINARY_DIR}/install/tracestore.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/install/tracestore.pc
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
