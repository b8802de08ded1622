# The target coca::coca: headers, flags and the optional libraries that were found. Installed as part of
# the package, so that a consumer of find_package(coca) gets the same.
#
# Optional libraries are decided once, when coca is configured: COCA_WITH_<LIBRARY> is AUTO (used
# when found), ON (an error when missing) or OFF.

find_package(Eigen3 3.4 REQUIRED NO_MODULE)
find_package(nlohmann_json 3.9 REQUIRED)
find_package(Threads REQUIRED)
find_package(PkgConfig)

add_library(coca INTERFACE)
add_library(coca::coca ALIAS coca)
target_compile_features(coca INTERFACE cxx_std_20)
target_include_directories(coca INTERFACE
  $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/include>
  $<BUILD_INTERFACE:${CMAKE_CURRENT_BINARY_DIR}/include>
  $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
target_link_libraries(coca INTERFACE Eigen3::Eigen nlohmann_json::nlohmann_json Threads::Threads)

set(COCA_PACKAGE_DEPENDENCIES "")

# coca_feature(NAME found): sets COCA_HAS_<NAME> from what was found and what is wanted.
function(coca_feature name found)
  set(COCA_WITH_${name} AUTO CACHE STRING "Use ${name}: AUTO, ON or OFF")
  set_property(CACHE COCA_WITH_${name} PROPERTY STRINGS AUTO ON OFF)
  set(wanted ${COCA_WITH_${name}})
  if(wanted STREQUAL "ON" AND NOT found)
    message(FATAL_ERROR "COCA_WITH_${name} is ON, but ${name} was not found")
  endif()
  if(found AND NOT wanted STREQUAL "OFF")
    set(COCA_HAS_${name} 1 PARENT_SCOPE)
  else()
    set(COCA_HAS_${name} 0 PARENT_SCOPE)
  endif()
endfunction()

# Links a package's target, here and in the installed package.
macro(coca_dependency package target)
  target_link_libraries(coca INTERFACE ${target})
  string(APPEND COCA_PACKAGE_DEPENDENCIES "find_dependency(${package})\n")
endmacro()

# The same for a module of pkg-config.
macro(coca_pkg_config_dependency module)
  target_link_libraries(coca INTERFACE PkgConfig::COCA_${module})
  string(APPEND COCA_PACKAGE_DEPENDENCIES
    "find_dependency(PkgConfig)\npkg_check_modules(COCA_${module} REQUIRED IMPORTED_TARGET GLOBAL ${module})\n")
endmacro()

# Only programs that train with several processes call MPI; the others must not load it.
include(CheckLinkerFlag)
check_linker_flag(CXX "LINKER:--as-needed" COCA_LINKS_AS_NEEDED)
if(COCA_LINKS_AS_NEEDED)
  target_link_options(coca INTERFACE "LINKER:--as-needed")
endif()
set(MPI_CXX_SKIP_MPICXX TRUE)  # the C interface, for projects that only use C++
find_package(MPI COMPONENTS CXX QUIET)
coca_feature(MPI "${MPI_CXX_FOUND}")
if(COCA_HAS_MPI)
  string(APPEND COCA_PACKAGE_DEPENDENCIES "set(MPI_CXX_SKIP_MPICXX TRUE)\n")
  coca_dependency("MPI COMPONENTS CXX" MPI::MPI_CXX)
endif()

find_package(OpenMP COMPONENTS CXX QUIET)
coca_feature(OPENMP "${OpenMP_CXX_FOUND}")
if(COCA_HAS_OPENMP)
  coca_dependency("OpenMP COMPONENTS CXX" OpenMP::OpenMP_CXX)
endif()

# Not through oneDNN's own package: Debian's requires OpenCL, which is not used here. With compilers other than
# g++ it is off: Debian's oneDNN links GNU's OpenMP, which next to clang's would be a second thread pool in one program.
find_path(COCA_ONEDNN_INCLUDE_DIR dnnl.hpp)
find_library(COCA_ONEDNN_LIBRARY dnnl)
mark_as_advanced(COCA_ONEDNN_INCLUDE_DIR COCA_ONEDNN_LIBRARY)
set(onednn_found FALSE)
if(COCA_ONEDNN_INCLUDE_DIR AND COCA_ONEDNN_LIBRARY AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  set(onednn_found TRUE)
endif()
coca_feature(ONEDNN "${onednn_found}")
if(COCA_HAS_ONEDNN)
  target_link_libraries(coca INTERFACE "${COCA_ONEDNN_LIBRARY}")
  target_include_directories(coca SYSTEM INTERFACE "${COCA_ONEDNN_INCLUDE_DIR}")
endif()

find_package(JPEG QUIET)
coca_feature(JPEG "${JPEG_FOUND}")
if(COCA_HAS_JPEG)
  coca_dependency(JPEG JPEG::JPEG)
endif()

find_package(PNG QUIET)
coca_feature(PNG "${PNG_FOUND}")
if(COCA_HAS_PNG)
  coca_dependency(PNG PNG::PNG)
endif()

find_package(ZLIB QUIET)
coca_feature(ZLIB "${ZLIB_FOUND}")
if(COCA_HAS_ZLIB)
  coca_dependency(ZLIB ZLIB::ZLIB)
endif()

foreach(entry "WEBP libwebp" "LIBZIP libzip" "UTF8PROC libutf8proc" "SENTENCEPIECE sentencepiece"
    "LIBARCHIVE libarchive")
  separate_arguments(entry)
  list(GET entry 0 name)
  list(GET entry 1 module)
  if(PKG_CONFIG_FOUND)
    pkg_check_modules(COCA_${module} QUIET IMPORTED_TARGET GLOBAL ${module})
  endif()
  coca_feature(${name} "${COCA_${module}_FOUND}")
  if(COCA_HAS_${name})
    coca_pkg_config_dependency(${module})
  endif()
endforeach()

# FFmpeg's four libraries are of one release; reading a video needs them all.
set(ffmpeg_modules libavformat libavcodec libswscale libavutil)
set(ffmpeg_found ${PKG_CONFIG_FOUND})
foreach(module ${ffmpeg_modules})
  if(PKG_CONFIG_FOUND)
    pkg_check_modules(COCA_${module} QUIET IMPORTED_TARGET GLOBAL ${module})
  endif()
  if(NOT COCA_${module}_FOUND)
    set(ffmpeg_found FALSE)
  endif()
endforeach()
coca_feature(FFMPEG "${ffmpeg_found}")
if(COCA_HAS_FFMPEG)
  foreach(module ${ffmpeg_modules})
    coca_pkg_config_dependency(${module})
  endforeach()
endif()

# liblbfgs has neither a CMake package nor a pkg-config module.
find_path(COCA_LBFGS_INCLUDE_DIR lbfgs.h)
find_library(COCA_LBFGS_LIBRARY lbfgs)
mark_as_advanced(COCA_LBFGS_INCLUDE_DIR COCA_LBFGS_LIBRARY)
set(lbfgs_found FALSE)
if(COCA_LBFGS_INCLUDE_DIR AND COCA_LBFGS_LIBRARY)
  set(lbfgs_found TRUE)
endif()
coca_feature(LBFGS "${lbfgs_found}")
if(COCA_HAS_LBFGS)
  target_link_libraries(coca INTERFACE "${COCA_LBFGS_LIBRARY}")
  target_include_directories(coca SYSTEM INTERFACE "${COCA_LBFGS_INCLUDE_DIR}")
endif()

set(COCA_FEATURES "")
set(libraries "")
foreach(name OPENMP ONEDNN JPEG PNG ZLIB WEBP LIBZIP UTF8PROC SENTENCEPIECE LIBARCHIVE LBFGS FFMPEG MPI)
  string(APPEND COCA_FEATURES "#define COCA_HAS_${name} ${COCA_HAS_${name}}\n")
  message(STATUS "coca: ${name} ${COCA_HAS_${name}}")
  if(COCA_HAS_${name})
    list(APPEND libraries ${name})
  endif()
endforeach()
list(JOIN libraries " " libraries)
string(APPEND COCA_FEATURES "#define COCA_LIBRARIES \"${libraries}\"\n")
configure_file("${CMAKE_CURRENT_LIST_DIR}/features.hpp.in"
  "${CMAKE_CURRENT_BINARY_DIR}/include/coca/features.hpp" @ONLY)
