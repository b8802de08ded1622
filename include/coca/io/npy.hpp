#pragma once
/// @file
/// NumPy's .npy files of float32, as numpy.lib.format writes them.

#include <cctype>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "coca/core/counted.hpp"
#include "coca/core/dtype.hpp"
#include "coca/core/error.hpp"
#include "coca/core/shape.hpp"
#include "coca/io/atomic_file.hpp"
#include "coca/io/checkpoint.hpp"
#include "coca/io/mapped_file.hpp"

namespace coca {

/// The content of a .npy file, row-major.
struct NpyArray {
  Shape shape;
  std::vector<float> values;
};

namespace detail {

inline constexpr std::string_view npy_magic = "\x93NUMPY";

/// Reads the Python literal {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }, in which
/// the keys may come in any order.
class NpyHeaderParser {
 public:
  NpyHeaderParser(const std::string& path, std::string_view text) : path_(path), text_(text) {}

  /// @throws FileError if the header is not such a literal of a C-ordered float32 array.
  Shape parse() {
    expect('{');
    while (!accept('}')) {
      const std::string_view key = quoted();
      expect(':');
      parse_value(key);
      if (accept(',')) continue;
      expect('}');
      break;
    }
    skip_space();
    if (!text_.empty()) fail("has something after its closing brace");
    if (!shape_ || !float32_ || !c_order_) fail("lacks 'descr', 'fortran_order' or 'shape'");
    return *shape_;
  }

 private:
  void parse_value(std::string_view key) {
    if (key == "descr") {
      const std::string_view type = quoted();
      if (type != "<f4")
        fail("gives the element type '" + std::string(type.substr(0, 20)) + "' instead of '<f4'");
      float32_ = true;
    } else if (key == "fortran_order") {
      if (!accept_word("False")) fail("does not say 'fortran_order': False");
      c_order_ = true;
    } else if (key == "shape") {
      shape_ = parse_shape();
    } else {
      fail("has an unknown key");
    }
  }

  Shape parse_shape() {
    Shape shape;
    expect('(');
    while (!accept(')')) {
      if (shape.rank() == Shape::max_rank) fail("has too many dimensions");
      shape.push_back(number());
      if (accept(',')) continue;
      expect(')');
      break;
    }
    return shape;
  }

  std::size_t number() {
    skip_space();
    std::optional<std::size_t> value;
    while (!text_.empty() && std::isdigit(static_cast<unsigned char>(text_.front())) != 0) {
      const auto digit = static_cast<std::size_t>(text_.front() - '0');
      const auto tenfold = checked_product(value.value_or(0), 10);
      value = tenfold ? checked_sum(*tenfold, digit) : std::nullopt;
      if (!value) fail("has a dimension that is too large");
      text_.remove_prefix(1);
    }
    if (!value) fail("has a shape that is not made of numbers");
    return *value;
  }

  std::string_view quoted() {
    skip_space();
    if (text_.empty() || (text_[0] != '\'' && text_[0] != '"')) fail("is not a Python dictionary");
    const std::size_t end = text_.find(text_[0], 1);
    if (end == std::string_view::npos) fail("has an open string");
    const std::string_view inside = text_.substr(1, end - 1);
    text_.remove_prefix(end + 1);
    return inside;
  }

  bool accept_word(std::string_view word) {
    skip_space();
    if (!text_.starts_with(word)) return false;
    text_.remove_prefix(word.size());
    return true;
  }
  bool accept(char c) { return accept_word({&c, 1}); }
  void expect(char c) {
    if (!accept(c)) fail(std::string("lacks a '") + c + "'");
  }
  void skip_space() {
    while (!text_.empty() && std::isspace(static_cast<unsigned char>(text_.front())) != 0)
      text_.remove_prefix(1);
  }
  [[noreturn]] void fail(const std::string& what) const {
    throw FileError(path_, "the .npy header " + what);
  }

  const std::string& path_;
  std::string_view text_;
  std::optional<Shape> shape_;
  bool float32_ = false;
  bool c_order_ = false;
};

inline std::string make_npy_header(const Shape& shape) {
  std::string text = "{'descr': '<f4', 'fortran_order': False, 'shape': (";
  for (const std::size_t extent : shape) text += std::to_string(extent) + ", ";
  if (shape.rank() > 1) text.resize(text.size() - 2);  // (3,) keeps its comma, (3, 4) has none
  if (shape.rank() == 1) text.pop_back();
  text += "), }";
  constexpr std::size_t prefix = 10;
  constexpr std::size_t alignment = 64;
  const std::size_t unpadded = prefix + text.size() + 1;
  text.append((alignment - unpadded % alignment) % alignment, ' ');
  return text + '\n';
}

/// Bytes of a .npy file, split into its parts.
struct NpyParts {
  std::string_view header;
  std::span<const std::byte> data;
};

inline NpyParts split_npy(const std::string& path, std::span<const std::byte> bytes) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (!text.starts_with(npy_magic)) throw FileError(path, "is not a .npy file");
  if (bytes.size() < 10) throw FileError(path, "is truncated inside its .npy header");
  const auto version = static_cast<int>(bytes[6]);
  if (version < 1 || version > 3)
    throw FileError(
        path, "has version " + std::to_string(version) + " of the .npy format, 1 to 3 are known");
  const std::size_t prefix = version == 1 ? 10 : 12;
  if (bytes.size() < prefix) throw FileError(path, "is truncated inside its .npy header");
  const std::size_t length = version == 1 ? load_unaligned<std::uint16_t>(bytes.data() + 8)
                                          : load_unaligned<std::uint32_t>(bytes.data() + 8);
  if (length > bytes.size() - prefix) throw FileError(path, "is truncated inside its .npy header");
  return {text.substr(prefix, length), bytes.subspan(prefix + length)};
}

inline NpyArray parse_npy(const std::string& path, std::span<const std::byte> bytes) {
  const NpyParts parts = split_npy(path, bytes);
  NpyArray array{NpyHeaderParser(path, parts.header).parse(), {}};
  const auto size = checked_byte_size(array.shape, DType::F32);
  if (!size || *size != parts.data.size())
    throw FileError(path, "an array of shape " + to_string(array.shape) + " does not fill the " +
                              counted(parts.data.size(), "byte") + " of data");
  array.values.resize(array.shape.size());
  if (*size > 0) std::memcpy(array.values.data(), parts.data.data(), *size);
  return array;
}

}  // namespace detail

/// Writes a version 1.0 file: float32, little endian, C order.
/// @param values row-major, shape.size() of them, such as [pictures, width]
/// @throws ArgumentError if the number of values does not match the shape. @throws FileError if the
/// file cannot be written.
inline void write_npy(const std::string& path, std::span<const float> values, const Shape& shape) {
  if (values.size() != shape.size())
    throw ArgumentError("an array of shape " + to_string(shape) + " cannot be written from " +
                        counted(values.size(), "value"));
  const std::string header = detail::make_npy_header(shape);
  const auto length = static_cast<std::uint16_t>(header.size());
  AtomicFile file(path);
  file.write(detail::npy_magic);
  file.write(std::string_view("\x01\x00", 2));
  file.write(&length, sizeof length);
  file.write(header);
  file.write(values.data(), values.size_bytes());
  file.commit();
}

/// Reads a float32 file in C order. @throws FileError if it is missing, damaged or anything else.
inline NpyArray read_npy(const std::string& path) {
  const MappedFile file(path);
  return detail::parse_npy(path, file.bytes());
}

}  // namespace coca
