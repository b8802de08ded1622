#include "test_answers.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "coca/image/open_clip_preprocess.hpp"
#include "coca/image/read_image.hpp"
#include "picture_reading.hpp"

namespace coca_examples {

namespace {

coca::GenerationOptions search_options(const TestSetOptions& options, const ModelInfo& info) {
  coca::GenerationOptions search = options.search;
  search.tokens = coca::special_tokens(info.tokenizer);
  search.min_length = options.min_length.value_or(info.min_length.value_or(search.min_length));
  try {
    return coca::checked(search, info.context_length, info.vocab_size);
  } catch (const coca::ArgumentError& error) {
    throw UsageError(error.what());
  }
}

coca::Pixels to_pixels(const ModelInfo& info, const std::vector<std::uint8_t>& file,
                       const std::string& name) {
  if (info.open_clip_preprocessing)
    return coca::preprocess_like_open_clip(file, name, info.preprocessing,
                                           picture_reading().options().decoding());
  return coca::preprocess(coca::read_image(file, name, picture_reading().options()),
                          info.preprocessing);
}

/// Adds some pictures: embeddings, and captions if wanted.
void add_pictures(Model& model, const std::optional<coca::GenerationOptions>& search,
                  const coca::AnyDataset& dataset, std::span<Sample> some, Failures& failures,
                  Answers& answers) {
  std::vector<coca::Pixels> pixels;
  std::vector<Sample> whole;
  for (Sample& sample : some) {
    try {
      pixels.push_back(to_pixels(model.info(), dataset.read(sample.index), sample.name));
    } catch (const coca::Error& error) {
      failures.report(sample.name, error);
      continue;
    }
    whole.push_back(std::move(sample));
  }
  if (whole.empty()) return;
  const coca::Embeddings images = model.embed_images(pixels);
  std::vector<float>& all = answers.embeddings.images;
  all.insert(all.end(), images.values.begin(), images.values.end());
  if (search) {
    const auto captions = model.caption(pixels, *search);
    for (std::size_t i = 0; i < whole.size(); ++i)
      whole[i].picture.caption = captions[i].front().text;
  }
  std::move(whole.begin(), whole.end(), std::back_inserter(answers.samples));
}

}  // namespace

Answers answer(Model& model, const TestSetOptions& options, const coca::AnyDataset& dataset,
               std::vector<Sample> samples, Failures& failures) {
  std::optional<coca::GenerationOptions> search;
  if (!options.no_captioning && model.info().captions)
    search = search_options(options, model.info());
  ProgressBar progress("pictures");
  Answers answers;
  for (std::size_t first = 0; first < samples.size(); first += options.batch) {
    const std::size_t count = std::min(options.batch, samples.size() - first);
    add_pictures(model, search, dataset, std::span(samples).subspan(first, count), failures,
                 answers);
    progress.show(first + count, samples.size());
  }
  if (answers.samples.empty())
    throw coca::Error("none of the " + std::to_string(samples.size()) + " pictures can be read");
  return answers;
}

namespace {

/// The captions that count, and which of them have the same tokens and thus the same embedding.
struct CaptionTexts {
  std::vector<std::string> unlike;
  std::vector<std::size_t> numbers;  ///< of each caption among the distinct ones
};

/// Assigns captions to pictures: all of them, or only the first, where captions with the same
/// tokens count as one, as in training's validation.
CaptionTexts number_captions(const Model& model, const TestSetOptions& options,
                             std::vector<Sample>& samples) {
  const bool all = options.protocol == "captions";
  std::map<std::vector<std::int32_t>, std::size_t> known;
  CaptionTexts texts;
  for (Sample& sample : samples)
    for (const std::string& caption : sample.picture.references) {
      const auto [found, fresh] = known.try_emplace(model.encode(caption), texts.unlike.size());
      if (fresh) texts.unlike.push_back(caption);
      sample.picture.texts.push_back(all ? texts.numbers.size() : found->second);
      if (all || fresh) texts.numbers.push_back(found->second);
      if (!all) break;
    }
  return texts;
}

}  // namespace

void embed_captions(Model& model, const TestSetOptions& options, Answers& answers) {
  const CaptionTexts texts = number_captions(model, options, answers.samples);
  std::vector<float> unlike;
  constexpr std::size_t at_once = 256;
  ProgressBar progress("captions");
  for (std::size_t first = 0; first < texts.unlike.size(); first += at_once) {
    const std::size_t count = std::min(at_once, texts.unlike.size() - first);
    const coca::Embeddings some = model.embed_texts(std::span(texts.unlike).subspan(first, count));
    unlike.insert(unlike.end(), some.values.begin(), some.values.end());
    progress.show(first + count, texts.unlike.size());
  }
  const std::size_t width = model.info().embed_dim;
  for (const std::size_t number : texts.numbers) {
    const auto row = unlike.begin() + static_cast<std::ptrdiff_t>(number * width);
    answers.embeddings.texts.insert(answers.embeddings.texts.end(), row,
                                    row + static_cast<std::ptrdiff_t>(width));
  }
}

}  // namespace coca_examples
