# Installing: headers, features.hpp as configured here, and a package for find_package(coca).

install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/coca" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(FILES "${PROJECT_BINARY_DIR}/include/coca/features.hpp"
  DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/coca")
install(TARGETS coca EXPORT coca-targets)

set(package_folder "${CMAKE_INSTALL_LIBDIR}/cmake/coca")
install(EXPORT coca-targets NAMESPACE coca:: DESTINATION "${package_folder}")
configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/coca-config.cmake.in"
  "${PROJECT_BINARY_DIR}/coca-config.cmake" INSTALL_DESTINATION "${package_folder}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/coca-config-version.cmake"
  COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES "${PROJECT_BINARY_DIR}/coca-config.cmake" "${PROJECT_BINARY_DIR}/coca-config-version.cmake"
  "${PROJECT_SOURCE_DIR}/cmake/CocaAddPreset.cmake" "${PROJECT_SOURCE_DIR}/cmake/preset_generator.cpp"
  DESTINATION "${package_folder}")
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DATADIR}/doc/coca")
