#include "weir/lost_state.h"

#include <new>
#include <utility>

namespace weir::internal {
namespace {

class LostCell {
 public:
  explicit LostCell(const CellType& type)
      : type_(type), at_(::operator new(type.size(), std::align_val_t(type.alignment()))) {
    type_.Construct(at_);
  }
  ~LostCell() {
    type_.Destroy(at_);
    ::operator delete(at_, std::align_val_t(type_.alignment()));
  }
  LostCell(const LostCell&) = delete;
  LostCell& operator=(const LostCell&) = delete;
  void* at() const { return at_; }

 private:
  const CellType& type_;
  void* const at_;
};

class LostCells final : public CellTable {
 public:
  using CellTable::CellTable;
  const void* Find() override { return FindToChange(); }
  void* FindToChange() override { return cell_ == nullptr ? nullptr : cell_->at(); }
  void* FindOrCreate() override {
    if (cell_ == nullptr) cell_ = std::make_unique<LostCell>(*definition().cell_type);
    return cell_->at();
  }
  void Clear() override { cell_.reset(); }

 private:
  std::unique_ptr<LostCell> cell_;
};

class LostMap final : public MapTable {
 public:
  using MapTable::MapTable;
  const void* Find(absl::string_view map_key) override { return FindToChange(map_key); }
  void* FindToChange(absl::string_view map_key) override {
    const auto found = cells_.find(std::string(map_key));
    return found == cells_.end() ? nullptr : found->second.at();
  }
  void* FindOrCreate(absl::string_view map_key) override {
    return cells_.try_emplace(std::string(map_key), *definition().cell_type).first->second.at();
  }
  void Remove(absl::string_view map_key) override { cells_.erase(std::string(map_key)); }
  void ForEach(Visitor visit) override {
    for (const auto& [key, cell] : cells_) {
      if (!visit(key, cell.at())) return;
    }
  }
  void Clear() override { cells_.clear(); }
  void Prefetch(absl::Span<const MapEntryRef>) override {}

 private:
  std::map<std::string, LostCell> cells_;
};

}  // namespace

CellTable* LostState::Cells(const StateDefinition& definition) {
  auto table = std::make_unique<LostCells>(definition, now_micros_);
  CellTable* cells = table.get();
  tables_.push_back(std::move(table));
  return cells;
}

MapTable* LostState::Map(const StateDefinition& definition) {
  auto table = std::make_unique<LostMap>(definition, now_micros_);
  MapTable* map = table.get();
  tables_.push_back(std::move(table));
  return map;
}

}  // namespace weir::internal
