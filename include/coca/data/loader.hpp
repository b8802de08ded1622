#pragma once
/// @file
/// Batches of pictures and captions that threads prepare in the background. Which batches come, and
/// what is in them, depends only on the data set and the options: neither on the number of threads
/// nor on timing.
///
/// @code
/// coca::Loader loader(coca::CaptionFile("train.csv"),
///                     {.order = {.batch_size = 64, .seed = 1},
///                      .sample = {.augmentation = coca::AugmentationOptions{}}});
/// loader.seek(checkpoint.position);
/// const coca::Batch batch = loader.next();
/// @endcode

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <system_error>
#include <thread>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "coca/core/counted.hpp"
#include "coca/core/error.hpp"
#include "coca/data/batch.hpp"
#include "coca/data/dataset.hpp"
#include "coca/data/sample_reader.hpp"
#include "coca/data/shuffled_order.hpp"
#include "coca/io/json.hpp"

namespace coca {

/// How batches are formed.
struct LoaderOptions {
  OrderOptions order{};  ///< its seed is used for everything random here
  SampleOptions sample{};
  /// Records with equal values of this field are a group, see OrderOptions::group_size; empty: no
  /// groups.
  std::string group_key{};
  /// A broken picture is replaced by one from beyond the batch; otherwise the batch is
  /// smaller, as needed in evaluation.
  bool replace_broken = true;
  std::size_t threads = 2;   ///< 0: next() does all the work
  std::size_t prefetch = 4;  ///< maximum number of batches ready or in preparation
};

namespace detail {

/// A batch in preparation.
struct BatchSlot {
  std::shared_ptr<const std::vector<std::size_t>> order;  ///< of its epoch
  std::size_t first = 0;                                  ///< index of its first sample there
  std::size_t count = 0;
  std::size_t taken = 0;  ///< samples that threads have started
  std::size_t done = 0;
  Batch batch;
  std::vector<bool> shown;  ///< false for a missing picture
  std::vector<std::vector<SkippedPicture>> skipped;
  std::vector<std::exception_ptr> errors;
};

/// The sizes of a batch, before anything is allocated. @throws ArgumentError if it is too large.
inline void check_batch_memory(const LoaderOptions& options) {
  const PreprocessConfig& config = options.sample.preprocess;
  const auto values = static_cast<double>(options.order.batch_size) *
                      static_cast<double>(options.sample.pictures_per_sample) * Image::channels *
                      static_cast<double>(config.width) * static_cast<double>(config.height);
  if (values <= 0x1p36) return;
  throw ArgumentError("a batch of " + counted(options.order.batch_size, "picture") + " of " +
                      std::to_string(config.width) + " x " + std::to_string(config.height) +
                      " pixels does not fit in memory");
}

/// The number of each record's group; records that cannot be read are one more.
/// @throws ArgumentError if a record has no such field.
inline std::vector<std::size_t> groups_of(const AnyDataset& dataset, const std::string& key) {
  std::vector<std::size_t> groups;
  if (key.empty()) return groups;
  const std::size_t unread = dataset.size();
  groups.resize(dataset.size(), unread);
  std::unordered_map<std::string, std::size_t> numbers;
  for_each_readable_record(dataset, [&](std::size_t index, const Record& record) {
    const auto field = record.fields.find(key);
    if (field == record.fields.end())
      throw ArgumentError("groups by \"" + printable(key, 40) +
                          "\": " + printable(record.name, 80) + " has no such field");
    groups[index] = numbers.try_emplace(field->second, numbers.size()).first->second;
  });
  std::replace(groups.begin(), groups.end(), unread, numbers.size());
  return groups;
}

/// Removes missing pictures from a batch; the others keep their order.
inline void close_holes(Batch& batch, const std::vector<bool>& shown) {
  const auto close = [&shown](auto& list, std::size_t width) {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < shown.size(); ++i) {
      if (!shown[i]) continue;
      const auto from = list.begin() + static_cast<std::ptrdiff_t>(i * width);
      if (kept != i)
        std::move(from, from + static_cast<std::ptrdiff_t>(width),
                  list.begin() + static_cast<std::ptrdiff_t>(kept * width));
      ++kept;
    }
    list.resize(kept * width);
    return kept;
  };
  const std::size_t picture = Image::channels * batch.pixels.height * batch.pixels.width;
  if (!batch.features.empty()) {
    close(batch.features.values, batch.features.tokens * batch.features.width);
  } else {
    const std::size_t kept = close(batch.pixels.values, batch.pictures_per_sample * picture);
    batch.pixels.batch = kept * batch.pictures_per_sample;
  }
  batch.for_each_list([&](auto& list) { close(list, 1); });
}

}  // namespace detail

/// An endless sequence of batches, epoch after epoch. Only one thread at a time may call it.
class Loader {
 public:
  /// Starts the threads; they begin at epoch 0, batch 0.
  /// @throws ArgumentError for options out of range, or an epoch without any batch.
  Loader(AnyDataset dataset, const LoaderOptions& options)
      : options_(options),
        order_(dataset.size(), options.order, detail::groups_of(dataset, options.group_key)),
        reader_(std::move(dataset), options.sample) {
    detail::check_batch_memory(options);
    options_.prefetch = std::max<std::size_t>(options_.prefetch, 1);
    start_threads();
  }

  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;
  ~Loader() { stop_threads(); }

  /// The next batch; waits until it is ready.
  /// @throws Error if a hundred pictures in a row are broken, or what a thread threw (out of
  /// memory). Later calls then throw again until seek().
  Batch next() {
    std::unique_lock lock(mutex_);
    const auto begin = std::chrono::steady_clock::now();
    if (threads_.empty()) {
      while (!front_is_ready()) {
        if (const auto task = take()) work_on(*task, lock);
      }
    } else {
      ready_.wait(lock, [&] { return front_is_ready() || failure_; });
    }
    seconds_waited_ +=
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    if (failure_) std::rethrow_exception(failure_);
    for (const std::exception_ptr& error : slots_.front()->errors) {
      if (error) std::rethrow_exception(error);
    }
    const std::shared_ptr<detail::BatchSlot> slot = std::move(slots_.front());
    slots_.pop_front();
    next_ = following(next_);
    lock.unlock();
    room_.notify_all();
    return finish(*slot);
  }

  /// Which batch next() will return, for checkpoints to store.
  DataPosition position() const {
    const std::scoped_lock lock(mutex_);
    return next_;
  }

  /// Moves to a position, forwards or backwards; the batches from there on are the same as before.
  /// @throws ArgumentError if an epoch has no such batch.
  void seek(const DataPosition& position) {
    if (position.batch >= batches_per_epoch()) {
      throw ArgumentError("the loader was sent to batch " + std::to_string(position.batch) +
                          " of an epoch of " + std::to_string(batches_per_epoch()));
    }
    {
      const std::scoped_lock lock(mutex_);
      slots_.clear();  // threads finish their current sample, which is discarded
      next_ = cursor_ = position;
    }
    room_.notify_all();
  }

  std::size_t batches_per_epoch() const noexcept { return order_.batches_per_epoch(); }
  const ShuffledOrder& order() const noexcept { return order_; }
  const AnyDataset& dataset() const noexcept { return reader_.dataset(); }
  const PictureCache& cache() const noexcept { return reader_.cache(); }

  /// Broken pictures in the order in which they were found, each once.
  const std::vector<SkippedPicture>& skipped() const noexcept { return skipped_; }

  /// How long next() has waited for threads (without threads: worked) in total.
  double seconds_waited() const {
    const std::scoped_lock lock(mutex_);
    return seconds_waited_;
  }

 private:
  struct Task {
    std::shared_ptr<detail::BatchSlot> slot;
    std::size_t item;
  };

  DataPosition following(DataPosition position) const noexcept {
    if (++position.batch < batches_per_epoch()) return position;
    return {position.epoch + 1, 0};
  }

  void start_threads() {
    try {
      for (std::size_t i = 0; i < options_.threads; ++i) {
        threads_.emplace_back([this] { run(); });
      }
    } catch (const std::system_error& error) {
      stop_threads();
      throw Error("the loader cannot start " + counted(options_.threads, "thread") + ": " +
                  error.what());
    }
  }

  void stop_threads() noexcept {
    {
      const std::scoped_lock lock(mutex_);
      stopping_ = true;
    }
    room_.notify_all();
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }

  /// The loop of a worker thread.
  void run() noexcept {
    try {
      std::unique_lock lock(mutex_);
      while (true) {
        std::optional<Task> task;
        room_.wait(lock, [&] { return stopping_ || (task = take()).has_value(); });
        if (stopping_) return;
        work_on(*task, lock);
      }
    } catch (...) {  // out of memory for another batch
      const std::scoped_lock lock(mutex_);
      failure_ = std::current_exception();
      ready_.notify_all();
    }
  }

  bool front_is_ready() const {
    return !slots_.empty() && slots_.front()->done == slots_.front()->count;
  }

  /// The next sample to prepare, if there is room for its batch. Called with the lock held.
  std::optional<Task> take() {
    while (slots_.empty() || slots_.back()->taken == slots_.back()->count) {
      if (slots_.size() == options_.prefetch) return std::nullopt;
      slots_.push_back(new_slot(cursor_));
      cursor_ = following(cursor_);
      if (slots_.back()->count == 0) ready_.notify_all();
    }
    return Task{slots_.back(), slots_.back()->taken++};
  }

  std::shared_ptr<detail::BatchSlot> new_slot(const DataPosition& position) {
    if (permutation_ == nullptr || permutation_epoch_ != position.epoch) {
      permutation_ =
          std::make_shared<const std::vector<std::size_t>>(order_.permutation(position.epoch));
      permutation_epoch_ = position.epoch;
    }
    auto slot = std::make_shared<detail::BatchSlot>();
    const auto [first, last] = order_.positions(position.batch);
    slot->order = permutation_;
    slot->first = first;
    slot->count = last - first;
    slot->batch.position = position;
    make_room(slot->batch, slot->count);
    slot->batch.pictures_per_sample = options_.sample.pictures_per_sample;
    slot->batch.for_each_list([&](auto& list) { list.resize(slot->count); });
    slot->shown.resize(slot->count);
    slot->skipped.resize(slot->count);
    slot->errors.resize(slot->count);
    return slot;
  }

  /// Memory for what samples show.
  void make_room(Batch& batch, std::size_t samples) const {
    const PreprocessConfig& config = options_.sample.preprocess;
    if (const FeatureSource* features = options_.sample.features.get()) {
      batch.features = {features->tokens(), features->width(), {}};
      batch.features.values.resize(samples * features->tokens() * features->width());
      return;
    }
    const std::size_t pictures = samples * options_.sample.pictures_per_sample;
    batch.pixels = {pictures, Image::channels, config.height, config.width, {}};
    batch.pixels.values.resize(pictures * Image::channels * config.height * config.width);
  }

  /// Prepares one sample; the lock is held before and after, but not during that.
  void work_on(const Task& task, std::unique_lock<std::mutex>& lock) {
    detail::BatchSlot& slot = *task.slot;
    std::optional<Sample> sample;
    std::exception_ptr error;
    lock.unlock();
    try {
      sample = make(slot, task.item);
      if (sample) copy_shown(*sample, slot, task.item);
    } catch (...) {
      error = std::current_exception();
    }
    lock.lock();
    slot.errors[task.item] = error;
    if (sample) {
      slot.shown[task.item] = true;
      slot.batch.captions[task.item] = std::move(sample->caption);
      slot.batch.names[task.item] = std::move(sample->name);
      slot.batch.labels[task.item] = sample->label;
      slot.batch.fields[task.item] = std::move(sample->fields);
      slot.batch.indices[task.item] = sample->index;
    }
    if (++slot.done == slot.count) ready_.notify_all();
  }

  /// The sample at an index of the batch. A broken one is replaced by the first intact one
  /// among those that begin one batch (of all ranks) further on: none of this batch is shown twice,
  /// and any number of ranks shows the same.
  std::optional<Sample> make(detail::BatchSlot& slot, std::size_t item) {
    const std::vector<std::size_t>& order = *slot.order;
    constexpr std::size_t max_attempts = 100;
    const std::size_t attempts =
        options_.replace_broken ? std::min(max_attempts, order.size() + 1) : 1;
    std::size_t place = slot.first + item;
    for (std::size_t attempt = 0; attempt < attempts; ++attempt) {
      const SampleKey key{options_.order.seed, slot.batch.position.epoch, order[place]};
      std::variant<Sample, SkippedPicture> read = reader_.read(key);
      if (Sample* sample = std::get_if<Sample>(&read)) return std::move(*sample);
      slot.skipped[item].push_back(std::get<SkippedPicture>(std::move(read)));
      const std::size_t step = attempt == 0 ? order_.global_batch_size() : 1;
      place = (place + step) % order.size();
    }
    if (!options_.replace_broken) return std::nullopt;
    const std::size_t tried = std::min(attempts, order.size());
    throw Error((tried == 1 ? "the only picture is broken: "
                            : counted(tried, "picture") + " in a row are broken, the last one: ") +
                slot.skipped[item].back().reason);
  }

  static void copy_shown(const Sample& sample, detail::BatchSlot& slot, std::size_t item) {
    const bool pixels = sample.features.empty();
    const std::vector<float>& values = pixels ? sample.pixels.values : sample.features;
    std::vector<float>& batch = pixels ? slot.batch.pixels.values : slot.batch.features.values;
    std::copy(values.begin(), values.end(),
              batch.begin() + static_cast<std::ptrdiff_t>(item * values.size()));
  }

  /// The batch of a slot that no thread is working on any more.
  Batch finish(detail::BatchSlot& slot) {
    for (std::vector<SkippedPicture>& skipped : slot.skipped) {
      for (SkippedPicture& picture : skipped) {
        if (skipped_indices_.insert(picture.index).second) skipped_.push_back(picture);
        slot.batch.skipped.push_back(std::move(picture));
      }
    }
    if (!options_.replace_broken) detail::close_holes(slot.batch, slot.shown);
    return std::move(slot.batch);
  }

  LoaderOptions options_;
  ShuffledOrder order_;
  SampleReader reader_;
  std::vector<SkippedPicture> skipped_;
  std::set<std::size_t> skipped_indices_;

  mutable std::mutex mutex_;
  std::condition_variable ready_;  // a batch is complete
  std::condition_variable room_;   // there may be work
  std::deque<std::shared_ptr<detail::BatchSlot>> slots_;
  DataPosition next_;    // what next() returns
  DataPosition cursor_;  // the first batch that has no slot yet
  std::shared_ptr<const std::vector<std::size_t>> permutation_;
  std::uint64_t permutation_epoch_ = 0;
  double seconds_waited_ = 0.0;
  std::exception_ptr failure_;  // what ended a thread
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace coca
