#pragma once
/// @file
/// Sentences about pictures that are right or wrong: SNLI-VE (does a picture entail a hypothesis?)
/// and NLVR2 (is a sentence true of two pictures?).
/// Sources: https://github.com/necla-ml/SNLI-VE, https://github.com/lil-lab/nlvr

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/data/annotation_json.hpp"

namespace coca {

/// The classes of SNLI-VE, in the order of their numbers.
inline constexpr std::array<std::string_view, 3> entailment_classes{"contradiction", "neutral",
                                                                    "entailment"};

/// A picture and a sentence that follows from it, contradicts it, or neither.
struct EntailmentPair {
  std::string pair_id{};
  std::string image{};  ///< file name
  std::string hypothesis{};
  std::size_t label = 0;  ///< index in entailment_classes
};

/// Pairs of SNLI-VE.
struct EntailmentPairs {
  std::vector<EntailmentPair> pairs{};
  std::size_t undecided = 0;  ///< rows left out: people did not agree (label "-")
};

namespace detail {

/// The picture of a row: the Flickr id, which has three spellings, or else the pair's id up to
/// ".jpg".
inline std::string entailment_image(const AnnotationRow& row) {
  for (const char* key : {"Flickr30K_ID", "Flikr30kID", "Flickr30kID"})
    if (row.has(key)) {
      const std::string id = row.id(key);
      if (id.empty()) row.fail("\"" + std::string(key) + "\" is empty");
      return id.ends_with(".jpg") ? id : id + ".jpg";
    }
  const std::string pair = row.text("pairID");
  const std::size_t end = pair.find(".jpg");
  if (end == std::string::npos || end == 0)
    row.fail("no Flickr id, and the pairID \"" + printable(pair, 40) + "\" has no name of a .jpg");
  return pair.substr(0, end + 4);
}

}  // namespace detail

/// Reads SNLI-VE's JSON lines. @throws FileError for what cannot be read, pairs that occur twice,
/// and unknown labels
inline EntailmentPairs read_snli_ve(const AnnotationText& file) {
  EntailmentPairs read;
  std::unordered_set<std::string> known;
  file.each_line("pairs of SNLI-VE", [&](const AnnotationRow& row) {
    EntailmentPair pair{row.text("pairID"), detail::entailment_image(row), row.text("sentence2")};
    if (!known.insert(pair.pair_id).second)
      row.fail("an earlier row has the same pairID " + detail::printable(pair.pair_id, 40));
    const std::string label = row.text("gold_label");
    if (label == "-") {
      ++read.undecided;
      return;
    }
    const auto found = std::find(entailment_classes.begin(), entailment_classes.end(), label);
    if (found == entailment_classes.end())
      row.fail("the gold_label is \"" + detail::printable(label, 40) +
               "\", expected entailment, neutral, contradiction or -");
    pair.label = static_cast<std::size_t>(found - entailment_classes.begin());
    read.pairs.push_back(std::move(pair));
  });
  return read;
}

/// Two pictures, and a sentence that is true of them or not.
struct PicturePair {
  std::string identifier{};
  std::string sentence_id{};  ///< the same for all pairs of a sentence
  std::string sentence{};
  std::string left{};  ///< file names
  std::string right{};
  bool is_true = false;
};

namespace detail {

/// Parts of "dev-850-0-1". @throws FileError if there are not four of them
inline std::vector<std::string> identifier_parts(const AnnotationRow& row,
                                                 const std::string& identifier) {
  std::vector<std::string> parts(1);
  for (const char c : identifier) {
    if (c == '-')
      parts.emplace_back();
    else
      parts.back() += c;
  }
  const auto empty = [](const std::string& part) { return part.empty(); };
  if (parts.size() != 4 || std::any_of(parts.begin(), parts.end(), empty))
    row.fail("the identifier is \"" + printable(identifier, 40) +
             "\", expected split-set-pair-sentence, such as dev-850-0-1");
  return parts;
}

/// What "true" or "false" says, in upper or lower case as NLVR2's script reads it; nothing for
/// another word.
inline std::optional<bool> truth_of(const std::string& word) {
  std::string lower = word;
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  if (lower == "true") return true;
  if (lower == "false") return false;
  return std::nullopt;
}

}  // namespace detail

/// Reads NLVR2's JSON lines; pictures of the training part are in the folder that their row names.
/// @throws FileError for what cannot be read, identifiers that occur twice, and unknown labels
inline std::vector<PicturePair> read_nlvr2(const AnnotationText& file) {
  std::vector<PicturePair> pairs;
  std::unordered_set<std::string> known;
  file.each_line("pairs of NLVR2", [&](const AnnotationRow& row) {
    PicturePair pair{.identifier = row.text("identifier"), .sentence = row.text("sentence")};
    if (!known.insert(pair.identifier).second)
      row.fail("an earlier row has the same identifier " + detail::printable(pair.identifier, 40));
    const auto parts = detail::identifier_parts(row, pair.identifier);
    pair.sentence_id = parts[0] + '-' + parts[1] + '-' + parts[3];
    const std::string folder = row.has("directory") ? row.id("directory") + '/' : "";
    const std::string stem = folder + parts[0] + '-' + parts[1] + '-' + parts[2];
    pair.left = stem + "-img0.png";
    pair.right = stem + "-img1.png";
    const Json& label = row.at("label");
    const std::optional<bool> truth =
        label.is_boolean() ? label.get<bool>() : detail::truth_of(row.text("label"));
    if (!truth) row.fail("the label is neither \"True\" nor \"False\"");
    pair.is_true = *truth;
    pairs.push_back(std::move(pair));
  });
  return pairs;
}

/// A model's judgement of a pair.
struct PairPrediction {
  std::string identifier{};
  bool is_true = false;
};

/// Reads NLVR2's predictions: CSV without header, `identifier,True`.
/// @throws FileError for rows that are not, and identifiers that occur twice
inline std::vector<PairPrediction> read_pair_predictions(std::string_view text,
                                                         const std::string& path) {
  std::vector<PairPrediction> predictions;
  std::unordered_set<std::string> known;
  DelimitedText rows(detail::without_byte_order_mark(text), ',', path);
  for (std::vector<std::string> row; rows.next(row);) {
    const auto truth = row.size() == 2 ? detail::truth_of(row[1]) : std::nullopt;
    if (!truth)
      detail::fail_in_line(path, rows.line(), "expected identifier,True or identifier,False");
    if (!known.insert(row[0]).second)
      detail::fail_in_line(
          path, rows.line(),
          "an earlier row has the same identifier " + detail::printable(row[0], 40));
    predictions.push_back({row[0], *truth});
  }
  return predictions;
}

}  // namespace coca
