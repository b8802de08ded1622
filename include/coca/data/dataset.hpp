#pragma once
/// @file
/// A data set: records by index. The text of a record is cheap to get, its picture is read
/// on demand, so that threads can read ahead and a broken picture affects only itself.

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "coca/core/error.hpp"

namespace coca {

/// What is known about one picture before it is read.
struct Record {
  std::string name;                   ///< the picture's name in messages
  std::vector<std::string> captions;  ///< UTF-8; may be empty if there is a label
  std::optional<std::int32_t> label;  ///< index of its class
  /// Additional fields requested from its data set, by key.
  std::map<std::string, std::string> fields{};
};

/// Random access to records and to the bytes of their picture files. Const objects are used by
/// several threads at once.
template <class T>
concept Dataset = requires(const T& dataset, std::size_t index) {
  { dataset.size() } -> std::convertible_to<std::size_t>;
  { dataset.record(index) } -> std::convertible_to<Record>;
  { dataset.read(index) } -> std::convertible_to<std::vector<std::uint8_t>>;
};

namespace detail {

/// @throws ArgumentError unless `index` is below `size`.
inline void check_record_index(std::size_t index, std::size_t size) {
  if (index < size) return;
  throw ArgumentError("record " + std::to_string(index) + " was requested from a data set of " +
                      std::to_string(size));
}

}  // namespace detail

/// Any data set, chosen at run time. Copies share their content.
class AnyDataset {
 public:
  /// Holds `dataset`. Not explicit, so that a Loader accepts any Dataset.
  template <class T>
  requires(!std::same_as<std::remove_cvref_t<T>, AnyDataset> && Dataset<std::remove_cvref_t<T>>)
      AnyDataset(T&& dataset)  // NOLINT(bugprone-forwarding-reference-overload)
      : held_(std::make_shared<const Held<std::remove_cvref_t<T>>>(std::forward<T>(dataset))) {}

  /// Number of records.
  std::size_t size() const { return held_->size(); }

  /// The text of record `index`. @throws ArgumentError from size() on; otherwise what the held one
  /// throws.
  Record record(std::size_t index) const {
    detail::check_record_index(index, size());
    return held_->record(index);
  }

  /// The picture file of record `index`. @throws ArgumentError from size() on; FileError if it
  /// cannot be read.
  std::vector<std::uint8_t> read(std::size_t index) const {
    detail::check_record_index(index, size());
    return held_->read(index);
  }

 private:
  struct Interface {
    virtual ~Interface() = default;
    virtual std::size_t size() const = 0;
    virtual Record record(std::size_t index) const = 0;
    virtual std::vector<std::uint8_t> read(std::size_t index) const = 0;
  };

  template <class T>
  struct Held final : Interface {
    template <class U>
    explicit Held(U&& value) : dataset(std::forward<U>(value)) {}
    std::size_t size() const override { return dataset.size(); }
    Record record(std::size_t index) const override { return dataset.record(index); }
    std::vector<std::uint8_t> read(std::size_t index) const override { return dataset.read(index); }
    T dataset;
  };

  std::shared_ptr<const Interface> held_;
};

/// Some records of a data set, in the order given (torch.utils.data.Subset).
class Subset {
 public:
  /// @throws ArgumentError if an index is not in the data set.
  Subset(AnyDataset dataset, std::vector<std::size_t> indices)
      : dataset_(std::move(dataset)), indices_(std::move(indices)) {
    for (const std::size_t index : indices_) detail::check_record_index(index, dataset_.size());
  }

  std::size_t size() const noexcept { return indices_.size(); }
  Record record(std::size_t index) const { return dataset_.record(original(index)); }
  std::vector<std::uint8_t> read(std::size_t index) const { return dataset_.read(original(index)); }

 private:
  std::size_t original(std::size_t index) const {
    detail::check_record_index(index, indices_.size());
    return indices_[index];
  }

  AnyDataset dataset_;
  std::vector<std::size_t> indices_;
};

/// Several data sets one after the other (torch.utils.data.ConcatDataset).
class ConcatDataset {
 public:
  explicit ConcatDataset(std::vector<AnyDataset> datasets) : datasets_(std::move(datasets)) {
    for (const AnyDataset& dataset : datasets_) size_ += dataset.size();
  }

  std::size_t size() const noexcept { return size_; }
  Record record(std::size_t index) const {
    const auto [dataset, local] = find(index);
    return dataset->record(local);
  }
  std::vector<std::uint8_t> read(std::size_t index) const {
    const auto [dataset, local] = find(index);
    return dataset->read(local);
  }

 private:
  std::pair<const AnyDataset*, std::size_t> find(std::size_t index) const {
    detail::check_record_index(index, size_);
    const AnyDataset* dataset = datasets_.data();
    for (; index >= dataset->size(); ++dataset) index -= dataset->size();
    return {dataset, index};
  }

  std::vector<AnyDataset> datasets_;
  std::size_t size_ = 0;
};

}  // namespace coca
