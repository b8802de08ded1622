#pragma once
/// @file
/// Aligned tables of text.

#include <string>
#include <vector>

namespace coca_examples {

/// Lines of an aligned table: the first column to the left, the others to the right. Characters are
/// counted, not bytes; control characters become spaces.
/// @param rows the titles, then a row each; all of the same length
std::vector<std::string> text_table(const std::vector<std::vector<std::string>>& rows);

}  // namespace coca_examples
