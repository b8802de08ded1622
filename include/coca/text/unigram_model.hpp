#pragma once
/// @file
/// SentencePiece's unigram model (Kudo 2018): cuts a word into the pieces whose probabilities have
/// the largest product, as `Unigram` of the library `tokenizers` does.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "coca/core/counted.hpp"
#include "coca/core/error.hpp"
#include "coca/core/utf8.hpp"

namespace coca {

/// A piece of a unigram vocabulary; its id is its place there.
struct UnigramPiece {
  std::string text;  ///< UTF-8
  double score = 0;  ///< logarithm of its probability
};

/// The model, constant once it is made.
class UnigramModel {
 public:
  /// Maximum length of a piece in bytes: bounds the time that a text takes.
  static constexpr std::size_t longest_piece = 1024;

  /// @param unknown id of the token for characters in no piece, if there is one
  /// @param name    what errors call the model
  /// @throws FileError for no pieces, one that is too long, and an unknown id that no piece has
  UnigramModel(std::vector<UnigramPiece> pieces, std::optional<std::int32_t> unknown,
               const std::string& name)
      : pieces_(std::move(pieces)), unknown_(unknown), sorted_(pieces_.size()) {
    if (pieces_.empty()) throw FileError(name, "its vocabulary is empty");
    if (unknown && (*unknown < 0 || static_cast<std::size_t>(*unknown) >= pieces_.size()))
      throw FileError(name, "its \"unk_id\" " + std::to_string(*unknown) +
                                " is not in its vocabulary of " + std::to_string(pieces_.size()));
    for (const UnigramPiece& piece : pieces_) {
      if (piece.text.size() > longest_piece)
        throw FileError(name, "a piece of its vocabulary has " +
                                  counted(piece.text.size(), "byte") + ", at most " +
                                  std::to_string(longest_piece) + " are accepted");
      lowest_ = std::min(lowest_, piece.score);
    }
    std::iota(sorted_.begin(), sorted_.end(), std::int32_t{0});
    // Of equal pieces the last counts: it comes first here.
    std::sort(sorted_.begin(), sorted_.end(), [this](std::int32_t a, std::int32_t b) {
      return std::pair(std::string_view(text(a)), b) < std::pair(std::string_view(text(b)), a);
    });
  }

  std::int32_t size() const noexcept { return static_cast<std::int32_t>(pieces_.size()); }

  /// The text of a piece.
  const std::string& text(std::int32_t id) const {
    return pieces_[static_cast<std::size_t>(id)].text;
  }

  /// Appends the ids of the best cut of a word. Neighbouring characters in no piece are one
  /// unknown piece; they are left out if there is no unknown token.
  /// @param word valid UTF-8
  void append_ids(std::string_view word, std::vector<std::int32_t>& ids) const {
    constexpr double unknown_penalty = 10;
    std::vector<Step> best(word.size() + 1);
    best[0] = {0, 0, unknown_piece};
    for (std::size_t at = 0; at < word.size();) {
      const std::size_t length = detail::decode_character(word.substr(at)).length;
      bool alone = false;  // whether a piece is this character
      for_each_prefix(word.substr(at), [&](std::int32_t id) {
        const std::size_t size = text(id).size();
        best[at + size].improve(best[at].score + score(id), at, id);
        alone = alone || size == length;
      });
      if (!alone)
        best[at + length].improve(best[at].score + lowest_ - unknown_penalty, at, unknown_piece);
      at += length;
    }
    append_path(best, ids);
  }

 private:
  static constexpr std::int32_t unknown_piece = -1;

  /// The best way to the end of a piece.
  struct Step {
    double score = -std::numeric_limits<double>::infinity();
    std::size_t begin = 0;
    std::int32_t id = unreached;
    static constexpr std::int32_t unreached = -2;

    void improve(double other, std::size_t from, std::int32_t piece) {
      if (id == unreached || other > score) *this = {other, from, piece};
    }
  };

  double score(std::int32_t id) const { return pieces_[static_cast<std::size_t>(id)].score; }

  /// Calls function(id) for the pieces that a text begins with, shorter ones first.
  template <class Function>
  void for_each_prefix(std::string_view word, const Function& function) const {
    auto first = sorted_.begin(), last = sorted_.end();
    for (std::size_t i = 0; i < word.size() && first != last; ++i) {
      const auto byte_of = [&](std::int32_t id) {
        return i < text(id).size() ? static_cast<unsigned char>(text(id)[i]) : -1;
      };
      const int wanted = static_cast<unsigned char>(word[i]);
      first = std::partition_point(first, last, [&](auto id) { return byte_of(id) < wanted; });
      last = std::partition_point(first, last, [&](auto id) { return byte_of(id) == wanted; });
      if (first != last && text(*first).size() == i + 1) function(*first);
    }
  }

  void append_path(const std::vector<Step>& best, std::vector<std::int32_t>& ids) const {
    std::vector<std::int32_t> path;
    bool fused = false;
    for (std::size_t end = best.size() - 1; end > 0; end = best[end].begin) {
      const std::int32_t id = best[end].id;
      const bool is_unknown = id == unknown_piece || id == unknown_;
      if (!is_unknown)
        path.push_back(id);
      else if (!fused && unknown_)
        path.push_back(*unknown_);
      fused = is_unknown;
    }
    ids.insert(ids.end(), path.rbegin(), path.rend());
  }

  std::vector<UnigramPiece> pieces_;
  std::optional<std::int32_t> unknown_;
  double lowest_ = std::numeric_limits<double>::infinity();
  std::vector<std::int32_t> sorted_;  // ids by text
};

}  // namespace coca
