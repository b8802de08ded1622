#include "coca/pipelines/index_pictures.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "coca/pipelines/search_index_file.hpp"

using coca::detail::BestSimilarities;
using coca::detail::IndexedPicture;
using coca::detail::IndexPictures;
using coca::detail::PictureView;

namespace index_pictures_test {

namespace {

std::vector<std::string> names_of(const IndexPictures& pictures) {
  std::vector<std::string> names;
  pictures.for_each([&](const PictureView& picture) { names.emplace_back(picture.name); });
  return names;
}

IndexedPicture picture(float x, float y, std::uint64_t size = 1) { return {{size, 0}, 0, {x, y}}; }

}  // namespace

TEST_CASE("the best similarities are those of a stable sort") {
  std::vector<float> all;
  std::uint32_t state = 1;
  for (int i = 0; i < 200; ++i)
    all.push_back(static_cast<float>((state = state * 1664525u + 1013904223u) >> 28));
  for (const std::size_t count : {0, 1, 7, 199, 200, 300}) {
    BestSimilarities best(count, 3);
    std::vector<std::pair<float, std::size_t>> expected;
    for (std::size_t i = 0; i < all.size(); ++i) {
      best.offer(all[i], i);
      if (all[i] >= 3) expected.emplace_back(all[i], i);
    }
    best.offer(std::numeric_limits<float>::quiet_NaN(), 999);
    std::stable_sort(expected.begin(), expected.end(),
                     [](const auto& a, const auto& b) { return a.first > b.first; });
    expected.resize(std::min(expected.size(), count));
    std::vector<std::pair<float, std::size_t>> found;
    for (const auto& [similarity, number] : best.sorted()) found.emplace_back(similarity, number);
    CHECK(found == expected);
  }
}

TEST_CASE("stored and added pictures are one list") {
  const auto rows = coca::detail::make_index_rows(
      {{"b", picture(1, 0)}, {"d", picture(0, 1)}, {"f", picture(-1, 0)}}, 2);
  IndexPictures pictures(2, rows);
  CHECK(names_of(pictures) == std::vector<std::string>{"b", "d", "f"});
  pictures.put("a", picture(0, -1));
  pictures.put("e", picture(0.6f, 0.8f));
  pictures.put("d", picture(0, 2, 7));  // replaces the stored one
  CHECK(names_of(pictures) == std::vector<std::string>{"a", "b", "d", "e", "f"});
  CHECK(pictures.size() == 5);
  CHECK(pictures.state("d")->size == 7);
  CHECK(pictures.state("f")->size == 1);
  CHECK_FALSE(pictures.state("c"));
  CHECK_FALSE(pictures.state(""));
  const std::vector<float> up{0, 1};
  const auto found = pictures.most_similar(up, 3, -1);
  REQUIRE(found.size() == 3);
  CHECK(found[0] == std::pair<std::string, float>("d", 2.0f));
  CHECK(found[1].first == "e");
  CHECK(found[2] == std::pair<std::string, float>("b", 0.0f));  // f is as near, and after it
  CHECK(pictures.erase("d"));
  CHECK_FALSE(pictures.erase("d"));
  CHECK(pictures.erase("b"));
  CHECK(pictures.erase_if([](const std::string& name) { return name == "a" || name == "f"; }) == 2);
  CHECK(names_of(pictures) == std::vector<std::string>{"e"});
  CHECK(pictures.size() == 1);
  CHECK(pictures.most_similar(up, 9, -9).size() == 1);
}

TEST_CASE("products of rows: any width, float16 as its float") {
  for (const std::size_t width : {1, 15, 16, 17, 64, 100}) {
    std::vector<float> query, row;
    std::vector<coca::float16> half;
    double expected = 0, of_half = 0;
    for (std::size_t i = 0; i < width; ++i) {
      query.push_back(static_cast<float>(i % 7) - 3);
      row.push_back(i == 0 ? 3e-6f : 0.37f * static_cast<float>(i % 5) - 0.6f);  // a subnormal half
      half.emplace_back(row.back());
      expected += double{row.back()} * query.back();
      of_half += double{static_cast<float>(half.back())} * query.back();
    }
    CHECK(coca::detail::row_product(row.data(), query) == Approx(expected).epsilon(1e-5));
    CHECK(coca::detail::row_product(half.data(), query) == Approx(of_half).epsilon(1e-5));
  }
}

}  // namespace index_pictures_test
