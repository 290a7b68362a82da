#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "common/operator/current_call.h"
#include "common/operator/partitioning.h"
#include "common/types/key_codec.h"
#include "common/types/key_group.h"
#include "common/types/record.h"
#include "state/api/state_codec.h"
#include "weir/function_traits.h"

/// The keys of a stream's rows, by a field or by a function. Each kind of key is bound to a batch
/// once, and then gives the key of a row: a value, or a view that is valid as long as the batch.
namespace weir::internal {

/// KeyBy(&Bid::auction): the field's column is read, nothing else.
template <RowType T, class K>
class FieldKey {
 public:
  using Key = K;
  class Bound {
   public:
    Bound(const Batch& batch, size_t column) : cursor_(batch.column(column)) {}
    auto At(size_t row) const { return cursor_.At(row); }

   private:
    typename FieldTraits<K>::Cursor cursor_;
  };

  explicit FieldKey(K T::*field) {
    size_t column = 0;
    std::apply([&](const auto&... one) { (TakeIfSame(one, field, column++), ...); },
               T::WeirFields());
  }
  Bound Bind(const Batch& batch) { return Bound(batch, column_); }
  std::string Describe() const { return name_; }

 private:
  template <class Field>
  void TakeIfSame(const Field& one, K T::*field, size_t column) {
    if constexpr (std::is_same_v<typename Field::Type, K>) {
      if (one.member != field) return;
      column_ = column;
      name_ = one.name;
    }
  }

  size_t column_ = 0;
  std::string name_;
};

/// KeyBy([](const Bid::View& bid) { return ...; }).
template <RowType T, class F>
class FunctionKey {
  template <class G>
  static auto ResultOf() {
    if constexpr (kTakesView<T, G>) {
      return std::type_identity<std::invoke_result_t<G&, const Row<T>&>>();
    } else {
      return std::type_identity<std::invoke_result_t<G&, T>>();
    }
  }

 public:
  using Key = RecordOf<typename decltype(ResultOf<F>())::type>;
  class Bound {
   public:
    Bound(const Batch& batch, F& function) : reader_(batch), function_(function) {}
    decltype(auto) At(size_t row) const { return CallWithRow<T>(function_, reader_, row); }

   private:
    RecordReader<T> reader_;
    F& function_;
  };

  explicit FunctionKey(F function) : function_(std::move(function)) {}
  Bound Bind(const Batch& batch) { return Bound(batch, function_); }
  std::string Describe() const { return "a function"; }

 private:
  F function_;
};

/// For those who only deal the rows out.
template <class KeyOf>
class TypedKeySelector final : public KeySelector {
 public:
  explicit TypedKeySelector(KeyOf key) : key_(std::move(key)) {}

  std::string Describe() const override { return key_.Describe(); }
  std::string KeyType() const override {
    return StateCodec<typename KeyOf::Key>::Schema().ToString();
  }
  std::string KeySchema() const override {
    std::string bytes;
    StateCodec<typename KeyOf::Key>::Schema().AppendTo(&bytes);
    return bytes;
  }
  absl::Status KeyGroups(const Batch& batch, uint32_t max_parallelism,
                         std::vector<uint32_t>& groups) const override {
    KeyOf key = key_;
    const auto keys = key.Bind(batch);
    CurrentCall& call = ThisThreadsCall();
    std::string scratch;
    groups.reserve(groups.size() + batch.num_rows());
    for (size_t row = 0; row < batch.num_rows(); ++row) {
      call.SetRow(row);
      groups.push_back(KeyGroupOfHash(HashKey(keys.At(row), &scratch), max_parallelism));
    }
    call.ClearRow();
    return absl::OkStatus();
  }

 private:
  const KeyOf key_;
};

}  // namespace weir::internal
