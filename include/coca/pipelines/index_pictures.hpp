#pragma once
/// @file
/// The pictures of a search index: those of its file, and what has changed since it was read.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "coca/pipelines/index_rows.hpp"

namespace coca::detail {

/// A picture as IndexPictures shows it, until they change.
struct PictureView {
  std::string_view name;
  FileState state{};
  std::int64_t digest = 0;
  StoredEmbeddings embeddings{};  ///< of which `row` is its own
  std::size_t row = 0;
};

/// The best of many, by similarity, those of equal similarity in the order in which they were
/// offered.
class BestSimilarities {
 public:
  struct Entry {
    float similarity = 0;
    std::size_t number = 0;  ///< ascending in the order of offers
  };

  /// @param least what is less similar does not count
  BestSimilarities(std::size_t count, float least) : count_(count), least_(least) {}

  void offer(float similarity, std::size_t number) {
    if (!(similarity >= least_) || count_ == 0) return;  // NaN is no similarity
    if (best_.size() == count_) {
      if (!(similarity > best_.front().similarity)) return;
      std::pop_heap(best_.begin(), best_.end(), is_better);
      best_.pop_back();
    }
    best_.push_back({similarity, number});
    std::push_heap(best_.begin(), best_.end(), is_better);
  }

  /// Best first.
  std::vector<Entry> sorted() const {
    std::vector<Entry> sorted = best_;
    std::sort(sorted.begin(), sorted.end(), is_better);
    return sorted;
  }

 private:
  static bool is_better(const Entry& a, const Entry& b) {
    return a.similarity != b.similarity ? a.similarity > b.similarity : a.number < b.number;
  }

  std::size_t count_;
  float least_;
  std::vector<Entry> best_;  // a heap, the worst in front
};

/// Pictures by name. Those that were stored stay where they are, usually in a mapped file.
class IndexPictures {
 public:
  /// @param width of the embeddings
  explicit IndexPictures(std::size_t width, IndexRows rows = {})
      : width_(width), rows_(std::move(rows)), is_gone_(rows_.size()) {}

  std::size_t width() const noexcept { return width_; }
  std::size_t size() const noexcept { return rows_.size() - gone_ + added_.size(); }

  std::optional<FileState> state(const std::string& name) const {
    if (const auto found = added_.find(name); found != added_.end()) return found->second.state;
    const auto row = stored_row(name);
    if (!row) return std::nullopt;
    return rows_.state(*row);
  }

  /// @return whether there was such a picture
  bool erase(const std::string& name) {
    if (added_.erase(name) != 0) return true;
    const auto row = stored_row(name);
    if (row) take_away(*row);
    return row.has_value();
  }

  void put(const std::string& name, IndexedPicture picture) {
    erase(name);
    added_[name] = std::move(picture);
  }

  /// Removes pictures for which is_unwanted(name) holds. @return how many
  std::size_t erase_if(const std::function<bool(const std::string&)>& is_unwanted) {
    std::size_t count =
        std::erase_if(added_, [&](const auto& picture) { return is_unwanted(picture.first); });
    for (std::size_t row = 0; row < rows_.size(); ++row) {
      if (is_gone_[row] || !is_unwanted(std::string(rows_.name(row)))) continue;
      take_away(row);
      ++count;
    }
    return count;
  }

  /// Calls visit(PictureView) for each picture, by ascending name.
  template <class Visitor>
  void for_each(Visitor&& visit) const {
    auto next = added_.begin();
    for (std::size_t row = 0; row < rows_.size(); ++row) {
      if (is_gone_[row]) continue;
      for (; next != added_.end() && std::string_view(next->first) < rows_.name(row); ++next)
        visit(view(*next));
      visit(
          PictureView{rows_.name(row), rows_.state(row), rows_.digest(row), rows_.embeddings, row});
    }
    for (; next != added_.end(); ++next) visit(view(*next));
  }

  /// Stored pictures, those that are gone among them, with what was known of their files:
  /// visit(row, state, digest).
  template <class Visitor>
  void for_each_stored(Visitor&& visit) const {
    for (std::size_t row = 0; row < rows_.size(); ++row)
      visit(row, rows_.state(row), rows_.digest(row));
  }
  std::vector<float> stored_embedding(std::size_t row) const { return rows_.embeddings.row(row); }

  /// The most similar pictures by name, best first; equally similar ones by name.
  std::vector<std::pair<std::string, float>> most_similar(std::span<const float> query,
                                                          std::size_t count, float least) const {
    BestSimilarities stored(count, least), added(count, least);
    rows_.embeddings.visit([&](const auto* values) {
      for (std::size_t row = 0; row < rows_.size(); ++row)
        if (!is_gone_[row]) stored.offer(row_product(values + row * width_, query), row);
    });
    std::vector<std::string_view> names;
    for (const auto& [name, picture] : added_) {
      added.offer(row_product(picture.embedding.data(), query), names.size());
      names.push_back(name);
    }
    std::vector<std::pair<std::string, float>> found;
    for (const auto& [similarity, row] : stored.sorted())
      found.emplace_back(rows_.name(row), similarity);
    for (const auto& [similarity, number] : added.sorted())
      found.emplace_back(names[number], similarity);
    std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) {
      return a.second != b.second ? a.second > b.second : a.first < b.first;
    });
    found.resize(std::min(found.size(), count));
    return found;
  }

 private:
  using Added = std::map<std::string, IndexedPicture, std::less<>>;

  std::optional<std::size_t> stored_row(std::string_view name) const {
    const auto row = rows_.find(name);
    return row && !is_gone_[*row] ? row : std::nullopt;
  }

  void take_away(std::size_t row) {
    is_gone_[row] = true;
    ++gone_;
  }

  PictureView view(const Added::value_type& picture) const {
    const IndexedPicture& added = picture.second;
    return {picture.first, added.state, added.digest,
            StoredEmbeddings(added.embedding.data(), width_), 0};
  }

  std::size_t width_;
  IndexRows rows_;
  std::vector<bool> is_gone_;  // of the rows
  std::size_t gone_ = 0;
  Added added_;
};

}  // namespace coca::detail
