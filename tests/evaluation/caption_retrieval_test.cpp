#include "coca/evaluation/caption_retrieval.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "catch.hpp"
#include "coca/core/random.hpp"
#include "coca/evaluation/precision_at_r.hpp"
#include "comparison.hpp"
#include "evaluation/judged_captions.hpp"

using namespace coca;

namespace {

std::vector<float> random_rows(std::size_t values, std::uint64_t stream) {
  std::vector<float> rows(values);
  for (std::size_t i = 0; i < values; ++i)
    rows[i] = to_normal(philox(1, stream, i)[0], philox(1, stream, i)[1])[0];
  return rows;
}

// One product, in the order of the columns.
float plain_cosine(std::span<const float> image, std::span<const float> text) {
  float sum = 0;
  double left = 0, right = 0;
  for (std::size_t k = 0; k < image.size(); ++k) {
    sum += image[k] * text[k];
    left += double{image[k]} * double{image[k]};
    right += double{text[k]} * double{text[k]};
  }
  return sum * static_cast<float>(1 / std::sqrt(left)) * static_cast<float>(1 / std::sqrt(right));
}

// The rank of a query in its row of the whole matrix; candidates in their order where equal.
std::size_t plain_rank(const std::vector<float>& row, const std::vector<std::size_t>& positives) {
  std::size_t best = positives.front();
  for (const std::size_t p : positives)
    if (row[p] > row[best] || (row[p] == row[best] && p < best)) best = p;
  std::size_t rank = 0;
  for (std::size_t c = 0; c < row.size(); ++c) {
    const bool own = std::find(positives.begin(), positives.end(), c) != positives.end();
    if (!own && (row[c] > row[best] || (row[c] == row[best] && c < best))) ++rank;
  }
  return rank;
}

}  // namespace

TEST_CASE("Retrieval of COCO's kind equals CLIP_benchmark's", "[evaluation]") {
  const Json toy = read_json_file(COCA_TEST_DATA "/evaluation/retrieval_toy.json");
  std::vector<float> images, texts;
  for (const Json& row : toy["images"])
    for (const Json& value : row) images.push_back(value.get<float>());
  for (const Json& row : toy["texts"])
    for (const Json& value : row) texts.push_back(value.get<float>());
  CaptionPositives positives(4);
  for (std::size_t i = 0; i < 9; ++i)
    positives[toy["text_belongs_to_image"][i].get<std::size_t>()].push_back(i);
  const CaptionRanks ranks = caption_ranks({images, 3}, {texts, 3}, positives);
  CHECK(ranks.images == std::vector<std::size_t>{1, 1, 0, 0});
  CHECK(ranks.texts == std::vector<std::size_t>{0, 2, 0, 0, 1, 0, 1, 0, 1});
  const std::vector<std::size_t> limits{1, 2, 3, 5};
  for (const auto& [key, value] : retrieval_metrics(ranks, limits))
    if (toy["expected"].contains(key))
      CHECK(testing::close(value, toy["expected"][key].get<double>(), 1e-12));
  CHECK(testing::close(retrieval_metrics(ranks, limits).at("image_retrieval_recall@2"), 8.0 / 9,
                       1e-12));
  CHECK(median_rank(ranks.images) == 1.5);
  CHECK(median_rank(ranks.texts) == 1);
  CHECK(mean_rank(ranks.images) == 1.5);
  CHECK(testing::close(mean_rank(ranks.texts), 14.0 / 9, 1e-12));
}

TEST_CASE("All kernels of cosines give the same bits", "[evaluation]") {
  constexpr std::size_t width = 77;
  const std::vector<float> rows = random_rows(4 * width, 7), panel = random_rows(8 * width, 8);
  const std::array<const float*, 4> four{&rows[0], &rows[width], &rows[2 * width],
                                         &rows[3 * width]};
  std::array<detail::TileLanes, 4> baseline, fastest;
  detail::tile_products_baseline(four, panel.data(), width, baseline);
  detail::tile_kernel<4>()(four, panel.data(), width, fastest);
  std::size_t same = 0;
  for (std::size_t r = 0; r < 4; ++r)
    for (std::size_t lane = 0; lane < 8; ++lane) same += baseline[r][lane] == fastest[r][lane];
  CHECK(same == 32);
}

TEST_CASE("Ranks in tiles are those of the whole matrix", "[evaluation]") {
  // Few columns of few values, so that many cosines are equal; sizes that no tile divides.
  const std::size_t width = 5;
  std::vector<float> images = random_rows(131 * width, 1), texts = random_rows(603 * width, 2);
  for (float& value : images) value = std::round(value);
  for (float& value : texts) value = std::round(value);
  for (std::size_t i = 0; i < images.size(); i += width) images[i] += 7;
  for (std::size_t i = 0; i < texts.size(); i += width) texts[i] += 7;
  CaptionPositives positives(131), pictures(603);
  for (std::size_t i = 0; i < 131; ++i)
    for (std::size_t j = 0; j < 1 + i % 5; ++j) {
      const std::size_t text = (i * 5 + j * 7) % 603;
      if (std::find(positives[i].begin(), positives[i].end(), text) != positives[i].end()) continue;
      positives[i].push_back(text);
      pictures[text].push_back(i);
    }
  const EmbeddingRows left{images, width}, right{texts, width};
  const CaptionRanks ranks = caption_ranks(left, right, positives);
  for (std::size_t i = 0; i < 131; ++i) {
    std::vector<float> row;
    for (std::size_t t = 0; t < 603; ++t) row.push_back(plain_cosine(left.row(i), right.row(t)));
    CHECK(ranks.images[i] == plain_rank(row, positives[i]));
  }
  for (std::size_t t = 0; t < 603; ++t) {
    std::vector<float> column;
    for (std::size_t i = 0; i < 131; ++i) column.push_back(plain_cosine(left.row(i), right.row(t)));
    CHECK(ranks.texts[t] == (pictures[t].empty() ? never_found : plain_rank(column, pictures[t])));
  }
}

TEST_CASE("Ranks are those of a plain loop in double, for any number of threads", "[evaluation]") {
  // Cosines are about 0.1 apart at the ranks that count, and float errs by less than 1e-6.
  constexpr std::size_t width = 64, pictures = 200, each = 5;
  const std::vector<float> images = random_rows(pictures * width, 3);
  std::vector<float> texts = random_rows(pictures * each * width, 4);
  CaptionPositives positives(pictures);
  for (std::size_t t = 0; t < pictures * each; ++t) {
    positives[t / each].push_back(t);
    for (std::size_t k = 0; k < width; ++k)
      texts[t * width + k] += 0.5f * images[t / each * width + k];
  }
  const EmbeddingRows left{images, width}, right{texts, width};
  const CaptionRanks ranks = caption_ranks(left, right, positives, {.threads = 3});
  const CaptionRanks single = caption_ranks(left, right, positives, {.threads = 1});
  CHECK(ranks.images == single.images);
  CHECK(ranks.texts == single.texts);
  const auto cosine = [&](std::size_t image, std::size_t text) {
    double product = 0, a = 0, b = 0;
    for (std::size_t k = 0; k < width; ++k) {
      const double x = left.row(image)[k], y = right.row(text)[k];
      product += x * y, a += x * x, b += y * y;
    }
    return product / std::sqrt(a * b);
  };
  std::size_t different = 0;
  for (std::size_t i = 0; i < pictures; ++i) {
    double best = -2;
    for (const std::size_t t : positives[i]) best = std::max(best, cosine(i, t));
    std::size_t rank = 0;
    for (std::size_t t = 0; t < right.count(); ++t)
      rank += t / each != i && cosine(i, t) > best ? 1 : 0;
    different += rank != ranks.images[i] ? 1 : 0;
    const std::size_t text = i * each + i % each;
    std::size_t text_rank = 0;
    for (std::size_t p = 0; p < pictures; ++p)
      text_rank += p != i && cosine(p, text) > cosine(i, text) ? 1 : 0;
    different += text_rank != ranks.texts[text] ? 1 : 0;
  }
  CHECK(different == 0);
}

TEST_CASE("Precision at R does not depend on threads, nor on how queries are grouped",
          "[evaluation]") {
  constexpr std::size_t width = 8, queries = 75, candidates = 601;
  const std::vector<float> left = random_rows(queries * width, 5),
                           right = random_rows(candidates * width, 6);
  std::vector<std::vector<std::size_t>> answers(queries);
  for (std::size_t q = 0; q < queries; ++q)
    for (std::size_t i = 0; i < q % 4; ++i) answers[q].push_back((q * 37 + i * 101) % candidates);
  const PrecisionAtR all = precision_at_r({left, width}, {right, width}, answers, 1);
  const PrecisionAtR shared = precision_at_r({left, width}, {right, width}, answers, 3);
  CHECK(all.mean_average_precision == shared.mean_average_precision);
  CHECK(all.r_precision == shared.r_precision);
  double precision = 0;  // one query at a time
  for (std::size_t q = 0; q < queries; ++q) {
    if (answers[q].empty()) continue;
    const std::vector<float> one(left.begin() + static_cast<std::ptrdiff_t>(q * width),
                                 left.begin() + static_cast<std::ptrdiff_t>((q + 1) * width));
    precision += precision_at_r({one, width}, {right, width}, {answers[q]}).r_precision;
  }
  CHECK(all.queries == 56);
  CHECK(testing::close(all.r_precision, precision / 56, 1e-12));
}

TEST_CASE("A model that gives everything the same embedding finds nothing", "[evaluation]") {
  const std::vector<float> images(3 * 2, 1.0f), texts(4 * 2, 1.0f);
  const CaptionPositives positives{{0}, {1, 2}, {3}};
  const CaptionRanks before =
      caption_ranks({images, 2}, {texts, 2}, positives, {.ties = Ties::before});
  CHECK(before.images == std::vector<std::size_t>{3, 2, 3});
  CHECK(before.texts == std::vector<std::size_t>{2, 2, 2, 2});
  const CaptionRanks sorted = caption_ranks({images, 2}, {texts, 2}, positives);
  CHECK(sorted.images == std::vector<std::size_t>{0, 1, 3});
}

TEST_CASE("R-precision and mAP@R by hand", "[evaluation]") {
  // Candidates in the order 0, 1, 2, 3, 4 of nearness.
  const std::vector<float> query{1, 0}, candidates{5, 0, 4, 1, 3, 2, 2, 3, 1, 4};
  const PrecisionAtR found = precision_at_r({query, 2}, {candidates, 2}, {{0, 2, 4}});
  CHECK(testing::close(found.r_precision, 2.0 / 3, 1e-12));
  CHECK(testing::close(found.mean_average_precision, (1 + 2.0 / 3) / 3, 1e-12));
  CHECK(found.recall_at_1 == 1);
  CHECK(precision_at_r({query, 2}, {candidates, 2}, {{1}}).r_precision == 0);
  CHECK(testing::error_of([&] {
          precision_at_r({query, 2}, {candidates, 2}, {{}});
        }) == "no query has a right answer");
  CHECK(testing::error_of([&] {
          precision_at_r({query, 2}, {candidates, 2}, {{5}});
        }) == "query 0 has candidate 5, but there are 5");
}

TEST_CASE("Retrieval refuses what does not fit", "[evaluation]") {
  const std::vector<float> two(4, 1.0f), three(6, 1.0f);
  std::vector<float> bad = three;
  bad[4] = std::nanf("");
  CHECK(testing::error_of([&] {
          caption_ranks({two, 2}, {three, 3}, {{0}, {1}});
        }) == "the pictures have width 2, the texts 3");
  CHECK(testing::error_of([&] {
          caption_ranks({two, 2}, {three, 2}, {{0}});
        }) == "there are lists of captions for 1 picture, expected 2");
  CHECK(testing::error_of([&] {
          caption_ranks({two, 2}, {three, 2}, {{0}, {3}});
        }) == "a picture has caption 3, but there are 3 captions");
  CHECK(testing::error_of([&] {
          caption_ranks({two, 2}, {bad, 2}, {{0}, {1}});
        }) == "embedding 2 of the texts is not finite");
  CHECK(testing::error_of([&] {
          caption_ranks({{}, 2}, {three, 2}, {});
        }) == "the pictures have 0 values, expected rows of 2, and at least one");
  // Products of such rows are infinite or zero in float: everything would be equally near.
  const std::vector<float> large{1e20f, 1e20f, 1, 1}, tiny{1, 1, 0, 1e-16f};
  CHECK(testing::error_of([&] {
          caption_ranks({large, 2}, {three, 2}, {{0}, {1}});
        }) ==
        "embedding 0 of the pictures has a norm above 1e15, expected one from 1e-15 to 1e15, or 0");
  CHECK(testing::error_of([&] {
          precision_at_r({two, 2}, {tiny, 2}, {{0}, {1}});
        }) ==
        "embedding 1 of the candidates has a norm below 1e-15, expected one from 1e-15 to 1e15, or "
        "0");
  CHECK(testing::error_of([] { recall_at({}, 1); }) == "recall needs at least one query");
  CHECK(testing::error_of([] { median_rank({}); }) == "a median rank needs at least one query");
  CHECK(testing::error_of([] {
          mean_rank(std::vector<std::size_t>{0, never_found});
        }) == "query 1 has no match, so there is no mean rank");
}
