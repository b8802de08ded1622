#pragma once
// Pillow's results for the test pictures: 8-bit and float arrays of a safetensors file, and how far
// ours are from them.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "coca/image/image.hpp"

inline const std::string picture_folder = COCA_TEST_DATA "/image/";

class ExpectedArrays {
 public:
  explicit ExpectedArrays(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    bytes_.assign(std::istreambuf_iterator<char>(file), {});
    if (bytes_.size() < 8) throw std::runtime_error(path + " cannot be read");
    std::uint64_t length = 0;
    std::memcpy(&length, bytes_.data(), 8);
    header_ = nlohmann::json::parse(bytes_.begin() + 8, bytes_.begin() + 8 + length);
    data_ = 8 + length;
  }

  /// [height, width, 3]
  coca::Image image(const std::string& name) const {
    const auto& shape = header_.at(name).at("shape");
    const std::span<const char> raw = raw_bytes(name);
    return coca::Image(shape.at(1), shape.at(0), std::vector<std::uint8_t>(raw.begin(), raw.end()));
  }

  std::vector<float> floats(const std::string& name) const {
    const std::span<const char> raw = raw_bytes(name);
    std::vector<float> values(raw.size() / sizeof(float));
    std::memcpy(values.data(), raw.data(), raw.size());
    return values;
  }

 private:
  std::span<const char> raw_bytes(const std::string& name) const {
    const auto& offsets = header_.at(name).at("data_offsets");
    const std::size_t begin = offsets.at(0);
    const std::size_t end = offsets.at(1);
    return std::span<const char>(bytes_).subspan(data_ + begin, end - begin);
  }

  std::vector<char> bytes_;
  nlohmann::json header_;
  std::size_t data_ = 0;
};

/// How two pictures of one size differ.
struct ImageDifference {
  int largest = 256;          ///< levels; 256 for pictures of different size
  double equal_fraction = 0;  ///< of all samples
};

inline ImageDifference compare(const coca::Image& a, const coca::Image& b) {
  if (a.width() != b.width() || a.height() != b.height() || a.empty()) return {};
  int largest = 0;
  std::size_t equal = 0;
  for (std::size_t i = 0; i < a.pixels().size(); ++i) {
    const int difference = std::abs(int{a.pixels()[i]} - int{b.pixels()[i]});
    largest = std::max(largest, difference);
    equal += difference == 0;
  }
  return {largest, static_cast<double>(equal) / static_cast<double>(a.pixels().size())};
}

/// The bytes of a test picture.
inline std::vector<std::uint8_t> file_bytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::vector<std::uint8_t> bytes(std::istreambuf_iterator<char>(file), {});
  if (bytes.empty()) throw std::runtime_error(path + " cannot be read");
  return bytes;
}

/// Text of the exception that a call throws.
template <typename Exception, typename Call>
std::string message_of(Call call) {
  try {
    call();
  } catch (const Exception& error) {
    return error.what();
  }
  return "no error";
}

/// A smooth picture with edges, of any size, in which no symmetric error can hide.
inline coca::Image test_image(std::size_t width, std::size_t height) {
  coca::Image image(width, height);
  for (std::size_t y = 0; y < height; ++y) {
    for (std::size_t x = 0; x < width; ++x) {
      image.set(x, y,
                {static_cast<std::uint8_t>(x * 7 + y), static_cast<std::uint8_t>(y * 11),
                 static_cast<std::uint8_t>((x / 3 + y / 5) % 2 * 200)});
    }
  }
  return image;
}
