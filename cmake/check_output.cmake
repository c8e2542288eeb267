# Runs PROGRAM and compares its standard output with the file EXPECTED.
# OUTPUT is where the output is kept.
execute_process(COMMAND ${PROGRAM}
  OUTPUT_FILE ${OUTPUT} RESULT_VARIABLE status)
execute_process(COMMAND diff -u ${EXPECTED} ${OUTPUT}
  RESULT_VARIABLE differs)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "${PROGRAM} ended with ${status}")
endif()
if(NOT differs EQUAL 0)
  message(FATAL_ERROR "${PROGRAM} did not print ${EXPECTED}")
endif()
