# Finds standalone Asio and defines asio::asio.
#
# Asio is compiled once, inside greenroom::hub; the macros below make every
# other file use that copy, so they belong to all users of asio::asio. Whether
# Asio allocates by aligned_alloc would depend on what a file includes before
# it, and then one file frees what another allocated in the other way.
find_package(Threads REQUIRED)
find_path(asio_INCLUDE_DIR asio.hpp)
mark_as_advanced(asio_INCLUDE_DIR)

if(asio_INCLUDE_DIR)
  file(STRINGS ${asio_INCLUDE_DIR}/asio/version.hpp asio_VERSION
    REGEX "# *define ASIO_VERSION [0-9]+ *//")
  string(REGEX REPLACE ".*// *([0-9.]+).*" "\\1" asio_VERSION "${asio_VERSION}")
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(asio
  REQUIRED_VARS asio_INCLUDE_DIR VERSION_VAR asio_VERSION)

if(asio_FOUND AND NOT TARGET asio::asio)
  add_library(asio::asio INTERFACE IMPORTED)
  set_target_properties(asio::asio PROPERTIES
    INTERFACE_SYSTEM_INCLUDE_DIRECTORIES "${asio_INCLUDE_DIR}"
    INTERFACE_INCLUDE_DIRECTORIES "${asio_INCLUDE_DIR}"
    INTERFACE_COMPILE_DEFINITIONS "ASIO_STANDALONE;ASIO_SEPARATE_COMPILATION;ASIO_DISABLE_STD_ALIGNED_ALLOC"
    INTERFACE_LINK_LIBRARIES Threads::Threads)
endif()
