#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "common/types/record.h"

/// How user functions are called with rows of a batch, and what their types say about streams.
namespace weir::internal {

/// A view of a record, or the record itself: which record it is. std::string_view: a std::string.
template <class T>
struct RecordOfRow {
  using type = T;
};
template <class T>
requires RecordView<T>
struct RecordOfRow<T> {
  using type = typename T::WeirRecord;
};
template <>
struct RecordOfRow<std::string_view> {
  using type = std::string;
};
template <>
struct RecordOfRow<const char*> {
  using type = std::string;
};

/// The record type of a stream whose rows are made by a function that returns R.
template <class R>
using RecordOf = typename RecordOfRow<std::decay_t<R>>::type;

/// The first parameter of a lambda or function that is not generic.
template <class F>
struct FirstArgument : FirstArgument<decltype(&F::operator())> {};
template <class R, class A, class... More>
struct FirstArgument<R (*)(A, More...)> {
  using type = A;
};
template <class C, class R, class A, class... More>
struct FirstArgument<R (C::*)(A, More...)> {
  using type = A;
};
template <class C, class R, class A, class... More>
struct FirstArgument<R (C::*)(A, More...) const> {
  using type = A;
};
template <class F>
using RecordOfArgument = RecordOf<typename FirstArgument<F>::type>;

/// A function of a row view (Row<T>), possibly with more arguments, is given the view; every other
/// one an owning record, made for the call.
template <class T, class F, class... More>
inline constexpr bool kTakesView = std::is_invocable_v<F&, const Row<T>&, More...>;
template <class T, class F, class... More>
inline constexpr bool kTakesRow = kTakesView<T, F, More...> || std::is_invocable_v<F&, T, More...>;

template <class T, class F, class... More>
[[gnu::always_inline]] inline decltype(auto) CallWithRow(F& function, const RecordReader<T>& reader,
                                                         size_t row, More&... more) {
  static_assert(kTakesRow<T, F, More&...>,
                "the function cannot be called with a row of this stream: take a "
                "const weir::Row<T>& (T::View) or a const T&");
  if constexpr (kTakesView<T, F, More&...>) {
    return function(reader.View(row), more...);
  } else {
    return function(reader.Materialize(row), more...);
  }
}

/// Appends what a function returned: a record or a view of one.
template <class T, class R>
[[gnu::always_inline]] inline void AppendRow(RecordBuilder<T>& builder, const R& row) {
  if constexpr (std::is_same_v<R, T>) {
    builder.Append(row);
  } else {
    builder.AppendView(row);
  }
}

}  // namespace weir::internal
