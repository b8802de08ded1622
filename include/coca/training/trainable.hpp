#pragma once
/// @file
/// The parameters of a model, laid out for an optimizer: one array of all values, one of
/// all gradients.

#include <cstddef>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "coca/autograd/context.hpp"
#include "coca/models/initialize.hpp"

namespace coca {

/// A parameter's position among the values and gradients.
struct TrainableEntry {
  std::string path;
  Shape shape;
  std::size_t offset = 0;  ///< elements before it
  ParameterRole role = ParameterRole::weight;
  std::size_t depth = 0;  ///< below the output of its tower, see ParameterPath

  std::size_t size() const { return shape.size(); }
};

/// Binds the parameters of a model. The model must live as long, and must have weights (loaded or
/// initialised). Frozen parameters are bound too, so that gradients pass through them to those
/// before them, but they have no gradient themselves.
template <class Model>
class Trainable {
 public:
  using B = typename Model::backend_type;
  using Values = Tensor<typename B::value_type, typename B::memory_type>;

  /// @param is_trained whether the parameter with a path is trained; nothing: all are
  explicit Trainable(Model& model, const std::function<bool(const std::string&)>& is_trained = {})
      : backend_(model.backend()) {
    std::size_t size = 0, frozen_size = 0;
    for_each_parameter(model, [&](const auto& parameter) {
      const bool trained = !is_trained || is_trained(parameter.path());
      std::size_t& offset = trained ? size : frozen_size;
      (trained ? entries_ : frozen_entries_)
          .push_back(
              {parameter.path(), parameter.shape(), offset, parameter.role(), parameter.depth()});
      offset += padded(parameter.shape().size());
    });
    values_ = zeros(size);
    frozen_ = zeros(frozen_size);
    std::size_t next = 0, next_frozen = 0;
    for_each_parameter(model, [&](auto& parameter) {
      const bool trained = next < entries_.size() && entries_[next].path == parameter.path();
      parameter.bind(backend_, trained ? view(values_, entries_[next++])
                                       : view(frozen_, frozen_entries_[next_frozen++]));
    });
    gradients_ = zeros(size);  // last: the parameters' previous memory is free by now
    std::vector<UnwrittenParts::Part> parts;
    for (const TrainableEntry& entry : entries_) parts.push_back({entry.offset, entry.size()});
    unwritten_ = UnwrittenParts(std::move(parts));
  }

  /// The trained parameters, in the order of the model's walk.
  const std::vector<TrainableEntry>& entries() const noexcept { return entries_; }
  /// The frozen ones.
  const std::vector<TrainableEntry>& frozen_entries() const noexcept { return frozen_entries_; }

  /// All values, [n]; padding between parameters is and stays zero.
  const Values& values() const noexcept { return values_; }
  const Values& gradients() const noexcept { return gradients_; }
  Values value(std::size_t entry) const { return view(values_, entries_[entry]); }
  Values gradient(std::size_t entry) const { return view(gradients_, entries_[entry]); }

  /// An entry of an array laid out as values() is.
  static Values view(const Values& all, const TrainableEntry& entry) {
    return Values(all.buffer(), entry.shape, all.offset() + entry.offset);
  }

  void zero_gradients() const {
    backend_.run(ops::On<B, ops::Fill>{.output = ops::Out(gradients_)});
    unwritten_.mark_written();
  }

  /// The same without touching them: the first write of a parameter's gradient assigns. What
  /// nothing writes is left to settle_gradients(), before which gradients() must not be read.
  void forget_gradients() const { unwritten_.forget(); }

  /// Zeroes the gradients of entries [first, last) that were not written since
  /// forget_gradients().
  void settle_gradients(std::size_t first, std::size_t last) const {
    if (first == last) return;
    const std::size_t begin = entries_[first].offset;
    const std::size_t end = entries_[last - 1].offset + entries_[last - 1].size();
    unwritten_.settle(begin, end - begin, [this](std::size_t offset, std::size_t size) {
      backend_.run(ops::On<B, ops::Fill>{.output = ops::Out(gradients_.slice(offset, size))});
    });
  }
  void settle_gradients() const { settle_gradients(0, entries_.size()); }

  /// Lets a tape follow the parameters.
  void watch(Tape<B>& tape) const {
    if (!entries_.empty()) tape.watch(values_, gradients_, &unwritten_);
  }

 private:
  // Whole cache lines, so that kernels find parameters aligned.
  static std::size_t padded(std::size_t size) { return (size + 15) / 16 * 16; }

  Values zeros(std::size_t size) const {
    Values values = backend_.template allocate<typename B::value_type>(Shape{size});
    if (size != 0) backend_.run(ops::On<B, ops::Fill>{.output = ops::Out(values)});
    return values;
  }

  B backend_;
  std::vector<TrainableEntry> entries_, frozen_entries_;
  Values values_, gradients_, frozen_;
  mutable UnwrittenParts unwritten_;  // state of the gradients' memory, which is not const either
};

}  // namespace coca
