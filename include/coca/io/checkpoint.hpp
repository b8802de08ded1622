#pragma once
/// @file
/// Named tensors in files, independent of the container: what every checkpoint reader produces.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "coca/core/dtype.hpp"
#include "coca/core/error.hpp"
#include "coca/core/shape.hpp"
#include "coca/core/weight_source.hpp"
#include "coca/io/mapped_file.hpp"

namespace coca {

/// Bytes that contain tensors: a mapped file, or memory (an inflated member of an archive).
class StoredBytes {
 public:
  explicit StoredBytes(MappedFile file) : content_(std::move(file)) {}
  explicit StoredBytes(std::vector<std::byte> memory) : content_(std::move(memory)) {}

  std::span<const std::byte> bytes() const noexcept {
    if (const auto* file = std::get_if<MappedFile>(&content_)) return file->bytes();
    return *std::get_if<std::vector<std::byte>>(&content_);
  }

  /// See MappedFile::release; has no effect on memory.
  void release(std::size_t offset, std::size_t size) const noexcept {
    if (const auto* file = std::get_if<MappedFile>(&content_)) file->release(offset, size);
  }

 private:
  std::variant<MappedFile, std::vector<std::byte>> content_;
};

/// Where one tensor is stored and how it is laid out.
struct StoredTensor {
  DType dtype = DType::F32;
  Shape shape;
  /// Distance of neighbours along each axis, in elements.
  std::array<std::size_t, Shape::max_rank> strides{};
  /// Of the first element, in bytes from the beginning of `bytes`.
  std::size_t offset = 0;
  std::shared_ptr<const StoredBytes> bytes;
};

/// Strides of a contiguous tensor in row-major order.
inline std::array<std::size_t, Shape::max_rank> contiguous_strides(const Shape& shape) {
  std::array<std::size_t, Shape::max_rank> strides{};
  std::size_t step = 1;
  for (std::size_t axis = shape.rank(); axis-- > 0; step *= shape[axis]) strides[axis] = step;
  return strides;
}

namespace detail {

/// a * b, or nothing if that overflows.
inline std::optional<std::size_t> checked_product(std::size_t a, std::size_t b) {
  std::size_t product = 0;
  if (__builtin_mul_overflow(a, b, &product)) return std::nullopt;
  return product;
}

inline std::optional<std::size_t> checked_sum(std::size_t a, std::size_t b) {
  std::size_t sum = 0;
  if (__builtin_add_overflow(a, b, &sum)) return std::nullopt;
  return sum;
}

/// Bytes that a contiguous tensor takes, or nothing if that overflows.
inline std::optional<std::size_t> checked_byte_size(const Shape& shape, DType dtype) {
  // A zero anywhere must not hide an overflow before it.
  std::size_t nonzero = size_of(dtype);
  bool empty = false;
  for (const std::size_t extent : shape) {
    if (extent == 0) empty = true;
    const auto product = checked_product(nonzero, extent == 0 ? 1 : extent);
    if (!product) return std::nullopt;
    nonzero = *product;
  }
  return empty ? 0 : nonzero;
}

/// Offset after the last byte that a tensor of at least one element touches, or nothing if that
/// overflows.
inline std::optional<std::size_t> checked_end(const StoredTensor& tensor) {
  std::size_t last = 0;
  for (std::size_t axis = 0; axis < tensor.shape.rank(); ++axis) {
    const auto reach = checked_product(tensor.shape[axis] - 1, tensor.strides[axis]);
    const auto sum = reach ? checked_sum(last, *reach) : std::nullopt;
    if (!sum) return std::nullopt;
    last = *sum;
  }
  const auto elements = checked_sum(last, 1);
  const auto size = elements ? checked_product(*elements, size_of(tensor.dtype)) : std::nullopt;
  return size ? checked_sum(tensor.offset, *size) : std::nullopt;
}

/// @param limit end of the bytes that the tensor may use
/// @throws FileError when the tensor reaches beyond them, or repeats them (which would let a small
/// file ask for any amount of memory).
inline void check_tensor_inside(const std::string& path, const std::string& name,
                                const StoredTensor& tensor, std::size_t limit) {
  const auto fail = [&](const std::string& what) {
    throw FileError(path, "tensor \"" + name + "\" of shape " + to_string(tensor.shape) + what);
  };
  const auto size = checked_byte_size(tensor.shape, tensor.dtype);
  if (!size) fail(" is larger than any memory");
  if (*size == 0) return;
  const auto end = checked_end(tensor);
  if (!end || *end > limit) fail(" reaches beyond the bytes that are stored for it");
  if (*size > *end - tensor.offset) fail(" has more elements than are stored for it");
}

template <class T>
T load_unaligned(const std::byte* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

/// Converts `count` elements that are `stride` elements apart.
template <class Stored, class Out>
void convert_elements(const std::byte* from, std::size_t stride, std::size_t count, Out* out) {
  if constexpr (std::is_same_v<Stored, Out>) {
    if (stride == 1) {
      std::memcpy(out, from, count * sizeof(Out));
      return;
    }
  }
  for (std::size_t i = 0; i < count; ++i)
    out[i] = static_cast<Out>(load_unaligned<Stored>(from + i * stride * sizeof(Stored)));
}

/// The signature of a reader of one element type.
template <class Out>
using ElementConverter = void (*)(const std::byte*, std::size_t, std::size_t, Out*);

inline ElementConverter<float> float_converter(DType dtype) {
  switch (dtype) {
    case DType::F64:
      return convert_elements<double, float>;
    case DType::F32:
      return convert_elements<float, float>;
    case DType::F16:
      return convert_elements<float16, float>;
    case DType::BF16:
      return convert_elements<bfloat16, float>;
    case DType::I64:
      return convert_elements<std::int64_t, float>;
    case DType::I32:
      return convert_elements<std::int32_t, float>;
    case DType::I16:
      return convert_elements<std::int16_t, float>;
    case DType::I8:
      return convert_elements<std::int8_t, float>;
    case DType::U8:
    case DType::BOOL:
      return convert_elements<std::uint8_t, float>;
  }
  return nullptr;
}

/// nullptr for types that are not integers.
inline ElementConverter<std::int64_t> integer_converter(DType dtype) {
  switch (dtype) {
    case DType::I64:
      return convert_elements<std::int64_t, std::int64_t>;
    case DType::I32:
      return convert_elements<std::int32_t, std::int64_t>;
    case DType::I16:
      return convert_elements<std::int16_t, std::int64_t>;
    case DType::I8:
      return convert_elements<std::int8_t, std::int64_t>;
    case DType::U8:
    case DType::BOOL:
      return convert_elements<std::uint8_t, std::int64_t>;
    default:
      return nullptr;
  }
}

/// The innermost axes that are laid out in the file as in `out`, folded into one run.
struct InnerRun {
  std::size_t axes = 0;      ///< axes before the run
  std::size_t elements = 1;  ///< elements of the run
  std::size_t stride = 1;    ///< their distance
};

inline InnerRun inner_run(const StoredTensor& tensor, std::size_t first_axis) {
  InnerRun run{tensor.shape.rank()};
  if (run.axes <= first_axis) return run;
  --run.axes;
  run.elements = tensor.shape[run.axes];
  run.stride = tensor.strides[run.axes];
  while (run.axes > first_axis && tensor.strides[run.axes - 1] == run.elements * run.stride)
    run.elements *= tensor.shape[--run.axes];
  return run;
}

/// Copies the part of a tensor inside `axis` that starts at `from`; returns the end of the output.
template <class Out>
Out* copy_strided(const StoredTensor& tensor, std::size_t axis, const InnerRun& run,
                  const std::byte* from, ElementConverter<Out> convert, Out* out) {
  if (axis >= run.axes) {
    convert(from, run.stride, run.elements, out);
    return out + run.elements;
  }
  const std::size_t step = tensor.strides[axis] * size_of(tensor.dtype);
  for (std::size_t i = 0; i < tensor.shape[axis]; ++i)
    out = copy_strided(tensor, axis + 1, run, from + i * step, convert, out);
  return out;
}

/// Reads rows (see WeightSource) and releases the pages that they were read from.
template <class Out>
void read_rows(const StoredTensor& tensor, std::size_t first, std::size_t count,
               ElementConverter<Out> convert, Out* out) {
  if (tensor.shape.size() == 0 || count == 0) return;
  const std::byte* data = tensor.bytes->bytes().data();
  StoredTensor part = tensor;
  if (tensor.shape.rank() >= 2) {
    part.offset += first * tensor.strides[0] * size_of(tensor.dtype);
    part.shape = Shape{count};
    for (std::size_t axis = 1; axis < tensor.shape.rank(); ++axis)
      part.shape.push_back(tensor.shape[axis]);
  }
  copy_strided(part, 0, inner_run(part, 0), data + part.offset, convert, out);
  tensor.bytes->release(part.offset, *checked_end(part) - part.offset);
}

}  // namespace detail

/// Metadata that a training checkpoint has and a model does not; see
/// training_checkpoint.hpp.
inline constexpr const char* training_record_key = "coca_training";

/// The tensors of one checkpoint, in one file or several. Copies share everything and are cheap;
/// all members may be called by several threads at once.
class Checkpoint {
 public:
  using Tensors = std::map<std::string, StoredTensor, std::less<>>;
  using Metadata = std::map<std::string, std::string>;

  /// @param path where the tensors come from, named in messages
  /// @throws FileError when a tensor does not lie inside its bytes.
  Checkpoint(std::string path, Tensors tensors, Metadata metadata = {})
      : contents_(std::make_shared<const Contents>(
            Contents{std::move(path), std::move(tensors), std::move(metadata)})) {
    for (const auto& [name, tensor] : contents_->tensors)
      detail::check_tensor_inside(contents_->path, name, tensor, tensor.bytes->bytes().size());
  }

  const std::string& path() const noexcept { return contents_->path; }
  /// Strings that the file stores in addition to the tensors (`__metadata__` of safetensors).
  const Metadata& metadata() const noexcept { return contents_->metadata; }
  std::size_t size() const noexcept { return contents_->tensors.size(); }

  /// All names, sorted.
  std::vector<std::string> names() const {
    std::vector<std::string> names;
    names.reserve(size());
    for (const auto& entry : contents_->tensors) names.push_back(entry.first);
    return names;
  }

  bool contains(std::string_view name) const {
    return contents_->tensors.find(name) != contents_->tensors.end();
  }

  /// @throws FileError if there is no tensor with that name.
  const StoredTensor& tensor(std::string_view name) const {
    const auto found = contents_->tensors.find(name);
    if (found == contents_->tensors.end())
      throw FileError(path(), "holds no tensor \"" + std::string(name) + "\"");
    return found->second;
  }

  /// The tensor as float, a few rows at a time; outlives this object. The pages read
  /// leave the resident set, so that only what the caller keeps stays in memory.
  /// @throws FileError if there is no tensor with that name; reading rows that do not exist throws
  /// ArgumentError.
  WeightSource source(std::string_view name) const {
    WeightSource source;
    source.shape = tensor(name).shape;
    source.read = [stored = tensor(name), rows = source.rows(), label = std::string(name)](
                      std::size_t first, std::size_t count, float* out) {
      if (first > rows || count > rows - first)
        throw ArgumentError("rows " + std::to_string(first) + " to " +
                            std::to_string(first + count) + " of tensor \"" + label +
                            "\" were requested, which has " + std::to_string(rows));
      detail::read_rows(stored, first, count, detail::float_converter(stored.dtype), out);
    };
    return source;
  }

  /// The whole tensor as float, row-major. @throws FileError if there is none with that name.
  std::vector<float> read_floats(std::string_view name) const {
    const WeightSource from = source(name);
    std::vector<float> values(from.shape.size());
    from.read(0, from.rows(), values.data());
    return values;
  }

  /// The whole tensor as integers, row-major.
  /// @throws FileError if there is none with that name, or it contains floating-point numbers.
  std::vector<std::int64_t> read_int64(std::string_view name) const {
    const StoredTensor& stored = tensor(name);
    const auto convert = detail::integer_converter(stored.dtype);
    if (convert == nullptr)
      throw FileError(path(), "tensor \"" + std::string(name) + "\" holds " +
                                  to_string(stored.dtype) + ", expected integers");
    std::vector<std::int64_t> values(stored.shape.size());
    const std::size_t rows = stored.shape.rank() < 2 ? 1 : stored.shape[0];
    detail::read_rows(stored, 0, rows, convert, values.data());
    return values;
  }

  /// The same tensors under other names.
  /// @param new_name returns each name's replacement, or nothing to leave the tensor out
  /// @throws FileError when two tensors would get the same name.
  Checkpoint renamed(
      const std::function<std::optional<std::string>(const std::string&)>& new_name) const {
    Tensors tensors;
    for (const auto& [name, tensor] : contents_->tensors) {
      const std::optional<std::string> chosen = new_name(name);
      if (!chosen) continue;
      if (!tensors.emplace(*chosen, tensor).second)
        throw FileError(path(), "two tensors would be called \"" + *chosen + "\" once \"" + name +
                                    "\" is renamed");
    }
    return Checkpoint(path(), std::move(tensors), metadata());
  }

  /// Names that begin with the prefix lose it; the others stay.
  /// @throws FileError when two tensors would get the same name.
  Checkpoint with_prefix_removed(std::string_view prefix) const {
    return renamed([prefix](const std::string& name) -> std::optional<std::string> {
      return name.starts_with(prefix) ? name.substr(prefix.size()) : name;
    });
  }

 private:
  struct Contents {
    std::string path;
    Tensors tensors;
    Metadata metadata;
  };
  std::shared_ptr<const Contents> contents_;
};

/// @throws FileError for a training checkpoint: in addition to a model, it contains the optimizer's
/// tensors and averages under separate names.
inline void expect_model_weights(const Checkpoint& checkpoint) {
  if (checkpoint.metadata().count(training_record_key) == 0) return;
  throw FileError(checkpoint.path(),
                  "is a training checkpoint (for train --resume); its model is "
                  "open_clip_model.safetensors in the same folder");
}

}  // namespace coca
