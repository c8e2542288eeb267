# One room, one library. The room's folder is seen through one door only,
# build/rooms/<room>/greenroom/<room>, so a room can include nothing but itself
# and the rooms named in NEEDS.
#
#   greenroom_room(mailbox HEADERS queue.hpp SOURCES queue.cpp NEEDS greenroom::hub)
#
# NEEDS is seen by users of the room, PRIVATE_NEEDS by its sources only.
# A room without SOURCES is header-only.
function(greenroom_room room)
  cmake_parse_arguments(PARSE_ARGV 1 ROOM "" ""
    "HEADERS;SOURCES;NEEDS;PRIVATE_NEEDS")
  set(target greenroom_${room})

  set(door ${PROJECT_BINARY_DIR}/rooms/${room})
  file(MAKE_DIRECTORY ${door}/greenroom)
  file(CREATE_LINK ${CMAKE_CURRENT_SOURCE_DIR} ${door}/greenroom/${room} SYMBOLIC)
  list(TRANSFORM ROOM_HEADERS PREPEND ${door}/greenroom/${room}/)

  if(ROOM_SOURCES)
    set(scope PUBLIC)
    add_library(${target} ${ROOM_SOURCES})
    target_link_libraries(${target} PRIVATE ${ROOM_PRIVATE_NEEDS})
    set_target_properties(${target} PROPERTIES
      VERSION ${PROJECT_VERSION}
      SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}
      INSTALL_RPATH $ORIGIN)
  else()
    set(scope INTERFACE)
    add_library(${target} INTERFACE)
  endif()
  add_library(greenroom::${room} ALIAS ${target})

  target_sources(${target} ${scope}
    FILE_SET HEADERS BASE_DIRS ${door} FILES ${ROOM_HEADERS})
  target_link_libraries(${target} ${scope} ${ROOM_NEEDS})
  target_compile_features(${target} ${scope} cxx_std_20)
  set_target_properties(${target} PROPERTIES
    EXPORT_NAME ${room}
    VERIFY_INTERFACE_HEADER_SETS ${PROJECT_IS_TOP_LEVEL})

  if(GREENROOM_INSTALL)
    install(TARGETS ${target} EXPORT greenroom FILE_SET HEADERS)
  endif()
endfunction()
