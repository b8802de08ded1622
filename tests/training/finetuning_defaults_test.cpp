#include "coca/training/finetuning_defaults.hpp"

#include "catch.hpp"
#include "coca/training/training_choices.hpp"
#include "coca/training/training_options_json.hpp"

using namespace coca;

namespace finetuning_defaults_test {

TEST_CASE("Tasks on questions and sentences start from the paper's choices", "[training]") {
  TrainingOptions options;
  options.task = "entailment";
  set_finetuning_defaults(options);
  CHECK(options.step.batch_size == 128);
  CHECK(options.step.optimizer == OptimizerKind::adafactor);
  CHECK(options.step.warmup_steps == 1000);
  CHECK(options.step.weight_decay == 0.1);
  CHECK(options.step.clip_norm == 1);
  CHECK(options.data.augmentation.rand_augment.operations == 1);
  CHECK(options.data.augmentation.rand_augment.magnitude == 10);
  // The head learns at 1e-3, the rest at 5e-5.
  const auto rates = coca::detail::rate_factors(options.step.rate);
  CHECK(options.step.learning_rate * static_cast<double>(rate_factor("visual.proj", rates)) ==
        Approx(5e-5));
  CHECK(options.step.learning_rate *
            static_cast<double>(rate_factor("text_decoder.ln_final.weight", rates)) ==
        Approx(5e-5));
  CHECK(rate_factor("entailment_head.bias", rates) == 1);
  set_finetuning_steps(options);
  CHECK(options.step.steps == 50'000);
}

TEST_CASE("Pairs of pictures are not augmented, and questions have a captioning loss",
          "[training]") {
  TrainingOptions pairs, questions;
  pairs.task = "pairs";
  questions.task = "vqa";
  set_finetuning_defaults(pairs);
  set_finetuning_defaults(questions);
  CHECK_FALSE(pairs.data.augment);
  CHECK(questions.data.augment);
  CHECK(questions.step.caption_weight == 1);
  CHECK(questions.step.learning_rate == 5e-4);
  questions.step.epochs = 3;
  set_finetuning_steps(questions);
  CHECK(questions.step.steps == 0);
}

TEST_CASE("Other tasks keep their defaults", "[training]") {
  TrainingOptions options;
  options.task = "coca";
  set_finetuning_defaults(options);
  set_finetuning_steps(options);
  TrainingOptions plain;
  plain.task = "coca";
  CHECK(to_json(options) == to_json(plain));
}

}  // namespace finetuning_defaults_test
