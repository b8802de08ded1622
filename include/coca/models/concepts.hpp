#pragma once
/// @file
/// The roles that a component can play in a CoCa. Any type that fills one can be plugged in: it is
/// constructed from the path of its parameters, names its sizes as constants, and computes.

#include <concepts>
#include <cstddef>
#include <string>

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

/// Something with parameters: constructed from their path, walked by for_each_parameter.
template <class C>
concept Component = Backend<typename C::backend_type> && std::constructible_from<C, std::string> &&
    requires(C component, const C constant) {
  C::for_each_parameter(component, detail::AnyVisitor{});
  C::for_each_parameter(constant, detail::AnyVisitor{});
};

/// pixels [batch, 3, image_size, image_size] -> [batch, tokens, width]
template <class C>
concept ImageEncoder = Component<C> &&
    requires(const C encoder, Context<typename C::backend_type>& context,
             const Array<typename C::backend_type> pixels) {
  { C::image_size } -> std::convertible_to<std::size_t>;
  { C::tokens } -> std::convertible_to<std::size_t>;
  { C::width } -> std::convertible_to<std::size_t>;
  { encoder(context, pixels) } -> std::same_as<Array<typename C::backend_type>>;
};

/// [batch, encoder tokens, input_width] -> pooled [batch, embed_dim], tokens [batch, tokens, width]
template <class C>
concept Pooler = Component<C> &&
    requires(const C pooler, Context<typename C::backend_type>& context,
             const Array<typename C::backend_type> x) {
  { C::input_width } -> std::convertible_to<std::size_t>;
  { C::embed_dim } -> std::convertible_to<std::size_t>;
  { C::tokens } -> std::convertible_to<std::size_t>;
  { C::width } -> std::convertible_to<std::size_t>;
  { pooler(context, x) } -> std::same_as<PooledTokens<typename C::backend_type>>;
};

/// tokens [batch, length] -> latent and embedding [batch, embed_dim]
template <class C>
concept TextEncoder = Component<C> &&
    requires(const C encoder, Context<typename C::backend_type>& context, const Tokens tokens) {
  { C::context_length } -> std::convertible_to<std::size_t>;
  { C::vocab_size } -> std::convertible_to<std::size_t>;
  { C::embed_dim } -> std::convertible_to<std::size_t>;
  { encoder(context, tokens) } -> std::same_as<TextFeatures<typename C::backend_type>>;
};

/// A TextEncoder that also gives tokens [batch, length, width], at once or word by word with a
/// cache.
template <class C>
concept CausalTextEncoder = TextEncoder<C> &&
    requires(const C encoder, Context<typename C::backend_type>& context, const Tokens tokens,
             typename C::Cache cache, const CacheStep<typename C::backend_type> step,
             const std::vector<std::int32_t> rows) {
  { C::width } -> std::convertible_to<std::size_t>;
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
  { C::vocab_size } -> std::convertible_to<std::size_t>;
  { C::width } -> std::convertible_to<std::size_t>;
  { C::image_token_width } -> std::convertible_to<std::size_t>;
  { decoder(context, x, x) } -> std::same_as<Array<typename C::backend_type>>;
  { decoder.make_cache(context, x, std::size_t{}) } -> std::same_as<typename C::Cache>;
  decoder.look_at(context, cache, pictures);
  { decoder.extend(context, x, cache, step) } -> std::same_as<Array<typename C::backend_type>>;
};

}  // namespace coca
