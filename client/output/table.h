#pragma once

#include <string>
#include <utility>
#include <vector>

namespace weir::cli {

enum class Colour { kNone, kGreen, kYellow, kRed };

/// A text of a table.
struct Cell {
  Cell(std::string shown, Colour shown_in = Colour::kNone)  // NOLINT: a text is a cell
      : text(std::move(shown)), colour(shown_in) {}
  Cell(const char* shown) : text(shown) {}  // NOLINT: likewise

  std::string text;
  Colour colour = Colour::kNone;
};
using Row = std::vector<Cell>;

/// Columns two spaces apart, the first row being the heading; nothing behind the last cell.
/// `colours`: with the escape sequences of terminals.
std::string Table(const std::vector<Row>& rows, bool colours);

/// The text itself, with escape sequences around it when `colours`.
std::string Coloured(const Cell& cell, bool colours);

/// A state of a job, task, worker, checkpoint or server: green when all is well, red when it
/// failed, yellow when somebody should have a look.
Cell State(const std::string& state);

}  // namespace weir::cli
