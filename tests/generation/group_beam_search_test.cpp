#include "coca/generation/group_beam_search.hpp"

#include <set>
#include <string>
#include <vector>

#include "catch.hpp"
#include "comparison.hpp"
#include "generation/expected_tables.hpp"
#include "generation/table_model.hpp"

using namespace coca;
using coca::testing::close;
using coca::testing::differing_tables;

namespace {

GenerationOptions two_groups_of_two() {
  GenerationOptions options = coca::testing::small_options();
  options.beams = 4;
  options.beam_groups = 2;
  options.max_length = 6;
  return options;
}

}  // namespace

TEST_CASE("group beam search: what transformers finds in 32 tables per setting") {
  for (const char* name : {"groups", "groups_several", "groups_first"}) {
    INFO(name);
    CHECK(differing_tables(name) == std::vector<std::string>());
  }
}

TEST_CASE("group beam search: one beam of each group continues at first") {
  const GenerationOptions options = two_groups_of_two();
  const GroupBeamSearch search({1}, options);
  CHECK(search.groups() == 2);
  CHECK(search.rows() == 4);
  CHECK(search.candidates() == 4);
  CHECK(search.scores().at(0) == 0);
  CHECK(search.scores().at(2) == 0);
  CHECK(search.scores().at(1) < -1e8f);
  CHECK(search.scores().at(3) < -1e8f);
}

TEST_CASE("group beam search: groups finish independently") {
  GenerationOptions options = two_groups_of_two();
  options.early_stopping = EarlyStopping::first;
  options.captions = 3;
  GroupBeamSearch search({1}, options);
  search.advance(0, {{-1.0f, 0, 2}, {-1.5f, 0, 5}, {-2.0f, 0, 6}, {-3.0f, 0, 7}});
  search.advance(1, {{-1.0f, 0, 3}, {-1.5f, 0, 4}, {-2.0f, 0, 6}, {-3.0f, 0, 2}});
  CHECK(search.sequences() == std::vector<Sequence>{{1, 5}, {1, 6}, {1, 3}, {1, 4}});
  CHECK(search.parents() == std::vector<std::size_t>{0, 0, 2, 2});
  // The first group has two captions now and is carried along with padding.
  search.advance(0, {{-1.6f, 0, 2}, {-1.7f, 0, 5}, {-2.0f, 1, 6}, {-3.0f, 0, 7}});
  search.advance(1, {{-1.1f, 0, 3}, {-1.6f, 1, 4}, {-2.0f, 0, 6}, {-3.0f, 0, 7}});
  CHECK_FALSE(search.done());
  search.advance(0, {{-9.0f, 0, 9}, {-9.0f, 0, 9}, {-9.0f, 0, 9}, {-9.0f, 0, 9}});
  CHECK(search.sequences().at(0).back() == options.tokens.pad);
  search.advance(1, {{-1.2f, 0, 2}, {-1.8f, 1, 2}, {-2.0f, 0, 6}, {-3.0f, 0, 7}});
  CHECK(search.done());
  const auto found = search.result();
  REQUIRE(found.size() == 3);
  CHECK(found[0].ids == Sequence{1, 3, 3, 2});
  CHECK(close(double{found[0].score}, -1.2 / 3, 1e-6));
  CHECK(found[1].ids == Sequence{1, 4, 4, 2});
  CHECK(found[2].ids == Sequence{1, 5, 2});
  CHECK(close(double{found[2].score}, -0.8, 1e-6));
  for (const GeneratedSequence& caption : found) CHECK(caption.finished);
}

TEST_CASE("group beam search: OpenCLIP 3.3 divides by the length with the start token") {
  GenerationOptions options = two_groups_of_two();
  options.rules = SearchRules::open_clip_3_3;
  options.beam_groups = 1;
  options.beams = 2;
  options.early_stopping = EarlyStopping::first;
  GroupBeamSearch search({1}, options);
  search.advance(0, {{5.0f, 0, 5}, {4.0f, 0, 6}, {3.0f, 0, 2}, {1.0f, 0, 7}});
  search.advance(0, {{9.0f, 0, 2}, {8.0f, 1, 2}, {3.0f, 0, 2}, {1.0f, 0, 7}});
  CHECK(search.done());
  CHECK(search.result().at(0).ids == Sequence{1, 5, 2});
  CHECK(close(double{search.result().at(0).score}, 9.0 / 3, 1e-6));
}

TEST_CASE("group beam search: a high diversity penalty makes groups begin differently") {
  // One word is far better than all others.
  const coca::testing::TableModel<> model([](int, const Sequence& sequence) {
    std::vector<float> logits(12, 0);
    logits[sequence.size() < 2 ? 5 : 2] = 4;
    logits[6] = 2;
    logits[7] = 1;
    return logits;
  });
  GenerationOptions options = coca::testing::small_options();
  options.beams = 3;
  options.beam_groups = 3;
  options.captions = 3;
  options.max_length = 3;
  const auto first_words = [&] {
    std::set<std::int32_t> words;
    const auto found = coca::testing::generate_by_table(model, options);
    for (const GeneratedSequence& caption : found.at(0)) words.insert(caption.ids.at(1));
    return words;
  };
  CHECK(first_words() == std::set<std::int32_t>{5});
  options.diversity_penalty = 10;
  CHECK(first_words() == std::set<std::int32_t>{5, 6, 7});
  // OpenCLIP 3.3 knows no penalty.
  options.rules = SearchRules::open_clip_3_3;
  CHECK(first_words() == std::set<std::int32_t>{5});
}
