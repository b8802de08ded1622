#pragma once
/// @file
/// From encoded pictures to captions: one loop over the words of all pictures of a batch, with
/// caches, for every kind of search.

#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "coca/autograd/operations.hpp"
#include "coca/core/counted.hpp"
#include "coca/generation/beam_search.hpp"
#include "coca/generation/group_beam_search.hpp"
#include "coca/generation/options.hpp"
#include "coca/generation/sampling.hpp"
#include "coca/generation/score_rules.hpp"
#include "coca/models/runtime_model.hpp"
#include "coca/nn/token_embedding.hpp"

namespace coca {

/// A model that generates captions word by word.
template <class M>
concept CaptionModel = Backend<typename M::backend_type> &&
    requires(const M model, Context<typename M::backend_type>& context,
             const Array<typename M::backend_type> image_tokens, typename M::Decoding decoding,
             const Tokens tokens, const std::vector<std::size_t> parents) {
  { model.context_length } -> std::convertible_to<std::size_t>;
  { model.vocab_size } -> std::convertible_to<std::size_t>;
  {
    model.start_decoding(context, image_tokens, std::size_t{})
    } -> std::same_as<typename M::Decoding>;
  { model.extend(context, decoding, tokens) } -> std::same_as<Array<typename M::backend_type>>;
  model.reorder(context, decoding, parents);
};

namespace detail {

/// A search for captions of all pictures of a batch.
template <CaptionModel Model, class Search>
class Generation {
  using B = typename Model::backend_type;

 public:
  Generation(Context<B>& context, const Model& model, const GenerationOptions& options)
      : context_(context), model_(model), options_(options) {}

  /// image tokens [pictures, tokens, width] -> the captions of each picture
  std::vector<std::vector<GeneratedSequence>> run(const Array<B>& image_tokens) {
    const std::size_t pictures = image_tokens.shape()[0];
    Sequence prompt{options_.tokens.start};
    prompt.insert(prompt.end(), options_.prompt.begin(), options_.prompt.end());
    searches_.assign(pictures, Search(prompt, options_));
    for (std::size_t i = 0; i < pictures; ++i) live_.push_back(i);

    // The prompt is processed once per picture; then each of its sequences continues separately.
    const std::size_t rows = searches_.front().rows();
    const std::size_t capacity =
        pictures * (prompt.size() + rows * (options_.max_length - prompt.size()));
    auto decoding = model_.start_decoding(context_, image_tokens, capacity);
    Array<B> logits = model_.extend(context_, decoding, prompts(prompt, pictures));
    const std::vector<std::size_t> copies = repeated(pictures, rows);
    model_.reorder(context_, decoding, copies);
    logits = gather(logits, copies);
    for (;;) {
      choose(logits);
      const std::vector<std::size_t> parents = retire();
      if (live_.empty() || options_.stop.stop_requested()) break;
      model_.reorder(context_, decoding, parents);
      logits = model_.extend(context_, decoding, last_words());
      ++step_;
    }
    std::vector<std::vector<GeneratedSequence>> results;
    for (const Search& search : searches_) results.push_back(search.result());
    return results;
  }

 private:
  static Tokens prompts(const Sequence& prompt, std::size_t pictures) {
    Tokens tokens{{}, pictures, prompt.size()};
    for (std::size_t i = 0; i < pictures; ++i)
      tokens.ids.insert(tokens.ids.end(), prompt.begin(), prompt.end());
    return tokens;
  }

  static std::vector<std::size_t> repeated(std::size_t pictures, std::size_t rows) {
    std::vector<std::size_t> copies;
    for (std::size_t picture = 0; picture < pictures; ++picture)
      copies.insert(copies.end(), rows, picture);
    return copies;
  }

  Array<B> gather(const Array<B>& rows, const std::vector<std::size_t>& which) {
    const std::vector<std::int32_t> indices(which.begin(), which.end());
    return gather_rows(context_, rows, context_.to_device(indices, Shape{indices.size()}));
  }

  // Scores the next words of all running sequences and lets each picture's search choose.
  void choose(Array<B>& logits) {
    const bool log_probabilities =
        options_.beams > 1 && options_.rules == SearchRules::transformers;
    if (log_probabilities)
      context_.backend().run(ops::On<B, ops::LogSoftmax>{.scores = ops::InOut(logits)});
    for (std::size_t group = 0; group < searches_.front().groups(); ++group) choose(logits, group);
  }

  void choose(Array<B>& logits, std::size_t group) {
    const std::size_t groups = searches_.front().groups();
    std::vector<std::size_t> rows;
    std::vector<const Sequence*> sequences;
    std::vector<std::vector<std::int32_t>> chosen;  // by earlier groups, which are one token longer
    std::vector<typename B::value_type> added;
    for (std::size_t i = 0; i < live_.size(); ++i) {
      const Search& search = searches_[live_[i]];
      const std::size_t size = search.rows() / groups;
      std::vector<std::int32_t> earlier;
      for (std::size_t row = 0; row < group * size; ++row)
        earlier.push_back(search.sequences()[row].back());
      for (std::size_t row = group * size; row < (group + 1) * size; ++row) {
        rows.push_back(i * search.rows() + row);
        sequences.push_back(&search.sequences()[row]);
        added.push_back(static_cast<typename B::value_type>(search.scores()[row]));
        chosen.push_back(earlier);
      }
    }
    Array<B> scores = groups == 1 ? logits : gather(logits, rows);
    if (options_.diversity_penalty > 0 && options_.rules == SearchRules::transformers)
      apply_diversity(context_, scores, chosen, options_.diversity_penalty);
    apply_score_rules(context_, scores, sequences, options_);
    if (options_.sample)
      context_.backend().run(
          ops::On<B, ops::WarpScores>{.scores = ops::InOut(scores), .warp = warp()});
    if (options_.beams == 1)
      context_.backend().run(ops::On<B, ops::LogSoftmax>{.scores = ops::InOut(scores)});
    advance(group, best(scores, added));
  }

  SamplingWarp warp() const {
    return {.temperature = options_.temperature,
            .top_k = options_.top_k,
            .top_p = options_.top_p,
            // Beams need a word other than the end token to continue with.
            .min_keep = options_.beams > 1 ? std::size_t{2} : std::size_t{1}};
  }

  struct Best {
    std::vector<typename B::value_type> values;
    std::vector<std::int32_t> ids;
  };

  // The best continuations: several per picture for beams, otherwise one per sequence.
  Best best(const Array<B>& scores, const std::vector<typename B::value_type>& added) {
    const bool beams = options_.beams > 1;
    const std::size_t groups = beams ? live_.size() : added.size();
    const std::size_t count = beams ? 2 * options_.beams / searches_.front().groups() : 1;
    const GumbelNoise noise{.enabled = options_.sample,
                            .seed = options_.seed,
                            .step = step_,
                            .rows_per_picture = beams ? options_.beams : options_.captions};
    Array<B> values = context_.empty(Shape{groups, count});
    Indices<B> ids = context_.template empty<std::int32_t>(Shape{groups, count});
    context_.backend().run(
        ops::On<B, ops::BestCandidates>{.scores = scores,
                                        .added = context_.to_device(added, Shape{added.size()}),
                                        .noise = noise,
                                        .values = ops::Out(values),
                                        .ids = ops::Out(ids)});
    Best best{context_.to_host(values), context_.to_host(ids)};
    for (const auto value : best.values)
      if (std::isnan(value))
        throw Error(
            "the scores of the next word are NaN: the model's weights or the picture's "
            "values hold NaN or infinity");
    return best;
  }

  void advance(std::size_t group, const Best& best) {
    const auto vocabulary = static_cast<std::int32_t>(model_.vocab_size);
    const std::size_t each = best.values.size() / live_.size();
    for (std::size_t i = 0; i < live_.size(); ++i) {
      Search& search = searches_[live_[i]];
      std::vector<Continuation> candidates;
      for (std::size_t j = i * each; j < (i + 1) * each; ++j)
        candidates.push_back({static_cast<float>(best.values[j]),
                              static_cast<std::size_t>(best.ids[j] / vocabulary),
                              best.ids[j] % vocabulary});
      search.advance(group, candidates);
      if (options_.on_step && group + 1 == search.groups()) report(live_[i]);
    }
  }

  void report(std::size_t picture) const {
    const Search& search = searches_[picture];
    const Sequence ids = search.done() ? search.result().front().ids : search.sequences().front();
    options_.on_step({.picture = picture, .length = ids.size(), .ids = ids});
  }

  // Drops finished pictures. -> for each sequence that continues, its row in the previous step
  std::vector<std::size_t> retire() {
    std::vector<std::size_t> still, parents;
    for (std::size_t i = 0; i < live_.size(); ++i) {
      const Search& search = searches_[live_[i]];
      if (search.done()) continue;
      still.push_back(live_[i]);
      for (const std::size_t parent : search.parents())
        parents.push_back(i * search.rows() + parent);
    }
    live_ = std::move(still);
    return parents;
  }

  Tokens last_words() const {
    Tokens tokens{{}, 0, 1};
    for (const std::size_t picture : live_)
      for (const Sequence& sequence : searches_[picture].sequences()) {
        tokens.ids.push_back(sequence.back());
        ++tokens.batch;
      }
    return tokens;
  }

  Context<B>& context_;
  const Model& model_;
  const GenerationOptions& options_;
  std::vector<Search> searches_;
  std::vector<std::size_t> live_;  // pictures whose search is not finished
  std::uint64_t step_ = 0;
};

}  // namespace detail

/// Generates captions for encoded pictures.
///
/// @param image_tokens [pictures, tokens, width] of encode_image
/// @return the captions of each picture, best first
/// @throws ArgumentError for options that contradict each other or the model; Error for NaN scores.
template <CaptionModel Model>
std::vector<std::vector<GeneratedSequence>> generate(
    Context<typename Model::backend_type>& context, const Model& model,
    const Array<typename Model::backend_type>& image_tokens,
    const GenerationOptions& options = {}) {
  const GenerationOptions valid = checked(options, model.context_length, model.vocab_size);
  const std::size_t pictures = image_tokens.shape()[0];
  if (pictures == 0) return {};
  // Single scores are addressed by 32-bit numbers.
  const std::size_t most = std::numeric_limits<std::int32_t>::max() / model.vocab_size;
  const std::size_t each = valid.beams == 1 ? valid.captions : valid.beams;
  if (pictures > most / each)
    throw ArgumentError(counted(pictures, "picture") + " with " + counted(each, "sequence") +
                        " each are too many at once: with " + counted(model.vocab_size, "word") +
                        " at most " + counted(most, "sequence") + " can be written");
  using Written = RuntimeModel<Model>;
  if (valid.beams == 1)
    return detail::Generation<Written, Sampling>(context, model, valid).run(image_tokens);
  if (valid.beam_groups > 1 || valid.rules == SearchRules::open_clip_3_3)
    return detail::Generation<Written, GroupBeamSearch>(context, model, valid).run(image_tokens);
  return detail::Generation<Written, BeamSearch>(context, model, valid).run(image_tokens);
}

}  // namespace coca
