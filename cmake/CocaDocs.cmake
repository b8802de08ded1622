# The Doxygen site: target docs, in <build>/docs/html. Warnings are errors.
find_package(Doxygen REQUIRED)
configure_file("${PROJECT_SOURCE_DIR}/docs/Doxyfile.in" "${PROJECT_BINARY_DIR}/Doxyfile" @ONLY)
add_custom_target(docs COMMAND Doxygen::doxygen "${PROJECT_BINARY_DIR}/Doxyfile"
  WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}" COMMENT "Doxygen site in ${PROJECT_BINARY_DIR}/docs/html" VERBATIM)
