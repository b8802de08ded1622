#pragma once
/// @file
/// The arguments of transformers' generate, named as in the reference files.

#include <string>
#include <vector>

#include "coca/generation/options.hpp"
#include "coca/io/json.hpp"

namespace coca::testing {

/// Applies a setting; min_length is 0 if it names none, as in transformers.
inline GenerationOptions with_setting(GenerationOptions options, const Json& setting) {
  options.beams = setting.at("num_beams").get<std::size_t>();
  options.beam_groups = setting.value("num_beam_groups", std::size_t{1});
  options.diversity_penalty = setting.value("diversity_penalty", 0.0f);
  options.max_length = setting.at("max_length").get<std::size_t>();
  options.min_length = setting.value("min_length", std::size_t{0});
  options.captions = setting.value("num_return_sequences", std::size_t{1});
  options.length_penalty = setting.value("length_penalty", 1.0f);
  options.repetition_penalty = setting.value("repetition_penalty", 1.0f);
  options.no_repeat_ngram = setting.value("no_repeat_ngram_size", std::size_t{0});
  options.prompt = setting.value("prompt", std::vector<std::int32_t>{});
  const Json stopping = setting.value("early_stopping", Json(false));
  if (stopping == Json(true)) options.early_stopping = EarlyStopping::first;
  if (stopping == Json("never")) options.early_stopping = EarlyStopping::never;
  return options;
}

}  // namespace coca::testing
