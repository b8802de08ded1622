#include "coca/training/gradient_reduction.hpp"

#include <cstddef>
#include <memory>
#include <vector>

#include "catch.hpp"
#include "coca/autograd/operations.hpp"
#include "coca/training/step.hpp"
#include "comparison.hpp"
#include "training/small_training.hpp"

using namespace coca;
using namespace coca::testing;

namespace {

/// A sum that was begun: which gradients, and what they were then.
struct Begun {
  std::size_t first = 0, size = 0;
  std::vector<float> values;
  bool waited_for = false;
};

/// Says that there are two processes, of which the other has no gradients.
struct Recorder {
  std::shared_ptr<std::vector<Begun>> begun = std::make_shared<std::vector<Begun>>();

  struct Waiting {
    std::shared_ptr<std::vector<Begun>> begun;
    std::size_t number = 0;
    void progress() const {}
    void wait() const { (*begun)[number].waited_for = true; }
  };

  std::size_t rank() const { return 0; }
  std::size_t size() const { return 2; }
  std::vector<double> sum(std::vector<double> numbers) const { return numbers; }
  template <DifferentiableBackend B>
  Array<B> all_gather(Context<B>&, const Array<B>& features) const {
    return features;
  }
  template <DifferentiableBackend B>
  Waiting start_all_reduce(Context<B>& context, const Array<B>& gradients) const {
    begun->push_back({gradients.offset(), gradients.size(), context.to_host(gradients)});
    return {begun, begun->size() - 1};
  }
  template <DifferentiableBackend B>
  void broadcast(Context<B>&, const Array<B>&) const {}
  void barrier() const {}
};

template <DifferentiableBackend B>
void check_sums(const SmallTraining<B>& training, const std::vector<Begun>& begun) {
  const auto gradients = training.context.to_host(training.trainable.gradients());
  std::size_t end = gradients.size();
  for (const Begun& sum : begun) {
    INFO("elements from " << sum.first);
    CHECK(sum.first + sum.size == end);
    CHECK(sum.waited_for);
    CHECK(first_inequality(sum.values,
                           std::vector<float>(gradients.begin() + sum.first,
                                              gradients.begin() + sum.first + sum.size)) == "");
    end = sum.first;
  }
  CHECK(end == 0);
}

}  // namespace

TEMPLATE_TEST_CASE("sums begin when their gradients are complete", "[training]", Reference<float>,
                   Remote, Cpu<float>) {
  for (const bool recompute : {false, true})
    for (const std::size_t parts : {1, 2}) {
      INFO("recomputed blocks: " << recompute << ", parts: " << parts);
      SmallTraining<TestType> training;
      const Recorder recorder;
      TrainingStep step(
          training.task, training.trainable, training.optimizer, training.context,
          {.tape = {.recompute_blocks = recompute}, .accumulation = parts, .bucket_size = 5000},
          recorder);
      for (int i = 0; i < 3; ++i) {
        recorder.begun->clear();
        step.compute_gradients({training.pixels(), training.tokens()});
        check_sums(training, *recorder.begun);
        CHECK(recorder.begun->size() == step.reduction().bucket_count());
        const bool learnt = i > 0 || parts > 1;
        CHECK(step.reduction().begun_early() == (learnt ? recorder.begun->size() : 0));
      }
      CHECK(step.reduction().bucket_count() > 5);
    }
}

TEST_CASE("buckets have the requested size", "[training]") {
  SmallTraining<Reference<float>> training;
  const auto& entries = training.trainable.entries();
  const auto bucket_count = [&](std::size_t size) {
    return GradientReduction(training.trainable, training.context, Recorder{}, size).bucket_count();
  };
  CHECK(bucket_count(0) == entries.size());
  CHECK(bucket_count(1) == entries.size());
  CHECK(bucket_count(training.trainable.gradients().size()) == 1);
  CHECK(bucket_count(std::size_t{1} << 40) == 1);
}

TEST_CASE("a single process sums nothing", "[training]") {
  SmallTraining<Reference<float>> training;
  TrainingStep step(training.task, training.trainable, training.optimizer, training.context);
  step.compute_gradients({training.pixels(), training.tokens()});
  step.compute_gradients({training.pixels(), training.tokens()});
  CHECK(step.reduction().begun_early() == 0);
}

TEST_CASE("captions that are missing in some steps let no sum begin too early", "[training]") {
  SmallTraining<Reference<float>> training;
  const Recorder recorder;
  TrainingStep step(training.task, training.trainable, training.optimizer, training.context,
                    {.bucket_size = 5000}, recorder);
  Tokens without = training.tokens();
  for (std::size_t i = 0; i < without.ids.size(); ++i)
    if (i % without.length != 0) without.ids[i] = 0;
  for (const bool labelled : {false, true, true, false, true}) {
    recorder.begun->clear();
    step.compute_gradients({training.pixels(), labelled ? training.tokens() : without});
    check_sums(training, *recorder.begun);
  }
  step.compute_gradients({training.pixels(), training.tokens()});
  CHECK(step.reduction().begun_early() == step.reduction().bucket_count());
}

TEST_CASE("a gradient after its sum is an error", "[training]") {
  using B = Reference<float>;
  SmallTraining<B> training;
  const Recorder recorder;
  GradientReduction reduction(training.trainable, training.context, recorder, 1);
  const std::size_t last = training.trainable.entries().size() - 2;  // before logit_scale
  const auto pass = [&](std::size_t first_used, std::size_t then_used) {
    Tape<B> tape(training.context);
    training.trainable.watch(tape);
    reduction.follow(tape, GradientPass::last);
    tape.gradient(training.trainable.value(last + 1));
    Array<B> end = training.context.to_device(std::vector<float>{0}, Shape{1});
    for (const std::size_t entry : {first_used, then_used}) {
      end = training.context.to_device(std::vector<float>{0}, Shape{1});
      tape.record(end, [&, entry, end] { tape.gradient(training.trainable.value(entry)); });
      tape.gradient(end);
    }
    tape.backward();
    reduction.finish();
  };
  pass(last - 1, last);
  pass(last - 1, last);
  CHECK(reduction.begun_early() == 3);
  CHECK_THROWS_WITH(pass(last, last - 1), training.trainable.entries()[last].path +
                                              " has a gradient after its sum over all processes "
                                              "has begun: the model has recorded other "
                                              "operations than before");
}
