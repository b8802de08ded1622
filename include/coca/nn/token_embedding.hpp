#pragma once
/// @file
/// Words as vectors, with positions.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "coca/autograd/operations.hpp"
#include "coca/core/counted.hpp"
#include "coca/nn/parameter.hpp"

namespace coca {

/// Token ids on the host, where text comes from: [batch, length], row-major.
struct Tokens {
  std::vector<std::int32_t> ids;
  std::size_t batch = 0;
  std::size_t length = 0;

  std::int32_t operator()(std::size_t row, std::size_t position) const {
    return ids[row * length + position];
  }
};

/// Tokens of a row without trailing padding.
inline std::size_t text_length(const Tokens& tokens, std::size_t row, std::int32_t pad_id) {
  std::size_t length = tokens.length;
  while (length > 0 && tokens(row, length - 1) == pad_id) --length;
  return length;
}

/// @throws ShapeError unless there are batch * length ids, ArgumentError for an id outside the
/// vocabulary.
inline void expect_known_tokens(const Tokens& tokens, std::size_t vocab_size) {
  if (tokens.ids.size() != tokens.batch * tokens.length)
    throw ShapeError(std::to_string(tokens.ids.size()) + " token ids are not " +
                     counted(tokens.batch, "text") + " of " + std::to_string(tokens.length));
  for (const std::int32_t id : tokens.ids)
    if (id < 0 || static_cast<std::size_t>(id) >= vocab_size)
      throw ArgumentError("token id " + std::to_string(id) + " is outside the vocabulary of " +
                          counted(vocab_size, "word"));
}

template <Backend B>
class TokenEmbedding {
 public:
  struct Options {
    std::size_t vocab_size = 0;
    std::size_t positions = 0;
    std::size_t width = 0;
  };

  /// @param path prefix of "token_embedding.weight" and "positional_embedding", with its point
  TokenEmbedding(const ParameterPath& path, const Options& options)
      : token_embedding_(path + "token_embedding.weight", {options.vocab_size, options.width},
                         Initializer::normal(0.02f), ParameterRole::embedding),
        positional_embedding_(path + "positional_embedding", {options.positions, options.width},
                              Initializer::normal(0.01f), ParameterRole::position) {}

  /// tokens [batch, length] -> [batch, length, width]
  /// @param first position of the first token
  /// @throws ArgumentError for an id outside the vocabulary; ShapeError for too many tokens.
  Array<B> operator()(Context<B>& context, const Tokens& tokens, std::size_t first = 0) const {
    expect_known_tokens(tokens, token_embedding_.shape()[0]);
    const Indices<B> ids = context.to_device(tokens.ids, Shape{tokens.batch, tokens.length});
    return embed(context, ids, token_embedding_.value(), positional_embedding_.value(), first);
  }

  /// [positions, width]
  const Array<B>& positions() const { return positional_embedding_.value(); }

  /// Calls visit(parameter) for each parameter.
  template <class Self, class Visitor>
  static void for_each_parameter(Self& self, Visitor&& visit) {
    visit_parameters(visit, self.token_embedding_, self.positional_embedding_);
  }

 private:
  TableParameter<B> token_embedding_;
  ArrayParameter<B> positional_embedding_;
};

}  // namespace coca
