#pragma once

namespace weir {

/// Ends a test program that hangs, before ctest kills it without a word: shortly before the seconds
/// of WEIR_TEST_TIMEOUT are over (counted from the start of each test; what comes behind the last
/// one counts with it), every thread writes its stack to standard error, and the program is
/// aborted. Call once, before the tests run; without that variable it does nothing.
void ReportHangs();

}  // namespace weir
