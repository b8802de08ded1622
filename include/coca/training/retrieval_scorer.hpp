#pragma once
/// @file
/// Retrieval among all pictures and texts of the validation data, gathered batch by batch.

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "coca/autograd/context.hpp"
#include "coca/evaluation/retrieval.hpp"
#include "coca/nn/token_embedding.hpp"
#include "coca/training/named_numbers.hpp"

namespace coca {

/// Gathers embeddings. Pictures of one text are a group, and the text counts once.
class RetrievalScorer {
 public:
  /// @param image, text [batch, embed_dim]
  template <Backend B>
  void add(Context<B>& context, const Array<B>& image, const Array<B>& text, const Tokens& tokens) {
    const auto values = context.to_host(image);
    images_.insert(images_.end(), values.begin(), values.end());
    const auto embeddings = context.to_host(text);
    const std::size_t width = text.shape()[1];
    for (std::size_t i = 0; i < tokens.batch; ++i) {
      const auto begin = tokens.ids.begin() + static_cast<std::ptrdiff_t>(i * tokens.length);
      const auto [known, fresh] = groups_.try_emplace(
          std::vector<std::int32_t>(begin, begin + static_cast<std::ptrdiff_t>(tokens.length)),
          groups_.size());
      image_groups_.push_back(known->second);
      if (!fresh) continue;
      text_groups_.push_back(known->second);
      const auto row = embeddings.begin() + static_cast<std::ptrdiff_t>(i * width);
      texts_.insert(texts_.end(), row, row + static_cast<std::ptrdiff_t>(width));
    }
  }

  /// "image_to_text.r1", "r5", "r10", and the same for "text_to_image": shares, 0 to 1.
  NamedNumbers scores() const {
    if (image_groups_.empty()) return {};
    const RetrievalScores scores = retrieval({images_, image_groups_}, {texts_, text_groups_});
    NamedNumbers numbers;
    const auto add_recall = [&numbers](const std::string& name, const Recall& recall) {
      numbers.push_back({name + ".r1", recall.at_1});
      numbers.push_back({name + ".r5", recall.at_5});
      numbers.push_back({name + ".r10", recall.at_10});
    };
    add_recall("image_to_text", scores.image_to_text);
    add_recall("text_to_image", scores.text_to_image);
    return numbers;
  }

 private:
  std::vector<float> images_, texts_;
  std::vector<std::size_t> image_groups_, text_groups_;
  std::map<std::vector<std::int32_t>, std::size_t> groups_;
};

}  // namespace coca
