#pragma once
/// @file
/// The weights of a model. Each parameter knows its path (OpenCLIP's state-dict key), its stored
/// shape and its initial value; loading, saving, initialising and counting are one walk over all of
/// them (`for_each_parameter`).

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "coca/autograd/context.hpp"
#include "coca/backend/differentiable.hpp"
#include "coca/core/error.hpp"
#include "coca/core/random.hpp"
#include "coca/core/weight_source.hpp"

namespace coca {

/// The initial value of a parameter: a constant, or normal numbers with mean 0.
struct Initializer {
  enum class Kind : std::uint8_t { constant, normal };
  Kind kind = Kind::constant;
  float value = 0;  ///< the constant, or the standard deviation

  static constexpr Initializer constant(float value) { return {Kind::constant, value}; }
  static constexpr Initializer normal(float deviation) { return {Kind::normal, deviation}; }
};

/// The role of a parameter in its layer, from which optimizers decide whether it decays.
enum class ParameterRole : std::uint8_t {
  weight,     ///< multiplied with activations
  bias,       ///< added to activations
  norm,       ///< weight or bias of a norm
  position,   ///< of a token in its sequence or picture
  embedding,  ///< a lookup table, by word or number
  query,      ///< a learnt token that gathers others: class tokens, queries of poolers
  scale,      ///< a factor: layer scale, temperature
};

/// Where a parameter is: its name in files, and its depth below the output of its tower. Layers
/// extend their own path for their parameters.
class ParameterPath {
 public:
  /// Not explicit: a text is a path of what comes after all blocks of its tower.
  /// @param depth layers of its tower from it on to the last block, itself included: of n blocks
  /// the
  ///        last has 1, the first n, embeddings before them n + 1, and what comes after them 0
  ParameterPath(std::string name, std::size_t depth = 0) : name_(std::move(name)), depth_(depth) {}
  ParameterPath(const char* name) : name_(name) {}

  const std::string& name() const noexcept { return name_; }
  std::size_t depth() const noexcept { return depth_; }

  /// A part of the same layer.
  friend ParameterPath operator+(const ParameterPath& path, const std::string& suffix) {
    return {path.name_ + suffix, path.depth_};
  }

 private:
  std::string name_;
  std::size_t depth_ = 0;
};

namespace detail {

/// Copies a stored weight into a tensor of the same shape, a few rows at a time.
/// @throws ShapeError for another shape.
template <Backend B>
void fill_storage(const B& backend, const WeightSource& source, const Array<B>& storage) {
  expect_shape(storage, source.shape, "storage of a parameter");
  const std::size_t rows = source.rows(), width = source.row_size();
  const Array<B> all = storage.reshaped({rows, width});
  const std::size_t at_once =
      std::max<std::size_t>(1, (std::size_t{1} << 20) / std::max<std::size_t>(width, 1));
  std::vector<float> floats(std::min(rows, at_once) * width);
  std::vector<typename B::value_type> values(floats.size());
  for (std::size_t first = 0; first < rows; first += at_once) {
    const std::size_t count = std::min(at_once, rows - first);
    source.read(first, count, floats.data());
    std::transform(floats.begin(), floats.begin() + static_cast<std::ptrdiff_t>(count * width),
                   values.begin(), [](float x) { return static_cast<typename B::value_type>(x); });
    Array<B> part = all.slice(first, count);
    backend.copy_in(std::span<const typename B::value_type>(values.data(), count * width), part);
  }
}

}  // namespace detail

/// What all parameters have: a path, the shape in files, an initial value, a role.
class ParameterBase {
 public:
  ParameterBase(ParameterPath path, Shape shape, Initializer initializer,
                ParameterRole role = ParameterRole::weight)
      : path_(std::move(path)), shape_(shape), initializer_(initializer), role_(role) {}

  /// OpenCLIP's state-dict key, for example "visual.ln_pre.weight".
  const std::string& path() const noexcept { return path_.name(); }
  /// How deep it is below the output of its tower, see ParameterPath.
  std::size_t depth() const noexcept { return path_.depth(); }
  ParameterRole role() const noexcept { return role_; }
  /// Shape as files store it.
  const Shape& shape() const noexcept { return shape_; }
  const Initializer& initializer() const noexcept { return initializer_; }
  /// Sets the initial value used by the next `initialize`.
  void set_initializer(Initializer initializer) noexcept { initializer_ = initializer; }

  /// Whether weights of that shape can be loaded: the same shape, or one number for one number
  /// (`logit_scale` is [] in some checkpoints and [1] in others).
  bool fits(const Shape& stored) const noexcept {
    return stored == shape_ || (stored.size() == 1 && shape_.size() == 1);
  }

 protected:
  /// @throws ShapeError for weights of another shape.
  void expect(const WeightSource& source) const {
    if (!fits(source.shape))
      throw ShapeError(path() + ": got " + to_string(source.shape) + ", expected " +
                       to_string(shape_));
  }

  /// @throws Error for a parameter that was neither loaded nor initialised.
  void expect_loaded(bool loaded) const {
    if (!loaded)
      throw Error(path() +
                  " has no value yet: load a checkpoint into the model, or call initialize");
  }

 private:
  ParameterPath path_;
  Shape shape_;
  Initializer initializer_;
  ParameterRole role_;
};

/// A bias, a norm's weight, a class token, positions: anything kept in the type of the activations.
template <Backend B>
class ArrayParameter : public ParameterBase {
 public:
  using ParameterBase::ParameterBase;

  /// @throws Error if nothing was loaded.
  const Array<B>& value() const {
    expect_loaded(static_cast<bool>(value_));
    return value_;
  }

  /// Loads the value. @throws ShapeError for another shape.
  void load(const B& backend, const WeightSource& source) {
    expect(source);
    std::vector<float> floats(shape().size());
    source.read(0, source.rows(), floats.data());
    const std::vector<typename B::value_type> values(floats.begin(), floats.end());
    if (!bound_) value_ = backend.template allocate<typename B::value_type>(shape());
    backend.copy_in(std::span<const typename B::value_type>(values), value_);
  }

  /// Moves the value into `storage`, where an optimizer may change it; later loads write there too.
  /// @throws ShapeError for storage of another shape, Error if nothing was loaded.
  void bind(const B& backend, const Array<B>& storage) {
    detail::fill_storage(backend, store(backend), storage);
    value_ = storage;
    bound_ = true;
  }

  /// The value as floats, rows at a time; valid as long as this parameter.
  WeightSource store(const B& backend) const {
    return {shape(), [this, backend](std::size_t first, std::size_t count, float* out) {
              std::vector<typename B::value_type> values(value().size());
              backend.copy_out(value(), std::span<typename B::value_type>(values));
              const std::size_t row =
                  shape().rank() < 2 ? values.size() : values.size() / shape()[0];
              for (std::size_t i = 0; i < count * row; ++i)
                out[i] = static_cast<float>(values[first * row + i]);
            }};
  }

 private:
  Array<B> value_;
  bool bound_ = false;
};

/// An embedding table [vocabulary, width], kept in the type of the weights.
template <Backend B>
class TableParameter : public ParameterBase {
 public:
  using Table = Tensor<typename B::weight_type, typename B::memory_type>;
  using ParameterBase::ParameterBase;

  /// @throws Error if nothing was loaded.
  const Table& value() const {
    expect_loaded(static_cast<bool>(value_));
    return value_;
  }

  /// Loads the value, a few rows at a time. @throws ShapeError for another shape.
  void load(const B& backend, const WeightSource& source) {
    expect(source);
    if (!bound_) value_ = backend.template allocate<typename B::weight_type>(shape());
    constexpr std::size_t chunk = 256;
    const std::size_t width = source.row_size();
    std::vector<float> floats(chunk * width);
    std::vector<typename B::weight_type> values(chunk * width);
    for (std::size_t first = 0; first < source.rows(); first += chunk) {
      const std::size_t count = std::min(chunk, source.rows() - first);
      source.read(first, count, floats.data());
      for (std::size_t i = 0; i < count * width; ++i)
        values[i] = static_cast<typename B::weight_type>(floats[i]);
      Table rows = value_.slice(first, count);
      backend.copy_in(std::span<const typename B::weight_type>(values.data(), count * width), rows);
    }
  }

  /// The value as floats, rows at a time; valid as long as this parameter.
  WeightSource store(const B& backend) const {
    return {shape(), [this, backend](std::size_t first, std::size_t count, float* out) {
              const Table rows = value().slice(first, count);
              std::vector<typename B::weight_type> values(rows.size());
              backend.copy_out(rows, std::span<typename B::weight_type>(values));
              for (std::size_t i = 0; i < values.size(); ++i)
                out[i] = static_cast<float>(values[i]);
            }};
  }

  /// Moves the value into `storage`, where an optimizer may change it; later loads write there too.
  /// @throws ShapeError for storage of another shape, Error if nothing was loaded.
  void bind(const B& backend, const Array<B>& storage) requires DifferentiableBackend<B> {
    detail::fill_storage(backend, store(backend), storage);
    value_ = storage;
    bound_ = true;
  }

 private:
  Table value_;
  bool bound_ = false;
};

/// A matrix that activations are multiplied with, packed in its backend's layout. One stored weight
/// may be used as several matrices, one below the other (`in_proj_weight` as query, and key and
/// value), and may be stored transposed (`text_projection`, used as x W).
template <Backend B>
class MatrixParameter : public ParameterBase {
 public:
  /// How a stored weight is used.
  struct Layout {
    std::vector<std::size_t> parts{};  ///< rows of each matrix; empty: all in one
    bool transposed = false;           ///< stored as [in, out]
    MatrixUse use = MatrixUse::many_rows;
  };

  MatrixParameter(ParameterPath path, Shape shape, Initializer initializer, Layout layout = {})
      : ParameterBase(std::move(path), shape, initializer), layout_(std::move(layout)) {
    if (layout_.parts.empty()) layout_.parts = {this->shape()[0]};
  }

  /// Matrix number `part`, [out, in]. @throws Error if nothing was loaded.
  const typename B::Matrix& value(std::size_t part = 0) const {
    expect_loaded(part < matrices_.size());
    return matrices_[part];
  }

  /// Packs the weight. @throws ShapeError for another shape.
  void load(const B& backend, const WeightSource& source) {
    expect(source);
    if constexpr (DifferentiableBackend<B>)
      if (bound_) return detail::fill_storage(backend, source, storage_);
    matrices_.clear();
    std::size_t first = 0;
    for (const std::size_t rows : layout_.parts) {
      matrices_.push_back(backend.pack(source, {.first_row = first,
                                                .rows = rows,
                                                .transposed = layout_.transposed,
                                                .use = layout_.use}));
      first += rows;
    }
  }

  /// Moves the value, as it is stored in files, into `storage`, where an optimizer may change it;
  /// products read it there from now on, and later loads write there too.
  /// @throws ShapeError for storage of another shape, Error if nothing was loaded.
  void bind(const B& backend, const Array<B>& storage) requires DifferentiableBackend<B> {
    detail::fill_storage(backend, store(backend), storage);
    const std::size_t rows = shape()[0];
    const Array<B> matrix = storage.reshaped({rows, shape().size() / rows});
    matrices_.clear();
    std::size_t first = 0;
    for (const std::size_t part : layout_.parts) {
      matrices_.push_back(backend.view(matrix.slice(first, part), layout_.transposed));
      first += part;
    }
    storage_ = storage;
    bound_ = true;
  }

  /// The value as floats as it was stored, rows at a time; valid as long as this parameter.
  WeightSource store(const B& backend) const {
    if (layout_.transposed) return store_transposed(backend);
    return {shape(), [this, backend](std::size_t first, std::size_t count, float* out) {
              const std::size_t in = value().in_features();
              std::size_t part_first = 0;
              for (std::size_t part = 0; part < layout_.parts.size(); ++part) {
                const std::size_t part_rows = layout_.parts[part];
                const std::size_t begin = std::max(first, part_first);
                const std::size_t end = std::min(first + count, part_first + part_rows);
                if (begin < end)
                  backend.unpack(value(part), begin - part_first, end - begin,
                                 out + (begin - first) * in);
                part_first += part_rows;
              }
            }};
  }

 private:
  WeightSource store_transposed(const B& backend) const {
    const std::size_t out_features = value().out_features(), in = value().in_features();
    auto all = std::make_shared<std::vector<float>>(out_features * in);
    backend.unpack(value(), 0, out_features, all->data());
    return {shape(), [all, out_features, in](std::size_t first, std::size_t count, float* out) {
              for (std::size_t i = first; i < first + count; ++i)
                for (std::size_t o = 0; o < out_features; ++o) *out++ = (*all)[o * in + i];
            }};
  }

  Layout layout_;
  std::vector<typename B::Matrix> matrices_;
  Array<B> storage_;  // of a bound parameter
  bool bound_ = false;
};

namespace detail {

template <class Member, class Visitor>
void visit_member(Member& member, Visitor& visit) {
  if constexpr (std::is_base_of_v<ParameterBase, Member>) {
    visit(member);
  } else if constexpr (requires { member.has_value(); }) {
    if (member) visit_member(*member, visit);
  } else if constexpr (requires { member.begin(); }) {
    for (auto& each : member) visit_member(each, visit);
  } else if constexpr (requires { member.valueless_by_exception(); }) {
    std::visit([&visit](auto& held) { visit_member(held, visit); }, member);
  } else {
    std::remove_const_t<Member>::for_each_parameter(member, visit);
  }
}

}  // namespace detail

/// Calls visit(parameter) for each parameter of the members, in their order: of parameters, of
/// whatever has a for_each_parameter, and of optional, variant or many such members.
template <class Visitor, class... Members>
void visit_parameters(Visitor&& visit, Members&... members) {
  (detail::visit_member(members, visit), ...);
}

/// Random (or constant) numbers for a parameter: element i of a tensor is a function of (seed,
/// path, i).
inline WeightSource initial_values(const ParameterBase& parameter, std::uint64_t seed) {
  const Initializer initializer = parameter.initializer();
  const std::uint64_t stream = stream_of(parameter.path());
  WeightSource source{parameter.shape(), {}};
  const std::size_t row = source.row_size();
  source.read = [=](std::size_t first, std::size_t count, float* out) {
    const std::size_t end = (first + count) * row;
    std::array<float, 4> normals{};
    std::size_t group = static_cast<std::size_t>(-1);  // elements from 4 * group are in normals
    for (std::size_t i = first * row; i < end; ++i) {
      if (initializer.kind == Initializer::Kind::normal && i / 4 != group) {
        group = i / 4;
        const auto words = philox(seed, stream, group);
        const auto low = to_normal(words[0], words[1]), high = to_normal(words[2], words[3]);
        normals = {low[0], low[1], high[0], high[1]};
      }
      *out++ = initializer.kind == Initializer::Kind::constant ? initializer.value
                                                               : initializer.value * normals[i % 4];
    }
  };
  return source;
}

}  // namespace coca
