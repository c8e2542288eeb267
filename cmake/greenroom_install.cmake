include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/greenroom)
install(TARGETS greenroom EXPORT greenroom)
install(EXPORT greenroom NAMESPACE greenroom::
  FILE greenroomTargets.cmake DESTINATION ${package_dir})

configure_package_config_file(
  ${PROJECT_SOURCE_DIR}/cmake/greenroomConfig.cmake.in
  ${PROJECT_BINARY_DIR}/greenroomConfig.cmake
  INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(
  ${PROJECT_BINARY_DIR}/greenroomConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES
  ${PROJECT_BINARY_DIR}/greenroomConfig.cmake
  ${PROJECT_BINARY_DIR}/greenroomConfigVersion.cmake
  ${PROJECT_SOURCE_DIR}/cmake/Findasio.cmake
  DESTINATION ${package_dir})

# The prefix is written relative to the .pc file, so an install may be moved.
file(RELATIVE_PATH pc_to_prefix /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
string(REGEX REPLACE "/$" "" pc_to_prefix ${pc_to_prefix})
get_property(pc_private_libs GLOBAL PROPERTY greenroom_pc_libs)
set(pc_files greenroom)
if(TARGET greenroom::tls)
  list(APPEND pc_files greenroom-tls)
endif()
if(TARGET greenroom::zmq)
  list(APPEND pc_files greenroom-zmq)
endif()
foreach(pc IN LISTS pc_files)
  configure_file(${PROJECT_SOURCE_DIR}/cmake/${pc}.pc.in
    ${PROJECT_BINARY_DIR}/${pc}.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/${pc}.pc
    DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endforeach()

install(FILES
  ${PROJECT_SOURCE_DIR}/tools/gdb/greenroom.py
  ${PROJECT_SOURCE_DIR}/tools/gdb/README.md
  DESTINATION ${CMAKE_INSTALL_DATADIR}/greenroom/gdb)
