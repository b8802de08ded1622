#pragma once
/// @file
/// A data set: records by index. The text of a record is cheap to get, its picture or video is read
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
#include "coca/data/random_draws.hpp"
#include "coca/image/image.hpp"

namespace coca {

/// What is known about one picture before it is read.
struct Record {
  std::string name;                   ///< what people and messages call the picture
  std::vector<std::string> captions;  ///< UTF-8; may be empty if there is a label
  std::optional<std::int32_t> label;  ///< number of its class
  /// Further fields that were requested, by key: text as in the file; numbers, lists and objects of
  /// JSON as their JSON.
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

/// A data set whose records may have several pictures: the bytes of picture file `number` of a
/// record; FileError if it has no such picture.
template <class T>
concept HasSeveralPictures = Dataset<T> && requires(const T& dataset, std::size_t index) {
  { dataset.read(index, std::size_t{}) } -> std::convertible_to<std::vector<std::uint8_t>>;
};

/// What one showing of a video is made of.
struct Frames {
  std::vector<Image> images{};
  std::string damage{};  ///< what is wrong with the file although it can be read; or empty
};

/// A data set whose records may be videos: the frames of one showing of a record, which may depend
/// on what is drawn for it; nothing for a record of picture files.
template <class T>
concept HasFrames = Dataset<T> && requires(const T& dataset, const SampleKey& key) {
  { dataset.frames(key) } -> std::convertible_to<std::optional<Frames>>;
};

/// A data set that says from which file it reads the (first) picture of a record: the picture's
/// own, or an archive with many; FileError for a record that cannot be read.
template <class T>
concept HasPictureFiles = Dataset<T> && requires(const T& dataset, std::size_t index) {
  { dataset.picture_file(index) } -> std::convertible_to<std::string>;
};

namespace detail {

/// Picture file `number` of record `index` of any data set.
/// @throws FileError if the record has no such picture.
template <Dataset T>
std::vector<std::uint8_t> read_picture(const T& dataset, std::size_t index, std::size_t number) {
  if constexpr (HasSeveralPictures<T>) return dataset.read(index, number);
  if (number == 0) return dataset.read(index);
  throw FileError(dataset.record(index).name,
                  "has one picture, but picture " + std::to_string(number + 1) + " was requested");
}

/// @throws ArgumentError if `index` is not below `size`.
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

  /// Notes on how the data was read, in sentences; empty for data sets that have none.
  std::vector<std::string> notes() const { return held_->notes(); }

  /// The text of record `index`. @throws ArgumentError from size() on; else what the held one
  /// throws.
  Record record(std::size_t index) const {
    detail::check_record_index(index, size());
    return held_->record(index);
  }

  /// The file that the first picture of record `index` is read from: its own, or an archive with
  /// many. Where the data set does not say, the record's name. @throws as record()
  std::string picture_file(std::size_t index) const {
    detail::check_record_index(index, size());
    return held_->picture_file(index);
  }

  /// Picture file `number` of record `index`. @throws ArgumentError from size() on; FileError if
  /// it cannot be read or the record has fewer pictures.
  std::vector<std::uint8_t> read(std::size_t index, std::size_t number = 0) const {
    detail::check_record_index(index, size());
    return held_->read(index, number);
  }

  /// The frames of a video for one showing of record `key.index`; nothing if it has picture files.
  /// @throws as read()
  std::optional<Frames> frames(const SampleKey& key) const {
    detail::check_record_index(static_cast<std::size_t>(key.index), size());
    return held_->frames(key);
  }

 private:
  struct Interface {
    virtual ~Interface() = default;
    virtual std::size_t size() const = 0;
    virtual Record record(std::size_t index) const = 0;
    virtual std::string picture_file(std::size_t index) const = 0;
    virtual std::vector<std::uint8_t> read(std::size_t index, std::size_t number) const = 0;
    virtual std::optional<Frames> frames(const SampleKey& key) const = 0;
    virtual std::vector<std::string> notes() const = 0;
  };

  template <class T>
  struct Held final : Interface {
    template <class U>
    explicit Held(U&& value) : dataset(std::forward<U>(value)) {}
    std::size_t size() const override { return dataset.size(); }
    Record record(std::size_t index) const override { return dataset.record(index); }
    std::string picture_file(std::size_t index) const override {
      if constexpr (HasPictureFiles<T>)
        return dataset.picture_file(index);
      else
        return dataset.record(index).name;
    }
    std::vector<std::uint8_t> read(std::size_t index, std::size_t number) const override {
      return detail::read_picture(dataset, index, number);
    }
    std::optional<Frames> frames(const SampleKey& key) const override {
      if constexpr (HasFrames<T>)
        return dataset.frames(key);
      else
        return std::nullopt;
    }
    std::vector<std::string> notes() const override {
      if constexpr (requires { dataset.notes(); })
        return dataset.notes();
      else
        return {};
    }
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
  std::string picture_file(std::size_t index) const {
    return dataset_.picture_file(original(index));
  }
  std::vector<std::uint8_t> read(std::size_t index, std::size_t number = 0) const {
    return dataset_.read(original(index), number);
  }
  std::optional<Frames> frames(const SampleKey& key) const {
    return dataset_.frames({key.seed, key.epoch, original(static_cast<std::size_t>(key.index))});
  }
  std::vector<std::string> notes() const { return dataset_.notes(); }

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
  std::string picture_file(std::size_t index) const {
    const auto [dataset, local] = find(index);
    return dataset->picture_file(local);
  }
  std::vector<std::uint8_t> read(std::size_t index, std::size_t number = 0) const {
    const auto [dataset, local] = find(index);
    return dataset->read(local, number);
  }
  std::optional<Frames> frames(const SampleKey& key) const {
    const auto [dataset, local] = find(static_cast<std::size_t>(key.index));
    return dataset->frames({key.seed, key.epoch, local});
  }
  std::vector<std::string> notes() const {
    std::vector<std::string> all;
    for (const AnyDataset& dataset : datasets_)
      for (std::string& note : dataset.notes()) all.push_back(std::move(note));
    return all;
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

/// A data set with notes on how it was chosen.
class NotedDataset {
 public:
  /// @param notes come before those of the data set
  NotedDataset(AnyDataset dataset, std::vector<std::string> notes)
      : dataset_(std::move(dataset)), notes_(std::move(notes)) {
    for (std::string& note : dataset_.notes()) notes_.push_back(std::move(note));
  }

  std::size_t size() const { return dataset_.size(); }
  Record record(std::size_t index) const { return dataset_.record(index); }
  std::string picture_file(std::size_t index) const { return dataset_.picture_file(index); }
  std::vector<std::uint8_t> read(std::size_t index, std::size_t number = 0) const {
    return dataset_.read(index, number);
  }
  std::optional<Frames> frames(const SampleKey& key) const { return dataset_.frames(key); }
  const std::vector<std::string>& notes() const noexcept { return notes_; }

 private:
  AnyDataset dataset_;
  std::vector<std::string> notes_;
};

/// The text of each record that can be read, in order; the others are reported when loaded.
/// @param visit called with a record's index and the Record
template <class Visitor>
void for_each_readable_record(const AnyDataset& dataset, Visitor&& visit) {
  for (std::size_t i = 0; i < dataset.size(); ++i) {
    Record record;
    try {
      record = dataset.record(i);
    } catch (const Error&) {  // of the text, or of a class that is not known
      continue;
    }
    visit(i, std::move(record));
  }
}

}  // namespace coca
