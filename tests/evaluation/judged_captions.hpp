#pragma once
// The captions of tests/data/evaluation, and what pycocoevalcap finds for them.

#include <string>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/evaluation/caption_words.hpp"
#include "coca/io/json.hpp"

namespace coca::testing {

inline const Json& evaluation_data(const std::string& name) {
  static const Json captions =
      read_json_file(std::string(COCA_TEST_DATA) + "/evaluation/captions.json");
  static const Json expected =
      read_json_file(std::string(COCA_TEST_DATA) + "/evaluation/expected.json");
  return name == "captions" ? captions : expected;
}

inline std::vector<JudgedCaption> judged_captions(const std::string& corpus) {
  std::vector<JudgedCaption> captions;
  for (const Json& entry : evaluation_data("captions").at(corpus))
    captions.push_back({entry.at("candidate").get<std::string>(),
                        entry.at("references").get<std::vector<std::string>>()});
  return captions;
}

inline const Json& expected_scores(const std::string& corpus) {
  return evaluation_data("expected").at(corpus);
}

inline const std::vector<std::string> corpora{"drawings", "photos", "one_right", "nothing_right"};

// The message of the coca::Error that `action` throws; says so if it throws none.
template <class Action>
std::string error_of(Action&& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "(nothing was thrown)";
}

}  // namespace coca::testing
