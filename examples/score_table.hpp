#pragma once
/// @file
/// Scores of test sets as lines for people, and as JSON.

#include <string>
#include <utility>
#include <vector>

#include "coca/evaluation/test_set.hpp"
#include "command_line.hpp"

namespace coca_examples {

/// A row of a table.
using NamedScores = std::pair<std::string, coca::TestScores>;

/// Lines of an aligned table: a row for each of `rows`, columns for the scores that any of them
/// has.
/// @param corner what the names in front of the rows are
std::vector<std::string> score_table(const std::string& corner,
                                     const std::vector<NamedScores>& rows);

/// {"pictures":9,"captions":9,"image_to_text":{"r1":0.5,...},...}, without what is missing.
JsonLine to_json(const coca::TestScores& scores);

}  // namespace coca_examples
