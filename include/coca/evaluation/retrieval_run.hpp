#pragma once
/// @file
/// Retrieval of a data set by a model: pictures and captions to embeddings, and these to ranks.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <numeric>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "coca/core/digest.hpp"
#include "coca/core/error.hpp"
#include "coca/data/retrieval_data.hpp"
#include "coca/evaluation/caption_retrieval.hpp"
#include "coca/pipelines/any_model.hpp"
#include "coca/pipelines/embedding_cache.hpp"
#include "coca/pipelines/picture_embeddings.hpp"

namespace coca {

/// Which captions are candidates, and which of them are right.
enum class RetrievalProtocol : std::uint8_t {
  captions,  ///< all captions of all pictures; those of a picture are right (COCO, Flickr30K)
  concepts,  ///< the first caption of each picture; captions with the same tokens are one, which is
             ///< right for each of their pictures
};

/// How a data set is evaluated.
struct RetrievalRunOptions {
  RetrievalProtocol protocol = RetrievalProtocol::captions;
  PictureEmbeddingOptions pictures{};
  std::string text_cache{};  ///< file of the captions' embeddings; empty: none
  std::size_t threads = 0;   ///< of the ranks; 0: one per processor
  std::function<void(std::size_t, std::size_t)> on_texts{};  ///< (done, all) of distinct captions
};

/// Pictures that could be read, the captions that compete, and ranks both ways.
struct RetrievalRun {
  std::vector<AnnotatedPicture> pictures{};
  std::vector<std::size_t> numbers{};        ///< of each picture, in the data
  std::vector<std::string> texts{};          ///< captions that compete
  CaptionPositives positives{};              ///< texts of each picture
  std::vector<std::size_t> text_clusters{};  ///< first picture of each text
  Embeddings image_embeddings{};             ///< [pictures, width]
  Embeddings text_embeddings{};              ///< [texts, width]
  CaptionRanks ranks{};
  std::vector<std::string> broken{};  ///< why each of the other pictures was left out
};

namespace detail {

/// The captions that compete, and which of them are one text to the model.
class CompetingTexts {
 public:
  /// Fills the texts and positives of a run. @param encode from a text to its tokens
  template <class Encode>
  CompetingTexts(RetrievalProtocol protocol, const Encode& encode, RetrievalRun& run) {
    for (std::size_t i = 0; i < run.pictures.size(); ++i) {
      run.positives.emplace_back();
      for (const std::string& caption : run.pictures[i].captions) {
        const auto [number, is_new] = number_of(encode(caption), caption);
        const bool competes = protocol == RetrievalProtocol::captions || is_new;
        run.positives.back().push_back(competes ? run.texts.size() : text_of_.at(number));
        if (competes) add(number, caption, i, run);
        if (protocol == RetrievalProtocol::concepts) break;
      }
    }
  }

  /// Texts with different tokens.
  const std::vector<std::string>& distinct() const noexcept { return distinct_; }

  /// Which of these each text is.
  const std::vector<std::size_t>& numbers() const noexcept { return numbers_; }

  /// A digest of the tokens.
  std::string digest() const {
    return std::to_string(distinct_.size()) + " texts " + digest_.text();
  }

 private:
  std::pair<std::size_t, bool> number_of(std::vector<std::int32_t> tokens,
                                         const std::string& caption) {
    const auto [found, is_new] = known_.try_emplace(std::move(tokens), distinct_.size());
    if (is_new) {
      distinct_.push_back(caption);
      const auto& ids = found->first;
      digest_.add({reinterpret_cast<const char*>(ids.data()), ids.size() * sizeof ids[0]});
      digest_.add_text("");
    }
    return {found->second, is_new};
  }

  void add(std::size_t number, const std::string& caption, std::size_t picture, RetrievalRun& run) {
    text_of_.emplace(number, run.texts.size());
    run.texts.push_back(caption);
    run.text_clusters.push_back(picture);
    numbers_.push_back(number);
  }

  std::map<std::vector<std::int32_t>, std::size_t> known_;
  std::map<std::size_t, std::size_t> text_of_;  // a text with these tokens
  std::vector<std::string> distinct_;
  std::vector<std::size_t> numbers_;
  Digest digest_;
};

/// Embeddings of texts, some at a time.
inline Embeddings embed_distinct(AnyModel& model, std::span<const std::string> texts,
                                 const RetrievalRunOptions& options) {
  constexpr std::size_t at_once = 256;
  Embeddings all{{}, texts.size(), model.info().embed_dim};
  for (std::size_t first = 0; first < texts.size(); first += at_once) {
    const std::size_t count = std::min(at_once, texts.size() - first);
    const Embeddings some = model.embed_texts(texts.subspan(first, count));
    all.values.insert(all.values.end(), some.values.begin(), some.values.end());
    if (options.on_texts) options.on_texts(first + count, texts.size());
  }
  return all;
}

/// The same with a cache.
inline Embeddings embed_distinct_once(AnyModel& model, const CompetingTexts& texts,
                                      const RetrievalRunOptions& options) {
  if (options.text_cache.empty()) return embed_distinct(model, texts.distinct(), options);
  IdentityParts key = model.info().identity_parts;
  std::erase_if(key, [](const auto& part) {  // texts do not depend on how pictures are read
    return part.first == "preprocessing" || part.first == "reading";
  });
  key.emplace_back("list of texts", texts.digest());
  const std::size_t count = texts.distinct().size();
  if (auto cached = read_embedding_cache(options.text_cache, key, count))
    return std::move(cached->embeddings);
  PictureEmbeddings all{embed_distinct(model, texts.distinct(), options), {}, {}};
  all.read.resize(count);
  std::iota(all.read.begin(), all.read.end(), std::size_t{0});
  write_embedding_cache(options.text_cache, key, all);
  return std::move(all.embeddings);
}

/// A row for each text.
inline Embeddings rows_of(const Embeddings& distinct, std::span<const std::size_t> numbers) {
  Embeddings all{{}, numbers.size(), distinct.width};
  all.values.reserve(numbers.size() * distinct.width);
  for (const std::size_t number : numbers) {
    const std::span<const float> row = distinct[number];
    all.values.insert(all.values.end(), row.begin(), row.end());
  }
  return all;
}

/// Embeds the pictures, and keeps those that could be read.
inline void embed_run_pictures(AnyModel& model, const RetrievalData& data,
                               const PictureEmbeddingOptions& options, RetrievalRun& run) {
  PictureList list;
  for (const AnnotatedPicture& picture : data.pictures) list.names.push_back(picture.file_name);
  for (const std::size_t record : data.records)
    list.files.push_back(data.dataset.picture_file(record));
  list.read = [&data](std::size_t i) { return data.dataset.read(data.records[i]); };
  PictureEmbeddings embedded = embed_pictures(model, list, options);
  for (const auto& [number, reason] : embedded.broken) run.broken.push_back(reason);
  if (embedded.read.empty())
    throw Error("none of the " + std::to_string(data.pictures.size()) +
                " pictures can be read; the first: " + run.broken.front());
  for (const std::size_t i : embedded.read) run.pictures.push_back(data.pictures[i]);
  run.numbers = std::move(embedded.read);
  run.image_embeddings = std::move(embedded.embeddings);
}

}  // namespace detail

/// Embeds all pictures and captions, and ranks each among all of the other kind. With the protocol
/// `concepts`, candidates that are equally near come first (Ties::before).
/// @throws Error if no picture can be read; as embed_pictures() and caption_ranks()
inline RetrievalRun run_retrieval(AnyModel& model, const RetrievalData& data,
                                  const RetrievalRunOptions& options = {}) {
  RetrievalRun run;
  detail::embed_run_pictures(model, data, options.pictures, run);
  const detail::CompetingTexts texts(
      options.protocol, [&](const std::string& text) { return model.encode(text); }, run);
  run.text_embeddings =
      detail::rows_of(detail::embed_distinct_once(model, texts, options), texts.numbers());
  const bool concepts = options.protocol == RetrievalProtocol::concepts;
  run.ranks =
      caption_ranks({run.image_embeddings.values, run.image_embeddings.width},
                    {run.text_embeddings.values, run.text_embeddings.width}, run.positives,
                    {.ties = concepts ? Ties::before : Ties::in_order, .threads = options.threads});
  return run;
}

}  // namespace coca
