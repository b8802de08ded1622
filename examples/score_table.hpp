#pragma once
/// @file
/// Scores of test sets as readable lines, and as JSON.

#include <string>
#include <utility>
#include <vector>

#include "coca/evaluation/test_set.hpp"
#include "command_line.hpp"

namespace coca_examples {

/// A row of a table.
using NamedScores = std::pair<std::string, coca::TestScores>;

/// Lines of an aligned table: one per entry of `rows`, with columns for the scores that any of them
/// has.
/// @param corner title of the column of names
std::vector<std::string> score_table(const std::string& corner,
                                     const std::vector<NamedScores>& rows);

/// {"pictures":9,"captions":9,"image_to_text":{"r1":0.5,...},...}, without missing scores.
JsonLine to_json(const coca::TestScores& scores);

}  // namespace coca_examples
