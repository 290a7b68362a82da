#pragma once

// The preprocessor part of WEIR_RECORD (record.h): applies a macro to each of up to 64 arguments.
// Each step needs one more scan of the text; 4 * 4 * 3 at the innermost level and those of the
// levels around it are just enough for 64.

#define WEIR_EXPAND(...) WEIR_EXPAND_4(WEIR_EXPAND_4(WEIR_EXPAND_4(WEIR_EXPAND_4(__VA_ARGS__))))
#define WEIR_EXPAND_4(...) WEIR_EXPAND_3(WEIR_EXPAND_3(WEIR_EXPAND_3(WEIR_EXPAND_3(__VA_ARGS__))))
#define WEIR_EXPAND_3(...) WEIR_EXPAND_2(WEIR_EXPAND_2(WEIR_EXPAND_2(__VA_ARGS__)))
#define WEIR_EXPAND_2(...) __VA_ARGS__
#define WEIR_PARENTHESES ()

/// macro(argument, x) for every x that follows.
#define WEIR_FOR_EACH(macro, argument, ...) \
  __VA_OPT__(WEIR_EXPAND(WEIR_FOR_EACH_STEP(macro, argument, __VA_ARGS__)))
#define WEIR_FOR_EACH_STEP(macro, argument, first, ...) \
  macro(argument, first)                                \
      __VA_OPT__(WEIR_FOR_EACH_AGAIN WEIR_PARENTHESES(macro, argument, __VA_ARGS__))
#define WEIR_FOR_EACH_AGAIN() WEIR_FOR_EACH_STEP
