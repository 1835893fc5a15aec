# One room of the house (docs/architecture.md) is one static library, for the tests' sake; the
# library that users link is made of the objects of all of them.
#
#   tracestore_room(<name> [PATH codec/column] [PRIVATE_TO_SERVER] SOURCES … [DEPENDS rooms…]
#                   [LINKS libraries…])
#   tracestore_test(<name> SOURCES … [DEPENDS rooms…] [LINKS libraries…] [LABELS unit|property|…])

set(CMAKE_CXX_EXTENSIONS OFF)
if(PROJECT_IS_TOP_LEVEL)
  # Taken where present, needed nowhere.
  find_program(CCACHE_PROGRAM ccache)
  if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
    # Relative to the checkout, so that a fresh clone finds what another one compiled.
    set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${PROJECT_SOURCE_DIR}
        CCACHE_NOHASHDIR=1 ${CCACHE_PROGRAM})
  endif()
  find_program(MOLD_PROGRAM mold)
  if(MOLD_PROGRAM AND CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    add_link_options(-fuse-ld=mold)
  endif()
endif()

if(TRACESTORE_TESTS AND PROJECT_IS_TOP_LEVEL)
  enable_testing()
  find_package(GTest REQUIRED)
  include(GoogleTest)
  # The one place that knows where the checkout is: compiled anew in each, and nothing else is.
  add_library(tracestore_test_source_dir STATIC
    ${PROJECT_SOURCE_DIR}/src/base/testing/source_dir.cc)
  target_include_directories(tracestore_test_source_dir PUBLIC ${PROJECT_SOURCE_DIR}/src)
  target_compile_definitions(tracestore_test_source_dir PRIVATE
    TS_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
endif()

add_library(tracestore_flags INTERFACE)
target_compile_features(tracestore_flags INTERFACE cxx_std_20)
target_compile_options(tracestore_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion $<$<BOOL:${TRACESTORE_WERROR}>:-Werror>)
if(TRACESTORE_SANITIZE)
  target_compile_options(tracestore_flags INTERFACE
    -fsanitize=${TRACESTORE_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(tracestore_flags INTERFACE -fsanitize=${TRACESTORE_SANITIZE})
endif()
if(TRACESTORE_COVERAGE)
  target_compile_options(tracestore_flags INTERFACE --coverage)
  target_link_options(tracestore_flags INTERFACE --coverage)
endif()
if(TRACESTORE_FUZZ)
  target_compile_options(tracestore_flags INTERFACE -fsanitize=fuzzer-no-link)
  target_link_options(tracestore_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

function(tracestore_room name)
  cmake_parse_arguments(PARSE_ARGV 1 room "PRIVATE_TO_SERVER" "PATH" "SOURCES;DEPENDS;LINKS")
  add_library(tracestore_${name} STATIC ${room_SOURCES})
  target_include_directories(tracestore_${name} PUBLIC
    ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/src)
  set_target_properties(tracestore_${name} PROPERTIES
    POSITION_INDEPENDENT_CODE ON CXX_EXTENSIONS OFF)
  target_link_libraries(tracestore_${name} PRIVATE $<BUILD_INTERFACE:tracestore_flags>)
  target_compile_features(tracestore_${name} PUBLIC cxx_std_20)
  foreach(dependency IN LISTS room_DEPENDS)
    target_link_libraries(tracestore_${name} PUBLIC tracestore_${dependency})
  endforeach()
  target_link_libraries(tracestore_${name} PUBLIC ${room_LINKS})
  if(NOT room_PRIVATE_TO_SERVER)
    target_sources(tracestore PRIVATE $<TARGET_OBJECTS:tracestore_${name}>)
    target_link_libraries(tracestore PRIVATE ${room_LINKS})
  endif()
endfunction()

function(tracestore_test name)
  if(NOT (TRACESTORE_TESTS AND PROJECT_IS_TOP_LEVEL))
    return()
  endif()
  cmake_parse_arguments(PARSE_ARGV 1 test "" "TIMEOUT" "SOURCES;DEPENDS;LINKS;LABELS")
  add_executable(${name} ${test_SOURCES})
  target_link_libraries(${name} PRIVATE
    tracestore_flags tracestore_test_source_dir GTest::gtest_main GTest::gmock)
  foreach(dependency IN LISTS test_DEPENDS)
    target_link_libraries(${name} PRIVATE tracestore_${dependency})
  endforeach()
  target_link_libraries(${name} PRIVATE ${test_LINKS})
  if(NOT test_LABELS)
    set(test_LABELS unit)
  endif()
  if(NOT test_TIMEOUT)
    set(test_TIMEOUT 600)
  endif()
  # One ctest entry a GoogleTest case would start thousands of processes: one entry a program.
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES LABELS "${test_LABELS}" TIMEOUT ${test_TIMEOUT})
endfunction()

# The program of a test once more, as a slow entry of its own: tracestore_slow_run(<name> <test>
# <variable of the environment> <its value> [arguments of the program]). Not under the thread
# sanitizer.
function(tracestore_slow_run name test variable value)
  if(NOT TARGET ${test} OR TRACESTORE_SANITIZE MATCHES thread)
    return()
  endif()
  add_test(NAME ${name} COMMAND ${test} ${ARGN})
  set_tests_properties(${name} PROPERTIES
    LABELS "fault;slow" TIMEOUT 1200 ENVIRONMENT "${variable}=${value}")
endfunction()

# Messages of .proto files as C++ classes: a static library. PROTOS are paths without the suffix
# below the current folder, IMPORTS further folders of imported files, LINKS the libraries of those.
function(tracestore_proto_library name)
  cmake_parse_arguments(arg "" "" "PROTOS;IMPORTS;LINKS" ${ARGN})
  set(imports -I${CMAKE_CURRENT_SOURCE_DIR})
  foreach(folder IN LISTS arg_IMPORTS)
    list(APPEND imports -I${folder})
  endforeach()
  set(generated)
  foreach(proto IN LISTS arg_PROTOS)
    add_custom_command(
      OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/${proto}.pb.cc ${CMAKE_CURRENT_BINARY_DIR}/${proto}.pb.h
      COMMAND protobuf::protoc --cpp_out=${CMAKE_CURRENT_BINARY_DIR} ${imports} ${proto}.proto
      WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}
      DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${proto}.proto
      VERBATIM)
    list(APPEND generated ${CMAKE_CURRENT_BINARY_DIR}/${proto}.pb.cc)
  endforeach()
  # Generated code: no warnings of ours. No unity build: its file-local names repeat.
  add_library(${name} STATIC ${generated})
  set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  target_compile_features(${name} PUBLIC cxx_std_20)
  target_include_directories(${name} SYSTEM PUBLIC ${CMAKE_CURRENT_BINARY_DIR})
  target_link_libraries(${name} PUBLIC protobuf::libprotobuf ${arg_LINKS})
endfunction()
