# Runs BENCH on small sizes: it must end well and report every row.
cmake_minimum_required(VERSION 3.25)

execute_process(COMMAND ${BENCH} --quick --runs 1 --json -
  OUTPUT_VARIABLE report RESULT_VARIABLE status)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "bench ended with ${status}")
endif()

set(found)
string(JSON rows LENGTH "${report}")
math(EXPR last "${rows} - 1")
foreach(i RANGE ${last})
  string(JSON name GET "${report}" ${i} name)
  list(APPEND found ${name})
  foreach(field unit value yardstick ratio runs)
    string(JSON ${field} GET "${report}" ${i} ${field})
  endforeach()
  if(yardstick STREQUAL "") # its peer is not installed
    set(yardstick 1)
  endif()
  if(NOT value GREATER 0 OR NOT yardstick GREATER 0 OR NOT runs EQUAL 1)
    message(FATAL_ERROR
      "${name}: value ${value}, yardstick ${yardstick}, ${runs} runs")
  endif()
endforeach()

foreach(name ping_pong thread_ring actor_pool ask ask_timeout spawn_stop_actor
    idle_actor_bytes yield switch spawn_join parked_greenlet_bytes
    timer_arm_cancel tcp_echo
    queue_put_get)
  if(NOT name IN_LIST found)
    message(FATAL_ERROR "no row ${name} among: ${found}")
  endif()
endforeach()
