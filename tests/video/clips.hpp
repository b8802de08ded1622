#pragma once
// The clips of tests/data/video, and what the ffmpeg program decoded from them.

#include <cstddef>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "coca/core/digest.hpp"
#include "coca/image/image.hpp"
#include "coca/io/json.hpp"

namespace coca_test {

inline const std::string clip_folder = std::string(COCA_TEST_DATA) + "/video/";

inline std::string clip_bytes(const std::string& name) {
  std::ifstream file(clip_folder + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline const coca::Json& expected_clips() {
  static const coca::Json expected = coca::parse_json(clip_bytes("expected.json"), "expected.json");
  return expected;
}

inline std::vector<std::string> expected_frames(const std::string& name) {
  return expected_clips().at(name).at("frames").get<std::vector<std::string>>();
}

inline std::string digest_of(const coca::Image& image) {
  coca::Digest digest;
  digest.add({reinterpret_cast<const char*>(image.data()), image.pixels().size()});
  return digest.text();
}

}  // namespace coca_test
