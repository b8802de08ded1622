#include "coca/generation/options.hpp"

#include <cmath>
#include <limits>
#include <string>

#include "catch.hpp"
#include "io/temporary_folder.hpp"

using namespace coca;

namespace {

// The message of checked() for options that `change` has changed, a context of 20 tokens and a
// vocabulary of 50 words.
template <class Change>
std::string message(Change change) {
  GenerationOptions options;
  options.tokens = {.start = 1, .end = 2, .pad = 0};
  change(options);
  return coca_test::message_of([&] { checked(options, 20, 50); });
}

}  // namespace

TEST_CASE("generation options: defaults are OpenCLIP's") {
  const GenerationOptions options = checked({}, 76, 49408);
  CHECK(options.beams == 6);
  CHECK(options.beam_groups == 1);
  CHECK(options.min_length == 5);
  CHECK(options.max_length == 30);
  CHECK(options.length_penalty == 1);
  CHECK(options.tokens.start == 49406);
  CHECK(options.tokens.end == 49407);
  CHECK(options.tokens.pad == 0);
  CHECK(checked({}, 23, 49408).max_length == 23);
  CHECK(open_clip_3_3().beams == 6);
  CHECK(open_clip_3_3().beam_groups == 3);
  CHECK(open_clip_3_3().rules == SearchRules::open_clip_3_3);
}

TEST_CASE("generation options: what is possible passes") {
  CHECK(message([](auto&) {}) == "no error");
  CHECK(message([](auto& o) { o.max_length = 20; }) == "no error");
  CHECK(message([](auto& o) { o.beams = 25; }) == "no error");
  CHECK(message([](auto& o) { o.beams = 1; }) == "no error");
  CHECK(message([](auto& o) { o.captions = 6; }) == "no error");
  CHECK(message([](auto& o) { o.prompt = {3, 49}; }) == "no error");
  CHECK(message([](auto& o) { o.beams = 1, o.sample = true, o.captions = 9; }) == "no error");
}

TEST_CASE("generation options: lengths") {
  CHECK(message([](auto& o) { o.max_length = 21; }) ==
        "max_length 21 is more than the model's context of 20 tokens");
  CHECK(message([](auto& o) { o.min_length = 21; }) == "min_length 21 is more than max_length 20");
  CHECK(message([](auto& o) { o.max_length = 8, o.min_length = 9; }) ==
        "min_length 9 is more than max_length 8");
  CHECK(message([](auto& o) { o.max_length = 8, o.prompt = {1, 2, 3, 4, 5, 6, 7}; }) ==
        "a prompt of 8 tokens (start token included) leaves no room below max_length 8");
}

TEST_CASE("generation options: beams and groups") {
  CHECK(message([](auto& o) { o.beams = 0; }) == "beams must be between 1 and 1024, got 0");
  CHECK(message([](auto& o) { o.beams = 1025; }) == "beams must be between 1 and 1024, got 1025");
  CHECK(message([](auto& o) { o.beams = 26; }) ==
        "26 beams need a vocabulary of at least twice as many words, got 50");
  CHECK(message([](auto& o) { o.beam_groups = 4; }) ==
        "beams must be a multiple of beam_groups, got 6 and 4");
  CHECK(message([](auto& o) { o.beam_groups = 0; }) ==
        "beams must be a multiple of beam_groups, got 6 and 0");
  CHECK(message([](auto& o) { o.beam_groups = 2, o.sample = true; }) ==
        "groups of beams cannot be sampled");
  CHECK(message([](auto& o) { o.diversity_penalty = -1; }) ==
        "diversity_penalty must not be negative");
}

TEST_CASE("generation options: sampling and penalties") {
  CHECK(message([](auto& o) { o.temperature = 0; }) ==
        "temperature must be positive, got 0.000000");
  CHECK(message([](auto& o) { o.temperature = std::stof("nan"); }) ==
        "temperature must be positive, got nan");
  CHECK(message([](auto& o) { o.top_p = 0; }) ==
        "top_p must be above 0 and at most 1, got 0.000000");
  CHECK(message([](auto& o) { o.top_p = 1.5f; }) ==
        "top_p must be above 0 and at most 1, got 1.500000");
  CHECK(message([](auto& o) { o.repetition_penalty = -2; }) ==
        "repetition_penalty must be positive, got -2.000000");
}

TEST_CASE("generation options: penalties are finite") {
  const float infinity = std::numeric_limits<float>::infinity();
  CHECK(message([&](auto& o) { o.length_penalty = infinity; }) ==
        "length_penalty must be finite, got inf");
  CHECK(message([&](auto& o) { o.length_penalty = -infinity; }) ==
        "length_penalty must be finite, got -inf");
  CHECK(message([&](auto& o) { o.length_penalty = std::nanf(""); }) ==
        "length_penalty must be finite, got nan");
  CHECK(message([&](auto& o) { o.repetition_penalty = infinity; }) ==
        "repetition_penalty must be finite, got inf");
  CHECK(message([&](auto& o) { o.diversity_penalty = infinity; }) ==
        "diversity_penalty must be finite, got inf");
  CHECK(message([&](auto& o) { o.length_penalty = -3; }) == "no error");
}

TEST_CASE("generation options: numbers of captions") {
  CHECK(message([](auto& o) { o.captions = 0; }) == "captions must be at least 1");
  CHECK(message([](auto& o) { o.captions = 1025; }) == "captions must be at most 1024, got 1025");
  CHECK(message([](auto& o) { o.captions = 7; }) == "7 captions need as many beams, got 6");
  CHECK(message([](auto& o) { o.beams = 1, o.captions = 2; }) ==
        "greedy search finds one caption; use beams or sampling to get 2");
}

TEST_CASE("generation options: rules of OpenCLIP 3.3") {
  const std::string sentence = "OpenCLIP 3.3's search needs at least two beams and does not sample";
  CHECK(message([](auto& o) { o.rules = SearchRules::open_clip_3_3; }) == "no error");
  CHECK(message([](auto& o) { o.rules = SearchRules::open_clip_3_3, o.sample = true; }) ==
        sentence);
  CHECK(message([](auto& o) { o.rules = SearchRules::open_clip_3_3, o.beams = 1; }) == sentence);
}

TEST_CASE("generation options: tokens") {
  const std::string sentence = "start, end and padding tokens must be in the vocabulary of 50";
  CHECK(message([](auto& o) { o.tokens.start = 50; }) == sentence);
  CHECK(message([](auto& o) { o.tokens.end = -1; }) == sentence);
  CHECK(message([](auto& o) { o.tokens.pad = 50; }) == sentence);
  CHECK(message([](auto& o) {
          o.prompt = {3, 50};
        }) == "prompt token 50 is outside the vocabulary");
  CHECK(message([](auto& o) { o.prompt = {-1}; }) == "prompt token -1 is outside the vocabulary");
}
