#include "coca/text/normalization_map.hpp"

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "catch.hpp"
#include "error_text.hpp"

using coca::NormalizationMap;

namespace {

// The bytes of a table.
std::string table(const std::vector<std::uint32_t>& units, const std::string& texts) {
  const auto length = static_cast<std::uint32_t>(4 * units.size());
  std::string bytes(4 + length, '\0');
  std::memcpy(bytes.data(), &length, 4);
  if (!units.empty()) std::memcpy(bytes.data() + 4, units.data(), length);
  return bytes + texts;
}

// Units of a trie that has only "a": at 0 the offset to its children, at 'a' ^ 1 the child, whose
// value lies at its own offset 2 from there.
std::vector<std::uint32_t> trie_of_a(std::uint32_t value) {
  std::vector<std::uint32_t> units(256, 0);
  const std::uint32_t child = 'a' ^ 1;
  units[0] = 1u << 10;
  units[child] = 2u << 10 | 1u << 8 | 'a';
  units[child ^ 2] = value;
  return units;
}

}  // namespace

TEST_CASE("a table of characters is looked up") {
  const NormalizationMap map(table(trie_of_a(2), std::string("x\0yes\0", 6)), "t");
  CHECK(map.find("a") == std::string("yes"));
  CHECK(map.find("ab") == std::string("yes"));
  CHECK_FALSE(map.find("b"));
  CHECK_FALSE(map.find(""));
  CHECK_FALSE(map.find(std::string_view("\0", 1)));
  CHECK_FALSE(map.find("\xff\xff"));
}

TEST_CASE("places outside of a table are not read") {
  CHECK_FALSE(NormalizationMap(table(trie_of_a(2), std::string("x\0yes", 5)), "t").find("a"));
  CHECK_FALSE(NormalizationMap(table(trie_of_a(0x7FFFFFFF), "x"), "t").find("a"));
  std::vector<std::uint32_t> wild(256, 0xFFFFFFFF);
  for (int byte = 1; byte < 256; ++byte)
    CHECK_FALSE(
        NormalizationMap(table(wild, "x"), "t").find(std::string(3, static_cast<char>(byte))));
  std::vector<std::uint32_t> outside = trie_of_a(0);
  outside['a' ^ 1] = 0x3FFFFFu << 10 | 1u << 9 | 1u << 8 | 'a';
  CHECK_FALSE(NormalizationMap(table(outside, "x"), "t").find("a"));
}

TEST_CASE("a table that is cut off is refused") {
  const std::string whole = table(trie_of_a(0), "x");
  for (const std::size_t kept : {std::size_t{0}, std::size_t{3}, std::size_t{4}, std::size_t{100}})
    CHECK(error_text<coca::FileError>([&] { NormalizationMap(whole.substr(0, kept), "t"); }) ==
          "t: its \"precompiled_charsmap\" is damaged");
  CHECK(error_text<coca::FileError>([&] { NormalizationMap(table({}, "x"), "t"); }) ==
        "t: its \"precompiled_charsmap\" is damaged");
}
