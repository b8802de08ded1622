#include "coca/generation/beam_search.hpp"

#include <cmath>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "catch.hpp"
#include "comparison.hpp"
#include "generation/expected_tables.hpp"
#include "generation/table_model.hpp"

using namespace coca;
using coca::testing::close;
using coca::testing::differing_tables;
using coca::testing::generate_by_table;
using coca::testing::scrambled;
using coca::testing::small_options;
using coca::testing::TableModel;

namespace {

std::vector<std::vector<std::int32_t>> ids_of(const std::vector<GeneratedSequence>& found) {
  std::vector<std::vector<std::int32_t>> ids;
  for (const GeneratedSequence& sequence : found) ids.push_back(sequence.ids);
  return ids;
}

GenerationOptions two_beams() {
  GenerationOptions options = small_options();
  options.beams = 2;
  options.max_length = 5;
  return options;
}

}  // namespace

TEST_CASE("beam search: what transformers finds in 32 tables per setting") {
  for (const char* name : {"plain", "first", "never", "penalty_0", "penalty_2", "penalty_-1",
                           "several", "whole_context", "rules", "prompt"}) {
    INFO(name);
    CHECK(differing_tables(name) == std::vector<std::string>());
  }
}

TEST_CASE("beam search: at first only one of the equal beams continues") {
  const GenerationOptions options = two_beams();
  const BeamSearch search({1}, options);
  CHECK(search.sequences() == std::vector<Sequence>{{1}, {1}});
  CHECK(search.scores().at(0) == 0);
  CHECK(search.scores().at(1) < -1e8f);
  CHECK(search.rows() == 2);
  CHECK(search.candidates() == 4);
  CHECK_FALSE(search.done());
}

TEST_CASE("beam search: the end token counts only among the best candidates") {
  const GenerationOptions options = two_beams();
  BeamSearch search({1}, options);
  // The end token is the third best of two beams: it finishes nothing.
  search.advance(0, {{-1.0f, 0, 5}, {-1.5f, 0, 6}, {-1.6f, 0, 2}, {-2.0f, 0, 7}});
  CHECK(search.sequences() == std::vector<Sequence>{{1, 5}, {1, 6}});
  CHECK(search.scores() == std::vector<float>{-1.0f, -1.5f});
  CHECK(search.parents() == std::vector<std::size_t>{0, 0});
  CHECK_FALSE(search.done());
  // Second best now: [1, 6, 2] is finished; the beams swap.
  search.advance(0, {{-1.7f, 1, 8}, {-1.8f, 1, 2}, {-2.0f, 0, 9}, {-2.5f, 0, 3}});
  CHECK(search.sequences() == std::vector<Sequence>{{1, 6, 8}, {1, 5, 9}});
  CHECK(search.parents() == std::vector<std::size_t>{1, 0});
  CHECK_FALSE(search.done());
  CHECK(search.result().at(0).ids == Sequence{1, 6, 2});
  CHECK(search.result().at(0).finished);
  CHECK(search.result().at(0).score == -0.9f);
  // With a second finished the heuristic looks at the best beam: -1.9 / 3 is better than -0.9.
  search.advance(0, {{-1.9f, 0, 4}, {-2.1f, 1, 2}, {-2.2f, 1, 3}, {-2.3f, 0, 3}});
  CHECK_FALSE(search.done());
  CHECK(ids_of(search.result()) == std::vector<Sequence>{{1, 5, 9, 2}});
  CHECK(close(double{search.result().at(0).score}, -2.1 / 3, 1e-6));
}

TEST_CASE("beam search: first stops with as many finished captions as beams") {
  GenerationOptions options = two_beams();
  options.early_stopping = EarlyStopping::first;
  BeamSearch search({1}, options);
  search.advance(0, {{-0.1f, 0, 5}, {-9.0f, 0, 2}, {-9.5f, 0, 6}, {-9.6f, 0, 7}});
  CHECK_FALSE(search.done());
  search.advance(0, {{-0.2f, 0, 5}, {-8.0f, 0, 2}, {-9.5f, 1, 6}, {-9.6f, 1, 7}});
  CHECK(search.done());
  CHECK(search.result().at(0).ids == Sequence{1, 5, 2});
}

TEST_CASE("beam search: never waits if a longer caption could still win, heuristic does not") {
  for (const bool never : {false, true}) {
    GenerationOptions options = two_beams();
    options.early_stopping = never ? EarlyStopping::never : EarlyStopping::heuristic;
    options.length_penalty = 2;
    BeamSearch search({1}, options);
    search.advance(0, {{-1.0f, 0, 2}, {-1.2f, 0, 5}, {-2.0f, 0, 6}, {-3.0f, 0, 7}});
    CHECK_FALSE(search.done());
    // Finished: -1 and -4.4 / 4 = -1.1. Best beam: -5 / 4 = -1.25 now, but -5 / 16 at full length.
    search.advance(0, {{-4.4f, 0, 2}, {-5.0f, 0, 5}, {-6.0f, 0, 6}, {-7.0f, 0, 7}});
    CHECK(search.done() == !never);
  }
}

TEST_CASE("beam search: length_penalty decides between short and long captions") {
  const auto winner = [](float penalty) {
    GenerationOptions options = two_beams();
    options.max_length = 4;
    options.length_penalty = penalty;
    options.early_stopping = EarlyStopping::never;
    BeamSearch search({1}, options);
    search.advance(0, {{-1.0f, 0, 2}, {-1.2f, 0, 5}, {-4.0f, 0, 6}, {-5.0f, 0, 7}});
    search.advance(0, {{-1.3f, 0, 5}, {-4.2f, 1, 5}, {-6.0f, 1, 6}, {-7.0f, 1, 7}});
    search.advance(0, {{-1.4f, 0, 2}, {-1.5f, 0, 5}, {-6.0f, 1, 6}, {-7.0f, 1, 7}});
    CHECK(search.done());
    return search.result().at(0);
  };
  CHECK(winner(0).ids == Sequence{1, 2});
  CHECK(winner(0).score == -1.0f);
  CHECK(winner(1).ids == Sequence{1, 5, 5, 2});
  CHECK(close(double{winner(1).score}, -1.4 / 3, 1e-6));
  CHECK(close(double{winner(2).score}, -1.4 / 9, 1e-6));
  CHECK(winner(-1).ids == Sequence{1, 2});
  CHECK(winner(-1).score == -1.0f);
}

TEST_CASE("beam search: any word finishes a caption of maximum length") {
  GenerationOptions options = two_beams();
  options.max_length = 3;
  options.captions = 2;
  options.prompt = {4};
  BeamSearch search({1, 4}, options);
  search.advance(0, {{-1.0f, 0, 5}, {-1.5f, 0, 6}, {-1.6f, 0, 2}, {-2.0f, 0, 7}});
  CHECK(search.done());
  CHECK(ids_of(search.result()) == std::vector<Sequence>{{1, 4, 5}, {1, 4, 6}});
  CHECK(search.result().at(1).finished);
  // The prompt is not counted as generated.
  CHECK(search.result().at(0).score == -1.0f);
}

TEST_CASE("beam search: a stopped search returns the leading beam, unfinished") {
  for (const std::size_t beams : {1, 3, 4}) {
    std::stop_source stop;
    GenerationOptions options = small_options();
    options.beams = beams;
    if (beams == 4) options.beam_groups = 2;
    options.max_length = 10;
    options.min_length = 10;
    options.stop = stop.get_token();
    options.on_step = [&](const GenerationStep& step) {
      if (step.length == 4) stop.request_stop();
    };
    const auto found = generate_by_table(scrambled(21), options).at(0).at(0);
    CHECK(found.ids.size() == 4);
    CHECK_FALSE(found.finished);
    CHECK(found.score < 0);
    CHECK(found.score > -10);
  }
}

TEST_CASE("beam search: on_step is called for each picture and token") {
  for (const std::size_t beams : {1, 3}) {
    GenerationOptions options = small_options();
    options.beams = beams;
    options.max_length = 9;
    std::vector<GenerationStep> steps;
    options.on_step = [&](const GenerationStep& step) { steps.push_back(step); };
    const TableModel<> model([](int picture, const Sequence& sequence) {
      std::vector<float> logits = coca::testing::scrambled_logits(22, picture, sequence);
      logits[2] += 2;  // short captions
      return logits;
    });
    const auto found = generate_by_table(model, options, {0, 1, 2, 3, 4});
    std::vector<std::size_t> count(5, 0);
    std::vector<Sequence> last(5);
    for (const GenerationStep& step : steps) {
      ++count.at(step.picture);
      CHECK(step.length == step.ids.size());
      last[step.picture] = step.ids;
    }
    for (std::size_t i = 0; i < 5; ++i) {
      INFO("picture " << i);
      CHECK(last[i] == found[i][0].ids);
      CHECK(count[i] >= found[i][0].ids.size() - 1);
      CHECK(count[i] <= 8);
    }
    // Pictures are finished at different lengths: the others continue without them.
    CHECK(std::set<std::size_t>(count.begin(), count.end()).size() > 1);
  }
}

TEST_CASE("beam search: a picture's captions do not depend on its batch") {
  GenerationOptions options = small_options();
  options.beams = 3;
  options.captions = 3;
  options.max_length = 12;
  const auto batch = generate_by_table(scrambled(23), options, {0, 1, 2, 3, 4, 5, 6});
  for (std::size_t i = 0; i < 7; ++i) {
    const auto alone = generate_by_table(scrambled(23), options, {static_cast<float>(i)}).at(0);
    CHECK(ids_of(alone) == ids_of(batch[i]));
    for (std::size_t c = 0; c < 3; ++c) CHECK(alone.at(c).score == batch[i].at(c).score);
  }
  CHECK(generate_by_table(scrambled(23), options, {}).empty());
}
