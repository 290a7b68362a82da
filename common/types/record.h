#pragma once

#include <concepts>
#include <cstddef>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "common/types/batch.h"
#include "common/types/batch_builder.h"
#include "common/types/field_traits.h"
#include "common/types/record_macro.h"
#include "common/types/schema.h"

/// Declares the fields of a record, once, at the end of a plain struct:
///
///   struct Flight {
///     int64_t id = 0;
///     std::string origin;
///     std::optional<double> delay;
///     WEIR_RECORD(Flight, id, origin, delay)
///   };
///
/// Up to 64 fields, of the types of FieldTraits; std::optional makes a nullable column. The struct
/// stays an aggregate. It gains a nested `View` with members of the same names, each a value or a
/// view of the column's bytes, and WeirFields(), a tuple of RecordField.
#define WEIR_RECORD(Type, ...)                                              \
  struct View {                                                             \
    using WeirRecord = Type;                                                \
    WEIR_FOR_EACH(WEIR_RECORD_VIEW_MEMBER, Type, __VA_ARGS__)               \
  };                                                                        \
  static constexpr auto WeirFields() {                                      \
    return std::tuple{WEIR_FOR_EACH(WEIR_RECORD_FIELD, Type, __VA_ARGS__)}; \
  }

#define WEIR_RECORD_VIEW_MEMBER(Type, name) \
  typename ::weir::internal::RecordFieldView<decltype(Type::name)>::type name{};
#define WEIR_RECORD_FIELD(Type, name) \
  ::weir::RecordField<Type, View, decltype(Type::name)>{#name, &Type::name, &View::name},

namespace weir {

/// One field of a record: its name, and where it is in the record and in its view.
template <class Record, class RecordView, class T>
struct RecordField {
  using Type = T;
  const char* name;
  T Record::*member;
  typename internal::RecordFieldView<T>::type RecordView::*view;
};

/// A struct that was declared with WEIR_RECORD.
template <class T>
concept RecordType = requires {
  typename T::View;
  T::WeirFields();
  requires std::same_as<typename T::View::WeirRecord, T>;
};

/// What may flow in a stream: a record, or one of the field types alone (a column named "value").
template <class T>
concept RowType = RecordType<T> || FieldType<T>;

/// A view of a record inside a batch: valid as long as the batch; never to be stored.
template <class T>
concept RecordView = requires {
  typename T::WeirRecord;
};

namespace internal {

template <class T>
struct RowTraits {
  static_assert(FieldType<T>,
                "not a type for a stream: declare its fields with WEIR_RECORD, or "
                "use bool, int32_t, int64_t, double, std::string, weir::ByteArray, "
                "weir::Timestamp or std::optional of one of these");
  using Row = ViewOf<T>;
  using Cursors = std::tuple<typename FieldTraits<T>::Cursor>;
  static constexpr size_t kFields = 1;
  static std::vector<Field> Fields() {
    return {Field{"value", FieldTraits<T>::kType, FieldTraits<T>::kNullable}};
  }
};

template <class Tuple>
struct CursorsOf;
template <class... RecordFields>
struct CursorsOf<std::tuple<RecordFields...>> {
  using type = std::tuple<typename FieldTraits<typename RecordFields::Type>::Cursor...>;
  static std::vector<Field> Fields(const std::tuple<RecordFields...>& fields) {
    std::vector<Field> result;
    result.reserve(sizeof...(RecordFields));
    std::apply(
        [&result](const auto&... field) {
          (result.push_back(Field{field.name, FieldTraits<typename RecordFields::Type>::kType,
                                  FieldTraits<typename RecordFields::Type>::kNullable}),
           ...);
        },
        fields);
    return result;
  }
};

template <RecordType T>
struct RowTraits<T> {
  using Row = typename T::View;
  using FieldTuple = decltype(T::WeirFields());
  using Cursors = typename CursorsOf<FieldTuple>::type;
  static constexpr size_t kFields = std::tuple_size_v<FieldTuple>;
  static_assert(kFields <= 64, "a record has at most 64 fields");
  static std::vector<Field> Fields() { return CursorsOf<FieldTuple>::Fields(T::WeirFields()); }
};

/// Dies, naming both schemas, unless rows of `batch_schema` can be read as `record_schema`.
void CheckReadable(const Schema& batch_schema, const Schema& record_schema);

}  // namespace internal

/// What a function sees of a record without a copy: T::View for records, std::string_view for
/// std::string, the value itself for numbers.
template <class T>
using Row = typename internal::RowTraits<T>::Row;

/// The schema of batches of T, made once.
template <RowType T>
const SchemaPtr& SchemaOf() {
  static const SchemaPtr schema = Schema::Make(internal::RowTraits<T>::Fields());
  return schema;
}

/// INVALID_ARGUMENT, naming the first difference, unless batches of schema `have` can be read as
/// records of schema `want`: same names and types in the same order; a field that may be null must
/// be nullable in `want`, too.
absl::Status CheckRecordSchema(const Schema& have, const Schema& want);

/// An owning record from a view of one.
template <RowType T>
T Materialize(const Row<T>& row) {
  if constexpr (RecordType<T>) {
    T record;
    std::apply(
        [&](const auto&... field) {
          ((record.*(field.member) =
                FieldTraits<typename std::decay_t<decltype(field)>::Type>::Own(row.*(field.view))),
           ...);
        },
        T::WeirFields());
    return record;
  } else {
    return FieldTraits<T>::Own(row);
  }
}

/// Reads the rows of a batch as views or records of T. The columns are bound once, by position;
/// View then loads only the fields its user touches (the others are optimised away).
///
/// Lifetime: the batch must outlive the reader and every view.
/// Errors: a batch of another schema is a bug (checked); check with CheckRecordSchema what comes
/// from outside. The row is not checked.
template <RowType T>
class RecordReader {
 public:
  explicit RecordReader(const Batch& batch)
      : RecordReader(batch, std::make_index_sequence<Traits::kFields>()) {}

  size_t rows() const { return rows_; }

  // Forced inline: only then does the compiler drop the fields that nobody reads.
  [[gnu::always_inline]] inline Row<T> View(size_t row) const {
    if constexpr (RecordType<T>) {
      return ViewFields(row, std::make_index_sequence<Traits::kFields>());
    } else {
      return std::get<0>(cursors_).At(row);
    }
  }
  T Materialize(size_t row) const { return weir::Materialize<T>(View(row)); }

 private:
  using Traits = internal::RowTraits<T>;

  template <size_t... I>
  RecordReader(const Batch& batch, std::index_sequence<I...>)
      : rows_((internal::CheckReadable(*batch.schema(), *SchemaOf<T>()), batch.num_rows())),
        cursors_(std::tuple_element_t<I, typename Traits::Cursors>(batch.column(I))...) {}

  template <size_t... I>
  [[gnu::always_inline]] inline Row<T> ViewFields(size_t row, std::index_sequence<I...>) const {
    constexpr auto kFields = T::WeirFields();
    Row<T> view;
    ((view.*(std::get<I>(kFields).view) = std::get<I>(cursors_).At(row)), ...);
    return view;
  }

  size_t rows_;
  typename Traits::Cursors cursors_;
};

/// Appends records or views of T straight into columns.
///
/// Life cycle: append..., Finish, append...; Threads: one at a time.
/// Errors: a row that does not fit (see ColumnBuilder) makes full() true; the caller looks after
/// each batch of appends, far below the limit, and Finish of a full builder is a bug (checked).
template <RowType T>
class RecordBuilder {
 public:
  RecordBuilder() : builder_(SchemaOf<T>()) {}

  void Append(const T& record) {
    if constexpr (RecordType<T>) {
      AppendFields(record, std::make_index_sequence<kFields>());
    } else {
      FieldTraits<T>::Append(builder_.column(0), record);
    }
    builder_.CommitRow();
  }
  void AppendView(const Row<T>& row) {
    if constexpr (RecordType<T>) {
      AppendViewFields(row, std::make_index_sequence<kFields>());
    } else {
      FieldTraits<T>::Append(builder_.column(0), row);
    }
    builder_.CommitRow();
  }

  size_t rows() const { return builder_.rows(); }
  size_t size_bytes() const { return builder_.size_bytes(); }
  void Reserve(size_t rows) { builder_.Reserve(rows); }
  bool full() const { return builder_.full(); }
  /// For its status(), which names the field when full().
  const BatchBuilder& batch_builder() const { return builder_; }
  /// Keeps the first `rows` rows.
  void Truncate(size_t rows) { builder_.Truncate(rows); }
  /// The builder is empty afterwards.
  Batch Finish(BatchExtras extras = {}) { return builder_.Finish(std::move(extras)); }

 private:
  static constexpr size_t kFields = internal::RowTraits<T>::kFields;

  template <size_t... I>
  void AppendFields(const T& record, std::index_sequence<I...>) {
    constexpr auto kTuple = T::WeirFields();
    (FieldTraits<typename std::tuple_element_t<I, decltype(T::WeirFields())>::Type>::Append(
         builder_.column(I), record.*(std::get<I>(kTuple).member)),
     ...);
  }
  template <size_t... I>
  void AppendViewFields(const Row<T>& row, std::index_sequence<I...>) {
    constexpr auto kTuple = T::WeirFields();
    (FieldTraits<typename std::tuple_element_t<I, decltype(T::WeirFields())>::Type>::Append(
         builder_.column(I), row.*(std::get<I>(kTuple).view)),
     ...);
  }

  BatchBuilder builder_;
};

}  // namespace weir
