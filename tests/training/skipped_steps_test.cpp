#include "coca/training/skipped_steps.hpp"

#include "catch.hpp"

using namespace coca;

TEST_CASE("ten skipped steps in a row end the training", "[skipped_steps]") {
  SkippedSteps skipped;
  for (int i = 0; i < 9; ++i) skipped.record(false);
  skipped.record(true);
  CHECK(skipped.in_a_row() == 0);
  for (int i = 0; i < 9; ++i) skipped.record(false);
  CHECK(skipped.total() == 18);
  CHECK_THROWS_AS(skipped.record(false), TrainingError);
}

TEST_CASE("the error says what happened, and what may help", "[skipped_steps]") {
  SkippedSteps skipped(2);
  skipped.record(false);
  CHECK_THROWS_WITH(skipped.record(false),
                    "the loss or its gradient was not finite in 2 steps in a row: "
                    "training stops; a lower learning rate, a longer warm-up or clipping of "
                    "gradients may help");
}

TEST_CASE("the count continues where a run was interrupted", "[skipped_steps]") {
  SkippedSteps skipped(3);
  skipped.restore(7, 2);
  CHECK(skipped.total() == 7);
  CHECK_THROWS_AS(skipped.record(false), TrainingError);
}
