#pragma once
/// @file
/// NumPy's .npy files, as numpy.lib.format writes them: those of float32, and small ones of any
/// numbers.

#include <algorithm>
#include <array>
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

/// The content of a .npy file of any type of numbers, row-major.
struct NpyNumbers {
  Shape shape;
  std::vector<double> values;
};

namespace detail {

inline constexpr std::string_view npy_magic = "\x93NUMPY";

/// Reads the Python literal {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }, in which
/// the keys may come in any order.
class NpyHeaderParser {
 public:
  /// @param types accepted element types; the first is the one that messages expect
  NpyHeaderParser(const std::string& path, std::string_view text,
                  std::span<const std::string_view> types)
      : path_(path), text_(text), types_(types) {}

  /// The element type, once parse() has returned.
  std::string_view type() const noexcept { return type_; }

  /// @throws FileError if the header is not such a literal of a C-ordered array of such elements.
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
    if (!shape_ || type_.empty() || !c_order_) fail("lacks 'descr', 'fortran_order' or 'shape'");
    return *shape_;
  }

 private:
  void parse_value(std::string_view key) {
    if (key == "descr") {
      type_ = quoted();
      if (std::find(types_.begin(), types_.end(), type_) == types_.end())
        fail("gives the element type '" + std::string(type_.substr(0, 20)) + "' instead of '" +
             std::string(types_.front()) + "'");
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
  std::span<const std::string_view> types_;
  std::string_view type_;
  std::optional<Shape> shape_;
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

/// A type of numbers, and how one of them is read.
struct NpyElement {
  std::string_view type;
  std::size_t size;
  double (*read)(const std::byte*);
};

template <class T>
constexpr NpyElement npy_element(std::string_view type) {
  return {type, sizeof(T),
          [](const std::byte* at) { return static_cast<double>(load_unaligned<T>(at)); }};
}

inline constexpr std::array npy_elements{
    npy_element<float>("<f4"),         npy_element<double>("<f8"),
    npy_element<std::int8_t>("|i1"),   npy_element<std::int16_t>("<i2"),
    npy_element<std::int32_t>("<i4"),  npy_element<std::int64_t>("<i8"),
    npy_element<std::uint8_t>("|u1"),  npy_element<std::uint16_t>("<u2"),
    npy_element<std::uint32_t>("<u4"), npy_element<std::uint64_t>("<u8"),
    npy_element<std::uint8_t>("|b1")};

inline NpyArray parse_npy(const std::string& path, std::span<const std::byte> bytes) {
  const NpyParts parts = split_npy(path, bytes);
  constexpr std::array<std::string_view, 1> types{"<f4"};
  NpyArray array{NpyHeaderParser(path, parts.header, types).parse(), {}};
  const auto size = checked_byte_size(array.shape, DType::F32);
  if (!size || *size != parts.data.size())
    throw FileError(path, "an array of shape " + to_string(array.shape) + " does not fill the " +
                              counted(parts.data.size(), "byte") + " of data");
  array.values.resize(array.shape.size());
  if (*size > 0) std::memcpy(array.values.data(), parts.data.data(), *size);
  return array;
}

}  // namespace detail

/// Numbers of a .npy file in memory, such as the labels of a picture in CLIP_benchmark's shards.
/// @param path what messages call it
/// @throws FileError if it is damaged, or holds anything but booleans, integers and real numbers in
/// C order, little endian
inline NpyNumbers parse_npy_numbers(const std::string& path, std::span<const std::byte> bytes) {
  using detail::NpyElement;
  constexpr auto elements = detail::npy_elements;
  std::array<std::string_view, elements.size()> types{};
  std::transform(elements.begin(), elements.end(), types.begin(),
                 [](const NpyElement& element) { return element.type; });
  const detail::NpyParts parts = detail::split_npy(path, bytes);
  detail::NpyHeaderParser parser(path, parts.header, types);
  NpyNumbers numbers{parser.parse(), {}};
  const auto element =
      std::find_if(elements.begin(), elements.end(),
                   [&](const NpyElement& candidate) { return candidate.type == parser.type(); });
  if (parts.data.size() % element->size != 0 ||
      detail::checked_byte_size(numbers.shape, DType::U8) != parts.data.size() / element->size)
    throw FileError(path, "an array of shape " + to_string(numbers.shape) + " does not fill the " +
                              std::to_string(parts.data.size()) + " bytes of data");
  for (std::size_t at = 0; at < parts.data.size(); at += element->size)
    numbers.values.push_back(element->read(parts.data.data() + at));
  return numbers;
}

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
