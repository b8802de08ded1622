#include "coca/generation/sampling.hpp"

#include <cmath>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "catch.hpp"
#include "comparison.hpp"
#include "generation/expected_tables.hpp"
#include "generation/table_model.hpp"

using namespace coca;
using coca::testing::generate_by_table;
using coca::testing::scrambled;
using coca::testing::small_options;
using coca::testing::TableModel;

namespace {

// Words 3 to 6 have the probabilities 0.5, 0.25, 0.15 and 0.1; all others a negligible one.
const std::map<std::int32_t, double> known{{3, 0.5}, {4, 0.25}, {5, 0.15}, {6, 0.1}};

TableModel<> known_distribution() {
  return TableModel<>([](int, const Sequence&) {
    std::vector<float> logits(12, -60);
    for (const auto& [word, probability] : known)
      logits[static_cast<std::size_t>(word)] = static_cast<float>(std::log(probability));
    return logits;
  });
}

GenerationOptions sampling(std::uint64_t seed) {
  GenerationOptions options = small_options();
  options.beams = 1;
  options.sample = true;
  options.max_length = 8;
  options.seed = seed;
  return options;
}

// How often each word was drawn first under 2000 seeds.
std::map<std::int32_t, int> first_words(GenerationOptions options) {
  const TableModel<> model = known_distribution();
  options.max_length = 2;
  std::map<std::int32_t, int> counts;
  for (std::uint64_t seed = 0; seed < 2000; ++seed) {
    options.seed = seed;
    ++counts[generate_by_table(model, options).at(0).at(0).ids.at(1)];
  }
  return counts;
}

// Pearson's statistic of 2000 draws against probabilities, which sum to 1.
double chi_square(const std::map<std::int32_t, int>& counts,
                  const std::map<std::int32_t, double>& probabilities) {
  double sum = 0;
  for (const auto& [word, count] : counts)
    if (probabilities.count(word) == 0) return 1e9;
  for (const auto& [word, probability] : probabilities) {
    const double expected = 2000 * probability;
    const double found = counts.count(word) != 0 ? counts.at(word) : 0;
    sum += (found - expected) * (found - expected) / expected;
  }
  return sum;
}

// Exceeded by chance once in ten thousand, with three degrees of freedom; less with fewer.
constexpr double chi_square_bound = 21.1;

}  // namespace

TEST_CASE("greedy search: what transformers finds in 32 tables") {
  CHECK(coca::testing::differing_tables("greedy") == std::vector<std::string>());
}

TEST_CASE("greedy search: scores are sums of log-probabilities over the length") {
  GenerationOptions options = small_options();
  options.beams = 1;
  options.max_length = 3;
  options.min_length = 3;
  const auto found = generate_by_table(known_distribution(), options).at(0).at(0);
  CHECK(found.ids == Sequence{1, 3, 3});
  CHECK(found.finished);
  CHECK(coca::testing::close(double{found.score}, std::log(0.5), 1e-5));
}

TEST_CASE("sampling: finished sequences are carried along with padding") {
  GenerationOptions options = sampling(0);
  options.captions = 2;
  options.max_length = 4;
  Sampling search({1}, options);
  search.advance(0, {{-1.0f, 0, 2}, {-2.0f, 1, 5}});
  CHECK_FALSE(search.done());
  search.advance(0, {{-7.0f, 0, 6}, {-2.4f, 1, 5}});
  CHECK(search.sequences() == std::vector<Sequence>{{1, 2, 0}, {1, 5, 5}});
  CHECK(search.parents() == std::vector<std::size_t>{0, 1});
  search.advance(0, {{-9.0f, 0, 6}, {-2.7f, 1, 7}});
  CHECK(search.done());
  const auto found = search.result();
  CHECK(found.at(0).ids == Sequence{1, 5, 5, 7});
  CHECK(coca::testing::close(double{found.at(0).score}, -0.9, 1e-6));
  CHECK(found.at(1).ids == Sequence{1, 2});
  CHECK(found.at(1).score == -1.0f);
}

TEST_CASE("sampling: a seed's result is repeatable, other seeds give other results") {
  std::set<Sequence> different;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const auto once = generate_by_table(scrambled(31), sampling(seed)).at(0).at(0);
    const auto again = generate_by_table(scrambled(31), sampling(seed)).at(0).at(0);
    CHECK(once.ids == again.ids);
    CHECK(once.score == again.score);
    different.insert(once.ids);
  }
  CHECK(different.size() > 10);
}

TEST_CASE("sampling: a picture's result does not depend on its batch") {
  for (const std::size_t beams : {1, 3}) {
    GenerationOptions options = sampling(5);
    options.beams = beams;
    options.captions = 3;
    const auto batch = generate_by_table(scrambled(32), options, {3, 1, 4, 1, 5});
    for (std::size_t i = 0; i < 5; ++i) {
      const float number = std::vector<float>{3, 1, 4, 1, 5}[i];
      const auto alone = generate_by_table(scrambled(32), options, {number}).at(0);
      for (std::size_t c = 0; c < 3; ++c) {
        CHECK(alone.at(c).ids == batch[i].at(c).ids);
        CHECK(alone.at(c).score == batch[i].at(c).score);
      }
    }
  }
}

TEST_CASE("sampling: captions of one picture are drawn independently") {
  GenerationOptions options = sampling(6);
  options.captions = 20;
  std::set<Sequence> different;
  const auto found = generate_by_table(scrambled(33), options).at(0);
  REQUIRE(found.size() == 20);
  for (std::size_t i = 0; i < 20; ++i) {
    different.insert(found[i].ids);
    if (i > 0) CHECK(found[i].score <= found[i - 1].score);
  }
  CHECK(different.size() > 10);
}

TEST_CASE("sampling: words occur as often as their probabilities say") {
  CHECK(chi_square(first_words(sampling(0)), known) < chi_square_bound);
}

TEST_CASE("sampling: temperature") {
  GenerationOptions options = sampling(0);
  options.temperature = 0.5f;  // squares probabilities: 100, 25, 9, 4
  CHECK(chi_square(first_words(options),
                   {{3, 100.0 / 138}, {4, 25.0 / 138}, {5, 9.0 / 138}, {6, 4.0 / 138}}) <
        chi_square_bound);
}

TEST_CASE("sampling: top_k") {
  GenerationOptions options = sampling(0);
  options.top_k = 2;
  CHECK(chi_square(first_words(options), {{3, 2.0 / 3}, {4, 1.0 / 3}}) < chi_square_bound);
  options.top_k = 1;
  CHECK(first_words(options) == std::map<std::int32_t, int>{{3, 2000}});
}

TEST_CASE("sampling: top_p keeps the words that reach the probability") {
  GenerationOptions options = sampling(0);
  options.top_p = 0.8f;
  CHECK(chi_square(first_words(options), {{3, 0.5 / 0.9}, {4, 0.25 / 0.9}, {5, 0.15 / 0.9}}) <
        chi_square_bound);
  options.top_p = 0.3f;
  CHECK(first_words(options) == std::map<std::int32_t, int>{{3, 2000}});
}

TEST_CASE("beam sampling: repeatable, sorted, among the words left, and not the beam search") {
  GenerationOptions options = sampling(0);
  options.beams = 3;
  options.captions = 3;
  options.top_k = 4;
  std::set<Sequence> different;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    options.seed = seed;
    const auto found = generate_by_table(scrambled(34), options).at(0);
    REQUIRE(found.size() == 3);
    CHECK(found[0].score >= found[1].score);
    CHECK(found[1].score >= found[2].score);
    for (const GeneratedSequence& caption : found) {
      Sequence prefix{1};
      for (std::size_t t = 1; t < caption.ids.size(); ++t) {
        const auto logits = coca::testing::scrambled_logits(34, 0, prefix);
        int better = 0;
        for (const float logit : logits)
          better += logit > logits[static_cast<std::size_t>(caption.ids[t])] ? 1 : 0;
        CHECK(better < 4);
        prefix.push_back(caption.ids[t]);
      }
    }
    // Beams are drawn without replacement.
    CHECK(std::set<Sequence>{found[0].ids, found[1].ids, found[2].ids}.size() == 3);
    different.insert(found[0].ids);
  }
  CHECK(different.size() > 5);
}
