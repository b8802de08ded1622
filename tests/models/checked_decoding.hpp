#pragma once
/// @file
/// Captions generated word by word, compared with the model's results for whole captions.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "catch.hpp"
#include "comparison.hpp"
#include "models/tested_models.hpp"

namespace coca::testing {

/// A decoding and what its sequences consist of, each compared after every step with the logits
/// that caption_logits gives for it separately.
template <class Model>
class CheckedDecoding {
 public:
  using B = typename Model::backend_type;

  CheckedDecoding(const Model& model, std::size_t capacity)
      : model_(model),
        context_(model.backend()),
        image_tokens_(encode(model, context_)),
        decoding_(model.start_decoding(context_, image_tokens_, capacity)),
        sequences_(pictures()),
        looks_at_(pictures()) {
    for (std::size_t i = 0; i < pictures(); ++i) looks_at_[i] = i;
  }

  static constexpr std::size_t pictures() { return 2; }
  std::size_t sequences() const { return sequences_.size(); }

  // Adds tokens [sequences, tokens.size() / sequences].
  void extend(const std::vector<std::int32_t>& tokens) {
    const std::size_t count = tokens.size() / sequences_.size();
    const Tokens added{tokens, sequences_.size(), count};
    const auto logits = context_.to_host(model_.extend(context_, decoding_, added));
    REQUIRE(logits.size() == sequences_.size() * Model::vocab_size);
    for (std::size_t i = 0; i < sequences_.size(); ++i) {
      for (std::size_t t = 0; t < count; ++t) sequences_[i].push_back(added(i, t));
      const auto begin = logits.begin() + static_cast<std::ptrdiff_t>(i * Model::vocab_size);
      const std::vector<float> own(begin, begin + Model::vocab_size);
      INFO("sequence " << i << " of " << sequences_.size() << ", " << sequences_[i].size()
                       << " tokens");
      CHECK(first_difference(own, whole_caption(i), 1e-4) == "");
    }
    CHECK(decoding_.length() == sequences_.front().size());
  }

  void reorder(const std::vector<std::size_t>& parents) {
    std::vector<std::vector<std::int32_t>> sequences;
    std::vector<std::size_t> looks_at;
    for (const std::size_t parent : parents) {
      sequences.push_back(sequences_[parent]);
      looks_at.push_back(looks_at_[parent]);
    }
    sequences_ = sequences;
    looks_at_ = looks_at;
    model_.reorder(context_, decoding_, parents);
    CHECK(decoding_.pictures() == looks_at_);
    CHECK(decoding_.sequences() == parents.size());
  }

 private:
  static Array<B> encode(const Model& model, Context<B>& context) {
    const auto pixels = device_rows(context, variant("coca_plain"), "x.image", pictures());
    return model.encode_image(context, pixels).tokens;
  }

  // Logits after the last token of a sequence, computed without a cache.
  std::vector<float> whole_caption(std::size_t sequence) {
    const auto& ids = sequences_[sequence];
    const auto all = context_.to_host(model_.caption_logits(
        context_, image_tokens_.slice(looks_at_[sequence], 1), Tokens{ids, 1, ids.size()}));
    return {all.end() - static_cast<std::ptrdiff_t>(Model::vocab_size), all.end()};
  }

  const Model& model_;
  Context<B> context_;
  Array<B> image_tokens_;
  typename Model::Decoding decoding_;
  std::vector<std::vector<std::int32_t>> sequences_;
  std::vector<std::size_t> looks_at_;
};

/// Tokens 0, which is padding's number too, stand among the words on purpose.
template <class Model>
void check_decoding(const Model& model) {
  CheckedDecoding decoding(model, 64);
  decoding.extend({510, 7, 0, 12, 510, 0, 44, 9});  // four words of a prompt at once
  decoding.extend({0, 3});
  decoding.extend({101, 0});
  decoding.reorder({1, 0});  // exchanged
  decoding.extend({8, 0});
  decoding.reorder({0, 0, 1, 0});  // doubled
  decoding.extend({1, 2, 3, 0, 20, 0, 6, 7});
  decoding.reorder({3, 1, 2});  // dropped
  decoding.extend({30, 31, 32});
  decoding.reorder({2});
  decoding.extend({0});
  decoding.extend({511});
}

}  // namespace coca::testing
