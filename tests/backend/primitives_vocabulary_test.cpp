// The operations on [rows, vocabulary] scores on every backend against Reference<double>.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <set>
#include <vector>

#include "backend/bench.hpp"
#include "backend/call.hpp"
#include "backend/subjects.hpp"
#include "catch.hpp"
#include "comparison.hpp"

using namespace coca::testing;
using coca::Shape;

namespace primitives_vocabulary_test {

namespace {

constexpr std::size_t vocabularies[] = {1, 5, 17, 1000, 49408};

}  // namespace

TEMPLATE_LIST_TEST_CASE("log_softmax keeps NaN to its row", "[primitives][vocabulary]", Subjects) {
  COCA_SKIP_UNAVAILABLE();
  Random random(31);
  for (const std::size_t place : {0, 7, 39, 40}) {
    Floats scores = random.normals(3 * 41);
    scores[41 + place] = not_a_number;
    Bench bench(backend);
    const auto array = bench.inplace(scores, {3, 41});
    call<ops::LogSoftmax>(bench.backend, array);
    const std::vector<double> values = bench.read(array);
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < values.size(); ++i) wrong += std::isnan(values[i]) != (i / 41 == 1);
    CHECK(wrong == 0);
    CHECK(bench.damage() == "");
  }
}

TEMPLATE_LIST_TEST_CASE("edit_scores", "[primitives][vocabulary]", Subjects) {
  COCA_SKIP_UNAVAILABLE();
  Random random(32);
  for (const auto edit :
       {coca::ScoreEdit::forbid, coca::ScoreEdit::penalize, coca::ScoreEdit::subtract})
    for (const std::size_t count : {0, 1, 40, 3000}) {
      CAPTURE(static_cast<int>(edit), count);
      const Floats scores = random.normals(4 * 1000, 5), values = random.normals(count, 0.2f, 1.5f);
      Indices places = random.permutation(4 * 1000);
      places.resize(count);
      const Results results = both(backend, [&](auto& bench) {
        const auto array = bench.inplace(scores, {4, 1000});
        call<ops::EditScores>(bench.backend, array, bench.indices(places, {count}),
                              bench.input(values, {count}), edit);
        return bench.read(array);
      });
      CHECK(first_difference(results.actual, results.expected, 32 * u) == "");
      std::vector<bool> edited(scores.size(), false);
      for (const std::int32_t place : places) edited[place] = true;
      std::size_t changed = 0;
      for (std::size_t i = 0; i < scores.size(); ++i)
        changed += !edited[i] && results.actual[i] != scores[i];
      CHECK(changed == 0);
    }
}

TEMPLATE_LIST_TEST_CASE("forbidden scores stay forbidden when penalised",
                        "[primitives][vocabulary]", Subjects) {
  COCA_SKIP_UNAVAILABLE();
  for (const auto edit : {coca::ScoreEdit::penalize, coca::ScoreEdit::subtract}) {
    const Results results = both(backend, [&](auto& bench) {
      const auto array = bench.inplace({-infinity, 0, infinity, 2}, {1, 4});
      call<ops::EditScores>(bench.backend, array, bench.indices(Indices{0, 1, 2}, {3}),
                            bench.input({2, 2, 2}, {3}), edit);
      return bench.read(array);
    });
    CHECK(first_inequality(results.actual, results.expected) == "");
  }
}

namespace {

// Warps on both backends: what falls out must be the same, the rest is one division.
template <class B>
void check_warp(const B& backend, const Floats& scores, const Shape& shape,
                const coca::SamplingWarp& warp) {
  CAPTURE(to_string(shape), warp.temperature, warp.top_k, warp.top_p, warp.min_keep);
  const Results results = both(backend, [&](auto& bench) {
    const auto array = bench.inplace(scores, shape);
    call<ops::WarpScores>(bench.backend, array, warp);
    return bench.read(array);
  });
  std::vector<double> tolerance;
  for (const double value : results.expected)
    tolerance.push_back(std::isinf(value) ? 0.0 : 4 * u * std::abs(value));
  CHECK(first_difference(results.actual, results.expected, tolerance) == "");
}

// A top_p that lies in the middle of the step from `count` to `count` + 1 words.
float top_p_between(const Floats& scores, float temperature, std::size_t count) {
  std::vector<double> weights;
  for (const float score : scores) weights.push_back(std::exp(double{score} / double{temperature}));
  std::sort(weights.begin(), weights.end(), std::greater<>());
  const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
  const double before = std::accumulate(weights.begin(), weights.begin() + count - 1, 0.0);
  return static_cast<float>((before + 0.5 * weights[count - 1]) / total);
}

std::size_t kept(const std::vector<double>& values) {
  return values.size() - std::count(values.begin(), values.end(), -double{infinity});
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("warping with top-k", "[primitives][vocabulary]", Subjects) {
  COCA_SKIP_UNAVAILABLE();
  Random random(33);
  for (const std::size_t vocabulary : vocabularies) {
    const Floats scores = random.normals(3 * vocabulary, 3);
    for (const std::size_t top_k : {0, 1, 2, 5, 50, 100000})
      for (const std::size_t min_keep : {1, 2, 7})
        for (const float temperature : {1.0f, 0.7f, 4.0f})
          check_warp(backend, scores, {3, vocabulary},
                     {.temperature = temperature, .top_k = top_k, .min_keep = min_keep});
  }
}

TEMPLATE_LIST_TEST_CASE("warping with top-p", "[primitives][vocabulary]", Subjects) {
  COCA_SKIP_UNAVAILABLE();
  Random random(34);
  for (const std::size_t vocabulary : vocabularies)
    for (const float temperature : {1.0f, 0.7f}) {
      const Floats scores = random.normals(vocabulary, 4);
      for (const std::size_t count : {1, 2, 3, 17, 40}) {
        if (count > vocabulary) continue;
        const float top_p = top_p_between(scores, temperature, count);
        for (const std::size_t min_keep : {1, 3})
          check_warp(backend, scores, {1, vocabulary},
                     {.temperature = temperature, .top_p = top_p, .min_keep = min_keep});
        Bench bench(backend);
        const auto array = bench.inplace(scores, {1, vocabulary});
        call<ops::WarpScores>(bench.backend, array,
                              coca::SamplingWarp{.temperature = temperature, .top_p = top_p});
        CHECK(kept(bench.read(array)) == count);
      }
    }
}

TEMPLATE_LIST_TEST_CASE("warping with top-k and top-p together", "[primitives][vocabulary]",
                        Subjects) {
  COCA_SKIP_UNAVAILABLE();
  Random random(35);
  for (const std::size_t vocabulary : {5, 1000}) {
    const Floats scores = random.normals(4 * vocabulary, 3);
    for (const std::size_t top_k : {2, 4, 30})
      for (const float top_p : {0.0f, 0.31f, 0.77f, 0.93f})
        for (const std::size_t min_keep : {1, 2})
          check_warp(backend, scores, {4, vocabulary},
                     {.temperature = 1.3f, .top_k = top_k, .top_p = top_p, .min_keep = min_keep});
  }
}

TEMPLATE_LIST_TEST_CASE("warping with ties and forbidden words", "[primitives][vocabulary]",
                        Subjects) {
  COCA_SKIP_UNAVAILABLE();
  const Floats ties{1, 3, 3, 2, 3, -infinity, 2, 0, -infinity, 2};
  for (std::size_t top_k = 0; top_k <= 10; ++top_k)
    check_warp(backend, ties, {1, 10}, {.temperature = 2, .top_k = top_k});
  // Three words of 0.3, three of 0.3 * exp(-1) and less: steps that no rounding moves.
  for (const float top_p : {0.1f, 0.3f, 0.5f, 0.75f, 0.85f, 0.97f, 0.999f})
    check_warp(backend, ties, {1, 10}, {.top_p = top_p});
  check_warp(backend, Floats(50, 1.0f), {1, 50}, {.top_k = 3});
  check_warp(backend, Floats(50, 1.0f), {1, 50}, {.top_p = 0.51f});
  Floats single(50, -infinity);
  single[33] = -4;
  check_warp(backend, single, {1, 50}, {.top_k = 3, .top_p = 0.5f});
  check_warp(backend, single, {1, 50}, {.top_k = 3, .top_p = 0.5f, .min_keep = 2});
  check_warp(backend, Floats(50, -infinity), {1, 50}, {.top_k = 3});
}

TEMPLATE_LIST_TEST_CASE("a row with NaN survives warping", "[primitives][vocabulary]", Subjects) {
  COCA_SKIP_UNAVAILABLE();
  Random random(36);
  Floats scores = random.normals(3 * 100);
  for (const std::size_t place : {100, 117, 199}) scores[place] = not_a_number;
  const Results results = both(backend, [&](auto& bench) {
    const auto array = bench.inplace(scores, {3, 100});
    call<ops::WarpScores>(bench.backend, array, coca::SamplingWarp{.top_k = 5, .top_p = 0.5f});
    return bench.read(array);
  });
  CHECK(first_inequality(results.actual, results.expected) == "");
}

namespace {

struct Search {
  std::size_t rows = 1, vocabulary = 1, groups = 1, count = 1;
  bool with_added = false;
  coca::GumbelNoise noise = {};
};

struct Candidates {
  std::vector<double> values, ids;
};

template <class B>
Candidates candidates(Bench<B>& bench, const Search& search, const Floats& scores,
                      const Floats& added) {
  const auto values = bench.output({search.groups, search.count});
  const auto ids = bench.index_output({search.groups, search.count});
  const auto more = search.with_added ? bench.input(added, {search.rows}) : bench.nothing();
  call<ops::BestCandidates>(bench.backend, bench.input(scores, {search.rows, search.vocabulary}),
                            more, search.noise, values, ids);
  const Candidates result{bench.read(values), bench.read(ids)};
  CHECK(bench.damage() == "");
  return result;
}

template <class B>
void check_exact(const B& backend, const Search& search, const Floats& scores,
                 const Floats& added) {
  CAPTURE(search.rows, search.vocabulary, search.groups, search.count, search.with_added);
  Bench bench(backend);
  Bench judge{coca::Reference<double>()};
  const Candidates actual = candidates(bench, search, scores, added);
  const Candidates expected = candidates(judge, search, scores, added);
  CHECK(first_inequality(actual.ids, expected.ids) == "");
  CHECK(first_inequality(actual.values, expected.values) == "");
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("best_candidates at the edges", "[primitives][vocabulary]", Subjects) {
  COCA_SKIP_UNAVAILABLE();
  const std::size_t size = 40;
  const Search search{.rows = 2, .vocabulary = 20, .groups = 1, .count = 6};
  const auto check = [&](const Floats& scores) { check_exact(backend, search, scores, {}); };
  check(Floats(size, 0.0f));
  check(Floats(size, -infinity));
  check(Floats(size, not_a_number));
  Floats few(size, -infinity);
  few[31] = -5, few[2] = -7;
  check(few);
  Floats broken(size, infinity);
  broken[39] = broken[11] = not_a_number;
  check(broken);
  Floats signed_zeros(size, -0.0f);
  signed_zeros[7] = 0.0f;
  check(signed_zeros);
  Floats falling(size), rising(size);
  for (std::size_t i = 0; i < size; ++i) {
    falling[i] = -static_cast<float>(i);
    rising[i] = static_cast<float>(i);
  }
  check(falling);
  check(rising);
  // All of a group, in order.
  check_exact(backend, {.rows = 2, .vocabulary = 20, .groups = 2, .count = 20}, rising, {});
  // A row that was given up on adds minus infinity.
  check_exact(backend, {.rows = 2, .vocabulary = 20, .groups = 1, .count = 25, .with_added = true},
              rising, {0, -infinity});
}

namespace {

// What a candidate is ranked by, in double. The noise's own rounding errors are a few u of its
// logarithms.
double rank_of(const Search& search, const Floats& scores, const Floats& added, std::size_t group,
               std::size_t id) {
  const std::size_t row = group * (search.rows / search.groups) + id / search.vocabulary;
  const std::size_t word = id % search.vocabulary;
  const std::size_t e = (row % search.noise.rows_per_picture) * search.vocabulary + word;
  const std::uint32_t bits = coca::philox(search.noise.seed, search.noise.step, e / 4)[e % 4];
  const double uniform = (static_cast<double>(bits >> 9) + 0.5) * 0x1p-23;
  return double{scores[row * search.vocabulary + word]} +
         (search.with_added ? double{added[row]} : 0.0) - std::log(-std::log(uniform));
}

// Candidates may change places only where their ranks are nearly equal.
template <class B>
void check_draw(const B& backend, const Search& search, const Floats& scores, const Floats& added) {
  CAPTURE(search.rows, search.vocabulary, search.groups, search.count, search.with_added,
          search.noise.rows_per_picture);
  Bench bench(backend);
  Bench judge{coca::Reference<double>()};
  const Candidates actual = candidates(bench, search, scores, added);
  const Candidates expected = candidates(judge, search, scores, added);
  for (std::size_t g = 0; g < search.groups; ++g) {
    std::set<double> seen;
    for (std::size_t i = g * search.count; i < (g + 1) * search.count; ++i) {
      const std::size_t size = search.rows / search.groups * search.vocabulary;
      REQUIRE((actual.ids[i] >= 0 && actual.ids[i] < static_cast<double>(size)));
      seen.insert(actual.ids[i]);
      const auto id = static_cast<std::size_t>(actual.ids[i]);
      const auto wanted = static_cast<std::size_t>(expected.ids[i]);
      const double rank = rank_of(search, scores, added, g, wanted);
      CHECK(close(rank_of(search, scores, added, g, id), rank, 32 * u * (std::abs(rank) + 4)));
      const std::size_t row = g * (search.rows / search.groups) + id / search.vocabulary;
      const float value = scores[row * search.vocabulary + id % search.vocabulary];
      const double more = search.with_added ? double{added[row]} : 0.0;
      CHECK(close(actual.values[i], value + more, 4 * u * (std::abs(value) + std::abs(more))));
    }
    CHECK(seen.size() == search.count);
  }
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("best_candidates with noise", "[primitives][vocabulary]", Subjects) {
  COCA_SKIP_UNAVAILABLE();
  Random random(38);
  for (const std::size_t vocabulary : vocabularies)
    for (const std::size_t beams : {1, 3})
      for (const bool with_added : {false, true}) {
        const std::size_t rows = 2 * beams;
        const Floats scores = random.normals(rows * vocabulary, 2), added = random.normals(rows);
        for (const std::size_t groups : {std::size_t{2}, rows})
          for (const std::size_t count : {1, 2, 20})
            check_draw(backend,
                       {.rows = rows,
                        .vocabulary = vocabulary,
                        .groups = groups,
                        .count = std::min<std::size_t>(count, rows / groups * vocabulary),
                        .with_added = with_added,
                        .noise = {.enabled = true,
                                  .seed = 0x123456789abcdefu,
                                  .step = 7,
                                  .rows_per_picture = beams}},
                       scores, added);
      }
}

TEMPLATE_LIST_TEST_CASE("noise is the same for each picture of a batch", "[primitives][vocabulary]",
                        Subjects) {
  COCA_SKIP_UNAVAILABLE();
  Random random(39);
  const Floats one = random.normals(2 * 1001);
  Floats three;
  for (int i = 0; i < 3; ++i) three.insert(three.end(), one.begin(), one.end());
  Bench bench(backend);
  Search search{.rows = 2,
                .vocabulary = 1001,
                .groups = 1,
                .count = 10,
                .with_added = false,
                .noise = {.enabled = true, .seed = 3, .step = 1, .rows_per_picture = 2}};
  const Candidates alone = candidates(bench, search, one, {});
  search.rows = 6, search.groups = 3;
  const Candidates together = candidates(bench, search, three, {});
  for (std::size_t i = 0; i < 30; ++i) CHECK(together.ids[i] == alone.ids[i % 10]);
  search.noise.step = 2;
  CHECK(first_inequality(candidates(bench, search, three, {}).ids, together.ids) != "");
  search.noise.seed = 4, search.noise.step = 1;
  CHECK(first_inequality(candidates(bench, search, three, {}).ids, together.ids) != "");
}

}  // namespace primitives_vocabulary_test
