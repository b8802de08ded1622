#pragma once
/// @file
/// A caption of each of many pictures, from a model in training.

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "coca/pipelines/caption.hpp"

namespace coca {

/// A caption of each picture, some at a time; "" for those that have none (scores that are no
/// numbers).
template <class Model>
std::vector<std::string> caption_all(Context<typename Model::backend_type>& context,
                                     const Model& model, const AnyTokenizer& tokenizer,
                                     std::span<const Pixels> pictures, std::size_t beams) {
  constexpr std::size_t at_once = 8;
  GenerationOptions options;
  options.beams = beams;
  options.min_length = 0;
  std::vector<std::string> captions;
  for (std::size_t first = 0; first < pictures.size(); first += at_once) {
    const auto some = pictures.subspan(first, std::min(at_once, pictures.size() - first));
    try {
      for (const auto& best : caption(context, model, tokenizer, some, options))
        captions.push_back(best.empty() ? "" : best.front().text);
    } catch (const ArgumentError&) {
      throw;
    } catch (const Error&) {
      captions.resize(first + some.size());
    }
  }
  return captions;
}

}  // namespace coca
