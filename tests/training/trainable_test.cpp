#include "coca/training/trainable.hpp"

#include <string>
#include <vector>

#include "backend/call.hpp"
#include "catch.hpp"
#include "comparison.hpp"
#include "models/tested_models.hpp"

using namespace coca;
using namespace coca::testing;

namespace {

template <class B>
using Model = CoCa<plain, B>;

/// Parameters that fill no cache line.
struct Odd {
  using backend_type = Reference<float>;
  Linear<Reference<float>> first{"first", {.in = 3, .out = 5}};
  Linear<Reference<float>> second{"visual.second", {.in = 5, .out = 1}};

  backend_type backend() const { return {}; }
  template <class Self, class Visitor>
  static void for_each_parameter(Self& self, Visitor&& visit) {
    Linear<backend_type>::for_each_parameter(self.first, visit);
    Linear<backend_type>::for_each_parameter(self.second, visit);
  }
};

bool behind_visual(const std::string& path) { return !path.starts_with("visual."); }

}  // namespace

TEMPLATE_TEST_CASE("binding leaves every weight unchanged", "[trainable]", Reference<float>, Remote,
                   Cpu<float>) {
  auto model = random_model<Model<TestType>>();
  const auto before = all_weights(model);
  const Trainable<Model<TestType>> all(model);
  CHECK(first_inequality(all_weights(model), before) == "");
  CHECK(all.frozen_entries().empty());
  const Trainable<Model<TestType>> some(model, behind_visual);  // binding again
  CHECK(first_inequality(all_weights(model), before) == "");
}

TEMPLATE_TEST_CASE("what is written to the values is what the model has", "[trainable]",
                   Reference<float>, Remote, Cpu<float>) {
  auto model = random_model<Model<TestType>>();
  const Trainable<Model<TestType>> trainable(model, behind_visual);
  call<ops::Fill>(model.backend(), trainable.values(), 0.5f);
  std::size_t changed = 0;
  for_each_parameter(model, [&](const auto& parameter) {
    const WeightSource source = parameter.store(model.backend());
    std::vector<float> values(source.shape.size());
    source.read(0, source.rows(), values.data());
    const bool all_half = values == std::vector<float>(values.size(), 0.5f);
    CHECK(all_half == behind_visual(parameter.path()));
    changed += all_half ? 1 : 0;
  });
  CHECK(changed == trainable.entries().size());
}

TEST_CASE("entries are the model's parameters, on whole cache lines", "[trainable]") {
  Odd model;
  initialize(model, 1);
  const Trainable<Odd> trainable(model, behind_visual);
  std::vector<std::string> trained, frozen;
  for_each_parameter(model, [&](const auto& parameter) {
    (behind_visual(parameter.path()) ? trained : frozen).push_back(parameter.path());
  });
  const auto check = [](const std::vector<TrainableEntry>& entries,
                        const std::vector<std::string>& paths) {
    REQUIRE(entries.size() == paths.size());
    std::size_t end = 0;
    for (std::size_t i = 0; i < entries.size(); ++i) {
      CHECK(entries[i].path == paths[i]);
      CHECK(entries[i].offset % 16 == 0);
      CHECK(entries[i].offset >= end);
      end = entries[i].offset + entries[i].size();
    }
  };
  check(trainable.entries(), trained);
  check(trainable.frozen_entries(), frozen);
  CHECK(trainable.values().shape() == Shape{32});
}

TEMPLATE_TEST_CASE("a tape adds to the gradients of what is trained", "[trainable]",
                   Reference<float>, Remote, Cpu<float>) {
  auto model = random_model<Model<TestType>>();
  const Trainable<Model<TestType>> trainable(model, behind_visual);
  Context<TestType> context(model.backend());
  const auto sum_of_squares = [&] {
    const auto sum = context.to_device(std::vector<float>{0}, Shape{1});
    call<ops::SumOfSquares>(model.backend(), trainable.gradients(), sum);
    return context.to_host(sum)[0];
  };
  CHECK(sum_of_squares() == 0);
  Tape<TestType> tape(context);
  trainable.watch(tape);
  CHECK(tape.follows(model.logit_scale()));
  {
    const Recording<TestType> recording(context, &tape);
    const auto text = model.encode_text(context, {{1, 5, 2, 0}, 1, 4});
    call<ops::Fill>(model.backend(), tape.gradient(text.embedding), 1.0f);
  }
  tape.backward();
  CHECK(sum_of_squares() > 0);
  trainable.zero_gradients();
  CHECK(sum_of_squares() == 0);
}

TEMPLATE_TEST_CASE("forgotten gradients equal zeroed ones", "[trainable]", Reference<float>, Remote,
                   Cpu<float>) {
  auto model = random_model<Model<TestType>>();
  const Trainable<Model<TestType>> trainable(model, behind_visual);
  Context<TestType> context(model.backend());
  const auto gradients_of_a_text = [&] {
    Tape<TestType> tape(context);
    trainable.watch(tape);
    {
      const Recording<TestType> recording(context, &tape);
      const auto text = model.encode_text(context, {{1, 5, 2, 0}, 1, 4});
      call<ops::Fill>(model.backend(), tape.gradient(text.embedding), 1.0f);
    }
    tape.backward();
    trainable.settle_gradients();
    return context.to_host(trainable.gradients());
  };
  const std::vector<float> expected = gradients_of_a_text();
  for (std::size_t i = 0; i < trainable.entries().size(); ++i)
    call<ops::Fill>(model.backend(), trainable.gradient(i), 7.0f);
  trainable.forget_gradients();
  CHECK(gradients_of_a_text() == expected);
  trainable.zero_gradients();
  CHECK(gradients_of_a_text() == expected);
}
