# coca_add_preset(TARGET CONFIG file.json NAME my_model)
#
# Turns an OpenCLIP model configuration (bare, or nested under model_cfg) into a header
# <coca_presets/my_model.hpp> with the value coca::presets::my_model, and lets TARGET include it. Settings
# that coca does not support fail the build with an error that names them.

function(coca_add_preset target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "CONFIG;NAME" "")
  if(NOT arg_CONFIG OR NOT arg_NAME OR arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "coca_add_preset: expected coca_add_preset(TARGET CONFIG file.json NAME my_model)")
  endif()
  if(NOT arg_NAME MATCHES "^[A-Za-z_][A-Za-z0-9_]*$")
    message(FATAL_ERROR "coca_add_preset: NAME must be a C++ identifier, got '${arg_NAME}'")
  endif()
  get_filename_component(config "${arg_CONFIG}" ABSOLUTE)
  if(NOT EXISTS "${config}")
    message(FATAL_ERROR "coca_add_preset: ${config} does not exist")
  endif()
  file(READ "${config}" text)
  string(JSON ignored ERROR_VARIABLE problem LENGTH "${text}")
  if(problem)
    message(FATAL_ERROR "coca_add_preset: ${config} is not JSON: ${problem}")
  endif()
  if(NOT TARGET coca_preset_generator)
    add_executable(coca_preset_generator EXCLUDE_FROM_ALL "${CMAKE_CURRENT_FUNCTION_LIST_DIR}/preset_generator.cpp")
    target_link_libraries(coca_preset_generator PRIVATE coca::coca)
  endif()
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${config}")
  set(folder "${CMAKE_CURRENT_BINARY_DIR}/coca_presets_of_${target}")
  set(header "${folder}/coca_presets/${arg_NAME}.hpp")
  file(MAKE_DIRECTORY "${folder}/coca_presets")
  add_custom_command(OUTPUT "${header}"
    COMMAND coca_preset_generator "${config}" ${arg_NAME} "${header}"
    DEPENDS "${config}" coca_preset_generator
    COMMENT "Configuration coca::presets::${arg_NAME} from ${arg_CONFIG}" VERBATIM)
  add_custom_target(coca_preset_${arg_NAME}_of_${target} DEPENDS "${header}")
  add_dependencies(${target} coca_preset_${arg_NAME}_of_${target})
  get_target_property(type ${target} TYPE)
  if(type STREQUAL "INTERFACE_LIBRARY")
    target_include_directories(${target} INTERFACE "${folder}")
  else()
    target_include_directories(${target} PUBLIC "${folder}")
  endif()
endfunction()
