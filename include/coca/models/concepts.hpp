#pragma once
/// @file
/// The roles that a component can play in a CoCa. Any type that fills one can be plugged in: it is
/// constructed from the path of its parameters (after its Options, if it has such a type), has
/// its sizes as members, and computes. Sizes that are static constants are checked by the compiler
/// where components meet, others when the model is made.

#include <concepts>
#include <cstddef>
#include <string>
#include <type_traits>

#include "coca/models/poolers.hpp"
#include "coca/models/text_decoder.hpp"

namespace coca {

namespace detail {

/// Accepts any parameter: what concepts walk components with.
struct AnyVisitor {
  template <class Parameter>
  void operator()(Parameter&) const {}
};

}  // namespace detail

/// Something with parameters: constructed from their path, after its Options if it has such a
/// type, and walked by for_each_parameter.
template <class C>
concept Component = Backend<typename C::backend_type> &&
    (std::constructible_from<C, std::string> ||
     std::constructible_from<C, typename C::Options, std::string>)&&requires(C component,
                                                                             const C constant) {
  C::for_each_parameter(component, detail::AnyVisitor{});
  C::for_each_parameter(constant, detail::AnyVisitor{});
};

/// pixels [batch, 3, image_size, image_size] -> [batch, tokens, width]
template <class C>
concept ImageEncoder = Component<C> &&
    requires(const C encoder, Context<typename C::backend_type>& context,
             const Array<typename C::backend_type> pixels) {
  { encoder.image_size } -> std::convertible_to<std::size_t>;
  { encoder.tokens } -> std::convertible_to<std::size_t>;
  { encoder.width } -> std::convertible_to<std::size_t>;
  { encoder(context, pixels) } -> std::same_as<Array<typename C::backend_type>>;
};

/// [batch, encoder tokens, input_width] -> pooled [batch, embed_dim], tokens [batch, tokens, width]
template <class C>
concept Pooler = Component<C> &&
    requires(const C pooler, Context<typename C::backend_type>& context,
             const Array<typename C::backend_type> x) {
  { pooler.input_width } -> std::convertible_to<std::size_t>;
  { pooler.embed_dim } -> std::convertible_to<std::size_t>;
  { pooler.tokens } -> std::convertible_to<std::size_t>;
  { pooler.width } -> std::convertible_to<std::size_t>;
  { pooler(context, x) } -> std::same_as<PooledTokens<typename C::backend_type>>;
};

/// tokens [batch, length] -> latent and embedding [batch, embed_dim]
template <class C>
concept TextEncoder = Component<C> &&
    requires(const C encoder, Context<typename C::backend_type>& context, const Tokens tokens) {
  { encoder.context_length } -> std::convertible_to<std::size_t>;
  { encoder.vocab_size } -> std::convertible_to<std::size_t>;
  { encoder.embed_dim } -> std::convertible_to<std::size_t>;
  { encoder(context, tokens) } -> std::same_as<TextFeatures<typename C::backend_type>>;
};

/// A TextEncoder that also gives tokens [batch, length, width], at once or word by word with a
/// cache.
template <class C>
concept CausalTextEncoder = TextEncoder<C> &&
    requires(const C encoder, Context<typename C::backend_type>& context, const Tokens tokens,
             typename C::Cache cache, const CacheStep<typename C::backend_type> step,
             const std::vector<std::int32_t> rows) {
  { encoder.width } -> std::convertible_to<std::size_t>;
  { encoder.make_cache(context, std::size_t{}) } -> std::same_as<typename C::Cache>;
  {
    encoder.extend(context, tokens, cache, step, rows, rows)
    } -> std::same_as<Array<typename C::backend_type>>;
};

/// text tokens and image tokens -> logits, at once or word by word with a cache.
template <class C>
concept CaptionDecoder = Component<C> &&
    requires(const C decoder, Context<typename C::backend_type>& context,
             const Array<typename C::backend_type> x, typename C::Cache cache,
             const CacheStep<typename C::backend_type> step,
             const std::vector<std::size_t> pictures) {
  { decoder.vocab_size } -> std::convertible_to<std::size_t>;
  { decoder.width } -> std::convertible_to<std::size_t>;
  { decoder.image_token_width } -> std::convertible_to<std::size_t>;
  { decoder(context, x, x) } -> std::same_as<Array<typename C::backend_type>>;
  { decoder.make_cache(context, x, std::size_t{}) } -> std::same_as<typename C::Cache>;
  decoder.look_at(context, cache, pictures);
  { decoder.extend(context, x, cache, step) } -> std::same_as<Array<typename C::backend_type>>;
};

namespace detail {

/// Sizes of a component that the compiler knows, as they are static; 0: only the object does.
template <class C>
constexpr std::size_t static_width = 0;
template <class C>
requires std::is_pointer_v<decltype(&C::width)>
constexpr std::size_t static_width<C> = C::width;

template <class C>
constexpr std::size_t static_embed_dim = 0;
template <class C>
requires std::is_pointer_v<decltype(&C::embed_dim)>
constexpr std::size_t static_embed_dim<C> = C::embed_dim;

/// Of the tokens that a component reads: a pooler's input_width, a decoder's image_token_width.
template <class C>
constexpr std::size_t static_read_width = 0;
template <class C>
requires std::is_pointer_v<decltype(&C::input_width)>
constexpr std::size_t static_read_width<C> = C::input_width;
template <class C>
requires std::is_pointer_v<decltype(&C::image_token_width)>
constexpr std::size_t static_read_width<C> = C::image_token_width;

/// Whether two sizes are the same, as far as the compiler knows them.
constexpr bool may_equal(std::size_t a, std::size_t b) { return a == 0 || b == 0 || a == b; }

/// @throws ArgumentError if they are not.
inline void expect_equal(std::size_t a, std::size_t b, const char* sentence) {
  if (a != b)
    throw ArgumentError(std::string(sentence) + ": " + std::to_string(a) + " is not " +
                        std::to_string(b));
}

}  // namespace detail

}  // namespace coca
