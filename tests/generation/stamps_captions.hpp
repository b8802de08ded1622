#pragma once
/// @file
/// The captions that OpenCLIP wrote for the pictures of stamps_coca: tests/data/stamps_coca.

#include <algorithm>
#include <string>
#include <vector>

#include "coca/generation/options.hpp"
#include "coca/generation/score_rules.hpp"
#include "coca/io/json.hpp"
#include "comparison.hpp"
#include "generation/transformers_setting.hpp"

namespace coca::testing {

/// The settings of captions.json are arguments of transformers' generate, whose min_length is 0
/// if a setting names none; OpenCLIP's default of 5 would give others, as a test shows.
inline GenerationOptions head_options(const Json& setting) { return with_setting({}, setting); }

/// The settings of captions_3_3_0.json.
inline GenerationOptions release_options(const Json& file, const Json& setting) {
  GenerationOptions options = open_clip_3_3();
  options.beams = setting.at("num_beams").get<std::size_t>();
  options.beam_groups = setting.at("num_beam_groups").get<std::size_t>();
  options.max_length = file.at("seq_len").get<std::size_t>();
  options.min_length = setting.value("min_seq_len", file.at("min_seq_len").get<std::size_t>());
  return options;
}

/// Ids up to the end token: shorter rows of a reference are padded, or end at the last token.
inline Sequence trimmed(const std::vector<std::int32_t>& ids) {
  const auto end = std::find(ids.begin(), ids.end(), 49407);
  return {ids.begin(), end == ids.end() ? end : end + 1};
}

/// "" or what differs from a case's reference.
inline std::string disagreement(const Json& expected, const std::vector<GeneratedSequence>& found) {
  const bool many = expected.at("ids").at(0).is_array();
  const std::size_t count = many ? expected.at("ids").size() : 1;
  if (found.size() != count) return "captions: " + std::to_string(found.size());
  for (std::size_t i = 0; i < count; ++i) {
    const Json& ids = many ? expected.at("ids").at(i) : expected.at("ids");
    if (found[i].ids != trimmed(ids.get<std::vector<std::int32_t>>()))
      return "ids of caption " + std::to_string(i) + ", expected " + ids.dump() + ", got " +
             Json(found[i].ids).dump();
    if (!found[i].finished) return "caption " + std::to_string(i) + " is not finished";
    if (!expected.contains("scores") || expected.at("scores").is_null()) continue;
    const double score = expected.at("scores").at(i).get<double>();
    if (!close(double{found[i].score}, score, 1e-3))
      return "score " + std::to_string(found[i].score) + ", expected " + std::to_string(score);
  }
  return "";
}

}  // namespace coca::testing
