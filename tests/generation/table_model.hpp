#pragma once
/// @file
/// A caption model without a network: its logits are a function of picture and sequence.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <numeric>
#include <utility>
#include <vector>

#include "coca/autograd/context.hpp"
#include "coca/backend/reference/reference.hpp"
#include "coca/generation/generate.hpp"

namespace coca::testing {

/// Image tokens are [pictures, 1, 1]: each picture's number.
template <std::size_t context = 12, std::size_t vocabulary = 12>
class TableModel {
 public:
  using backend_type = Reference<float>;
  using B = backend_type;
  using Table = std::function<std::vector<float>(int picture, const Sequence& sequence)>;
  static constexpr std::size_t context_length = context;
  static constexpr std::size_t vocab_size = vocabulary;

  explicit TableModel(Table table) : table_(std::move(table)) {}

  struct Decoding {
    std::vector<int> pictures;
    std::vector<Sequence> sequences;
    std::size_t capacity = 0;
    std::size_t used = 0;
  };

  Decoding start_decoding(Context<B>& device, const Array<B>& image_tokens,
                          std::size_t capacity) const {
    Decoding decoding;
    for (const float number : device.to_host(image_tokens))
      decoding.pictures.push_back(static_cast<int>(number));
    decoding.sequences.resize(decoding.pictures.size());
    decoding.capacity = capacity;
    return decoding;
  }

  Array<B> extend(Context<B>& device, Decoding& decoding, const Tokens& tokens) const {
    if (tokens.batch != decoding.sequences.size())
      throw ShapeError("a token for each sequence, please");
    decoding.used += tokens.batch * tokens.length;
    if (decoding.used > decoding.capacity) throw ArgumentError("more tokens than announced");
    std::vector<float> logits;
    for (std::size_t i = 0; i < tokens.batch; ++i) {
      Sequence& sequence = decoding.sequences[i];
      for (std::size_t t = 0; t < tokens.length; ++t) sequence.push_back(tokens(i, t));
      if (sequence.size() > context) throw ShapeError("the sequence is longer than the context");
      const std::vector<float> row = table_(decoding.pictures[i], sequence);
      logits.insert(logits.end(), row.begin(), row.end());
    }
    return device.to_device(logits, Shape{tokens.batch, vocabulary});
  }

  void reorder(Context<B>&, Decoding& decoding, const std::vector<std::size_t>& parents) const {
    Decoding next{{}, {}, decoding.capacity, decoding.used};
    for (const std::size_t parent : parents) {
      next.pictures.push_back(decoding.pictures.at(parent));
      next.sequences.push_back(decoding.sequences.at(parent));
    }
    decoding = std::move(next);
  }

 private:
  Table table_;
};

/// Logits that look random, but are exact in any language: 12 words, multiples of 1 / 1024 between
/// -2 and 2. `table` varies them. The script next to tests/data/generation/expected.json
/// computes the same.
inline std::vector<float> scrambled_logits(std::uint32_t table, int picture,
                                           const Sequence& sequence, std::size_t words = 12) {
  const auto mix = [](std::uint32_t x) {
    x = (x ^ (x >> 16)) * 0x45d9f3bu;
    x = (x ^ (x >> 16)) * 0x45d9f3bu;
    return x ^ (x >> 16);
  };
  std::uint32_t state = mix(table * 1000u + static_cast<std::uint32_t>(picture) + 1u);
  for (const std::int32_t id : sequence) state = mix(state * 31u + static_cast<std::uint32_t>(id));
  std::vector<float> logits;
  for (std::size_t word = 0; word < words; ++word)
    logits.push_back(
        static_cast<float>(mix(state * 31u + static_cast<std::uint32_t>(word) + 77u) % 4096u) /
            1024.0f -
        2.0f);
  return logits;
}

/// The model of these logits.
inline TableModel<> scrambled(std::uint32_t table) {
  return TableModel<>([table](int picture, const Sequence& sequence) {
    return scrambled_logits(table, picture, sequence);
  });
}

/// Encoded pictures for TableModel: their numbers.
inline Tensor<float> numbered_pictures(Context<Reference<float>>& device,
                                       std::vector<float> numbers) {
  const Shape shape{numbers.size(), 1, 1};
  return device.to_device(numbers, shape);
}

/// A caption search over TableModel in a temporary context.
template <std::size_t context, std::size_t vocabulary>
std::vector<std::vector<GeneratedSequence>> generate_by_table(
    const TableModel<context, vocabulary>& model, const GenerationOptions& options,
    std::vector<float> pictures = {0}) {
  Context<Reference<float>> device;
  const auto tokens = numbered_pictures(device, std::move(pictures));
  return generate(device, model, tokens, options);
}

/// Options for a small vocabulary: start 1, end 2, padding 0, no minimum length.
inline GenerationOptions small_options() {
  GenerationOptions options;
  options.tokens = {.start = 1, .end = 2, .pad = 0};
  options.min_length = 0;
  return options;
}

}  // namespace coca::testing
