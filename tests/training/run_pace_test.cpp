#include "coca/training/run_pace.hpp"

#include "catch.hpp"

using namespace coca;

namespace {

TrainingState at_step(std::uint64_t step, std::uint64_t validated = 0) {
  TrainingState state;
  state.step = step;
  state.validated_step = validated;
  return state;
}

}  // namespace

TEST_CASE("a run validates each epoch, or every so many steps, and at its end", "[run_pace]") {
  TrainingOptions options;
  options.step.epochs = 3;
  const RunPace by_epoch(options, 7);
  CHECK(by_epoch.steps() == 21);
  for (std::uint64_t step = 0; step <= 21; ++step)
    CHECK(by_epoch.validation_is_due(at_step(step)) == (step != 0 && step % 7 == 0));
  options.step.steps = 12;
  options.validation_steps = 5;
  const RunPace by_steps(options, 7);
  CHECK(by_steps.steps() == 12);
  for (std::uint64_t step = 0; step <= 12; ++step)
    CHECK(by_steps.validation_is_due(at_step(step)) == (step == 5 || step == 10 || step == 12));
  CHECK_FALSE(by_steps.validation_is_due(at_step(10, 10)));
  CHECK(by_steps.all_steps_done(at_step(12)));
  CHECK_FALSE(by_steps.all_steps_done(at_step(11)));
}

TEST_CASE("a run saves by steps and by minutes, each step once", "[run_pace]") {
  TrainingOptions options;
  options.step.steps = 12;
  options.checkpoint_steps = 4;
  RunPace pace(options, 7);
  pace.start(4);
  CHECK_FALSE(pace.checkpoint_is_due(at_step(4)));  // resumed from it
  CHECK_FALSE(pace.checkpoint_is_due(at_step(7)));
  CHECK(pace.checkpoint_is_due(at_step(8)));
  pace.note_checkpoint(8);
  CHECK_FALSE(pace.checkpoint_is_due(at_step(8)));
  CHECK(pace.checkpoint_is_due(at_step(12)));
  options.checkpoint_steps = 0;
  options.checkpoint_minutes = 1e-12;
  RunPace by_minutes(options, 7);
  by_minutes.start(0);
  CHECK_FALSE(by_minutes.checkpoint_is_due(at_step(0)));
  CHECK(by_minutes.checkpoint_is_due(at_step(1)));
}
