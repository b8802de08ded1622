#include "coca/training/mpi_communicator.hpp"

#include "backend/call.hpp"
#include "catch.hpp"
#include "coca/features.hpp"

#if COCA_HAS_MPI

#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "backend/remote.hpp"
#include "coca/training/step.hpp"
#include "comparison.hpp"
#include "training/small_training.hpp"

using namespace coca;
using namespace coca::testing;

// [mpi] is run by several processes at once (see tests/CMakeLists.txt), each of which runs all its
// test cases in the order of the file. Where they meet, nothing may leave a test case early: CHECK,
// not REQUIRE.

static_assert(Communicator<MpiCommunicator, Reference<float>>);
static_assert(Communicator<MpiCommunicator, Reference<double>>);
static_assert(Communicator<MpiCommunicator, Cpu<float>>);
static_assert(Communicator<MpiCommunicator, Remote>);

namespace {

const MpiCommunicator& processes() {
  static const MpiCommunicator all;
  return all;
}

/// Part `part` of the 16 pictures and captions, in `parts` parts.
template <DifferentiableBackend B>
Array<B> some_pixels(Context<B>& context, std::size_t part, std::size_t parts) {
  const std::vector<float> all = rows_of(stamps_forward(), "pixels", 16);
  const std::vector<typename B::value_type> values(all.begin(), all.end());
  return context.to_device(values, Shape{16, 3, 64, 64}).slice(part * 16 / parts, 16 / parts);
}

Tokens some_tokens(std::size_t part, std::size_t parts) {
  const Tokens all = tokens_of(stamps_forward(), "tokens", 16);
  const auto at = [&](std::size_t i) {
    return all.ids.begin() + static_cast<std::ptrdiff_t>(i * 16 / parts * all.length);
  };
  return {{at(part), at(part + 1)}, 16 / parts, all.length};
}

/// The stamps' model, trained by these processes.
template <DifferentiableBackend B, class Processes = SingleProcess>
struct StampsProcess {
  using Model = CoCa<stamps_coca, B>;

  explicit StampsProcess(TestedStepOptions options = {}, Processes all = {})
      : model(load<Model>(stamps_folder + "/model.safetensors", B{})),
        trainable(ready_for(options.loss.contrastive, model)),
        context(model.backend()),
        optimizer(trainable, model.backend(), {.largest_norm = 1}),
        task(model, options.task()),
        step(task, trainable, optimizer, context, options.step(), all),
        part(all.rank()),
        parts(all.size()) {}

  TrainingStepResult gradients() {
    return step.compute_gradients({some_pixels(context, part, parts), some_tokens(part, parts)});
  }
  TrainingStepResult update() {
    return step({some_pixels(context, part, parts), some_tokens(part, parts)}, 1e-3);
  }
  std::vector<float> weights() const { return context.to_host(trainable.values()); }
  std::vector<float> gradient(std::size_t entry) const {
    const auto values = context.to_host(trainable.gradient(entry));
    return {values.begin(), values.end()};
  }

  Model model;
  Trainable<Model> trainable;
  Context<B> context;
  Optimizer<Model> optimizer;
  CoCaTask<Model> task;
  TrainingStep<CoCaTask<Model>, Processes> step;
  std::size_t part, parts;
};

/// Whether the numbers are those of process 0, bit for bit.
template <DifferentiableBackend B>
bool is_shared(Context<B>& context, const std::vector<float>& values) {
  const Array<B> copy = context.to_device(values, Shape{values.size()});
  processes().broadcast(context, copy);
  const auto first = context.to_host(copy);
  const double unequal =
      std::memcmp(first.data(), values.data(), values.size() * sizeof(float)) == 0 ? 0 : 1;
  return processes().sum({unequal})[0] == 0;
}

/// Losses to 1e-5, and gradients to `tolerance` of each tensor's norm.
template <class Actual, class Expected>
void check_equal_gradients(Actual& actual, const TrainingStepResult& losses, Expected& expected,
                           const TrainingStepResult& wanted, double tolerance = 1e-5) {
  CHECK(std::abs(losses.loss("contrastive_loss") - wanted.loss("contrastive_loss")) <= 1e-5f);
  CHECK(std::abs(losses.loss("captioning_loss") - wanted.loss("captioning_loss")) <= 1e-5f);
  CHECK(losses.number("logit_scale") == wanted.number("logit_scale"));
  for (std::size_t i = 0; i < expected.trainable.entries().size(); ++i) {
    INFO(expected.trainable.entries()[i].path);
    const auto a = actual.gradient(i), e = expected.gradient(i);
    CHECK(distance(a, e) <= tolerance * norm_of(e));
    CHECK(norm_of(e) > 0);
  }
}

/// Of gradients of a batch in parts: sums of few round more.
double tolerance_of(std::size_t accumulation) {
  return 16 / (processes().size() * accumulation) < 4 ? 2e-5 : 1e-5;
}

}  // namespace

TEST_CASE("a program without mpirun is a single process, and does not initialise MPI") {
  CHECK(!started_by_mpi());
  const MpiCommunicator process;
  CHECK(process.rank() == 0);
  CHECK(process.size() == 1);
  CHECK(process.sum({2.5}) == std::vector<double>{2.5});
  Context<Reference<float>> context;
  const auto values = context.to_device(std::vector<float>{1, 2}, Shape{1, 2});
  CHECK(process.all_gather(context, values).buffer().id() == values.buffer().id());
  auto reduction = process.start_all_reduce(context, values);
  reduction.progress();
  reduction.wait();
  process.broadcast(context, values);
  process.barrier();
  CHECK(context.to_host(values) == std::vector<float>{1, 2});
  int started = 0;
  MPI_Initialized(&started);
  CHECK(started == 0);
}

TEST_CASE("there are as many processes as mpirun was told to start", "[.mpi]") {
  const char* wanted = std::getenv("COCA_TEST_PROCESSES");
  REQUIRE(wanted != nullptr);
  CHECK(std::to_string(processes().size()) == wanted);
  CHECK(started_by_mpi());
  CHECK(processes().rank() < processes().size());
  processes().barrier();
}

TEMPLATE_TEST_CASE("numbers and arrays are summed, gathered and copied", "[.mpi]", Reference<float>,
                   Remote, Reference<double>) {
  using Values = std::vector<typename TestType::value_type>;
  const auto n = processes().size();
  const auto rank = static_cast<double>(processes().rank()), count = static_cast<double>(n);
  const double ranks = count * (count - 1) / 2;
  CHECK(processes().sum({rank, 1}) == std::vector<double>{ranks, count});
  Context<TestType> context;
  const auto own = static_cast<typename TestType::value_type>(rank);
  const auto features = context.to_device(Values{own, own + 1, own + 2, own + 3}, Shape{2, 2});
  const auto all = processes().all_gather(context, features);
  CHECK(all.shape() == Shape{2 * n, 2});
  const auto gathered = context.to_host(all);
  for (std::size_t i = 0; i < gathered.size(); ++i)
    CHECK(gathered[i] == static_cast<typename TestType::value_type>(i / 4 + i % 4));
  auto reduction = processes().start_all_reduce(context, features.slice(1, 1));
  reduction.progress();
  reduction.wait();
  const auto sum = context.to_host(features);
  CHECK(sum[1] == own + 1);
  CHECK(sum[2] == static_cast<typename TestType::value_type>(ranks + 2 * count));
  CHECK(sum[3] == static_cast<typename TestType::value_type>(ranks + 3 * count));
  processes().broadcast(context, features);
  CHECK(context.to_host(features)[1] == 1);
}

TEMPLATE_TEST_CASE("the gradient of gathered features is summed over the processes", "[.mpi]",
                   Reference<float>, Remote) {
  const auto n = processes().size(), rank = processes().rank();
  Context<TestType> context;
  const auto features = context.to_device(std::vector<float>{1, 2}, Shape{1, 2});
  const auto gradient = context.to_device(std::vector<float>{10, 20}, Shape{1, 2});
  Tape<TestType> tape(context);
  tape.watch(features, gradient);
  const Recording<TestType> recording(context, &tape);
  const auto all = processes().all_gather(context, features);
  std::vector<float> of_all(2 * n);  // rank + place
  for (std::size_t i = 0; i < of_all.size(); ++i) of_all[i] = static_cast<float>(rank + i);
  call<ops::Accumulate>(context.backend(), context.to_device(of_all, all.shape()),
                        tape.gradient(all));
  tape.backward();
  const float ranks = static_cast<float>(n * (n - 1) / 2);
  const auto sum = context.to_host(gradient);
  CHECK(sum[0] == 10 + ranks + static_cast<float>(n * 2 * rank));
  CHECK(sum[1] == 20 + ranks + static_cast<float>(n * (2 * rank + 1)));
}

TEST_CASE("processes whose batches differ in size learn of it everywhere", "[.mpi]") {
  Context<Reference<float>> context;
  const std::size_t rows = processes().rank() == 1 ? 3 : 2;
  const auto features = context.empty(Shape{rows, 4});
  CHECK_THROWS_WITH(processes().all_gather(context, features),
                    "the batches of all processes must be of one size: process 1 has features "
                    "[3, 4], process 0 has [2, 4]");
  CHECK_THROWS_AS(processes().all_gather(context, features.reshaped({rows * 4})), ShapeError);
}

TEST_CASE("processes compute the losses and gradients of one with all pictures", "[.mpi]") {
  using B = Cpu<float>;
  StampsProcess<B> one;
  const TrainingStepResult wanted = one.gradients();
  for (const bool recompute : {false, true})
    for (const std::size_t accumulation : {1, 2})
      for (const std::size_t bucket_size : {std::size_t{20000}, std::size_t{1} << 20}) {
        INFO("recomputed blocks: " << recompute << ", parts: " << accumulation
                                   << ", bucket size: " << bucket_size);
        StampsProcess<B, MpiCommunicator> some({.tape = {.recompute_blocks = recompute},
                                                .accumulation = accumulation,
                                                .bucket_size = bucket_size},
                                               processes());
        const double tolerance = tolerance_of(accumulation);
        check_equal_gradients(some, some.gradients(), one, wanted, tolerance);
        // With parts, the first one has taught what the last one needs to know.
        const std::size_t buckets = some.step.reduction().bucket_count();
        CHECK((some.step.reduction().begun_early() == 0) == (accumulation == 1));
        const auto first = some.context.to_host(some.trainable.gradients());
        check_equal_gradients(some, some.gradients(), one, wanted, tolerance);
        CHECK(some.step.reduction().begun_early() == buckets);
        CHECK((buckets > 4) == (bucket_size == 20000));
        CHECK(first_inequality(some.context.to_host(some.trainable.gradients()), first) == "");
        CHECK(is_shared(some.context, first));
      }
}

TEST_CASE("processes have SigLIP's loss and gradients of one with all pictures", "[.mpi]") {
  using B = Cpu<float>;
  const CoCaLossOptions loss{.contrastive = ContrastiveKind::sigmoid};
  StampsProcess<B> one({.loss = loss});
  const TrainingStepResult wanted = one.gradients();
  for (const std::size_t accumulation : {1, 2}) {
    INFO("parts: " << accumulation);
    StampsProcess<B, MpiCommunicator> some({.loss = loss, .accumulation = accumulation},
                                           processes());
    check_equal_gradients(some, some.gradients(), one, wanted, tolerance_of(accumulation));
  }
}

TEST_CASE("gradients of several processes differ by nothing but rounding", "[.mpi]") {
  using B = Reference<double>;
  StampsProcess<B> one;
  const TrainingStepResult wanted = one.gradients();
  StampsProcess<B, MpiCommunicator> some({.accumulation = 2}, processes());
  check_equal_gradients(some, some.gradients(), one, wanted, 1e-7);  // compared as floats
}

TEST_CASE("processes train like one, and keep the same weights", "[.mpi]") {
  using B = Cpu<float>;
  StampsProcess<B> one;
  StampsProcess<B, MpiCommunicator> some({.bucket_size = 20000}, processes());
  const std::vector<float> before = some.weights();
  for (int i = 0; i < 3; ++i) {
    const TrainingStepResult wanted = one.update(), result = some.update();
    CHECK(result.applied);
    CHECK(std::abs(result.gradient_norm - wanted.gradient_norm) <= 1e-4f * wanted.gradient_norm);
    CHECK(std::abs(result.loss("captioning_loss") - wanted.loss("captioning_loss")) <= 1e-4f);
    CHECK(std::abs(result.loss("contrastive_loss") - wanted.loss("contrastive_loss")) <= 1e-4f);
  }
  const std::vector<float> weights = some.weights();
  CHECK(first_inequality(weights, before) != "");
  CHECK(distance(weights, before) > 100 * distance(weights, one.weights()));
  CHECK(is_shared(some.context, weights));
}

TEMPLATE_TEST_CASE("processes train on every backend", "[.mpi]", Reference<float>, Remote) {
  SmallTraining<TestType> training;
  TrainingStep step(training.task, training.trainable, training.optimizer, training.context,
                    {.accumulation = 2, .bucket_size = 5000}, processes());
  TrainingStepResult first{}, last{};
  for (int i = 0; i < 3; ++i) {
    last = step({training.pixels(), training.tokens()}, 1e-3);
    if (i == 0) first = last;
  }
  CHECK(first.applied);
  CHECK(last.loss("captioning_loss") < first.loss("captioning_loss"));
  CHECK(step.reduction().begun_early() == step.reduction().bucket_count());
  CHECK(is_shared(training.context, training.context.to_host(training.trainable.values())));
}

TEST_CASE("a picture of NaN on one process makes all skip the step", "[.mpi]") {
  using B = Cpu<float>;
  for (const std::size_t accumulation : {1, 2}) {
    SmallTraining<B> training;
    TrainingStep step(training.task, training.trainable, training.optimizer, training.context,
                      {.accumulation = accumulation, .bucket_size = 5000}, processes());
    CHECK(step({training.pixels(), training.tokens()}, 1e-3).applied);
    const auto before = training.everything();
    auto pixels = training.context.to_host(training.pixels());
    if (processes().rank() == 1) pixels[5] = std::numeric_limits<float>::quiet_NaN();
    const TrainingStepResult result = step(
        {training.context.to_device(pixels, training.pixels().shape()), training.tokens()}, 1e-3);
    CHECK(!result.applied);
    CHECK(std::isnan(result.gradient_norm));
    CHECK(first_inequality(training.everything(), before) == "");
    CHECK(step({training.pixels(), training.tokens()}, 1e-3).applied);
    CHECK(is_shared(training.context, training.context.to_host(training.trainable.values())));
  }
}

TEST_CASE("labels that are missing on one process in some steps do no harm", "[.mpi]") {
  using B = Cpu<float>;
  SmallTraining<B> training;
  TrainingStep step(training.task, training.trainable, training.optimizer, training.context,
                    {.bucket_size = 5000}, processes());
  Tokens without = training.tokens();
  for (std::size_t i = 0; i < without.ids.size(); ++i)
    if (i % without.length != 0) without.ids[i] = 0;
  for (const bool labelled : {false, true, true, false, true}) {
    const bool some = labelled || processes().rank() != 0;
    CHECK(step({training.pixels(), some ? training.tokens() : without}, 1e-3).applied);
  }
  CHECK(is_shared(training.context, training.context.to_host(training.trainable.values())));
}

TEST_CASE("a broadcast makes weights those of the first process", "[.mpi]") {
  SmallTraining<Remote> training;
  const auto& values = training.trainable.values();
  call<ops::Scale>(training.context.backend(), values, static_cast<float>(1 + processes().rank()));
  CHECK(!is_shared(training.context, training.context.to_host(values)));
  processes().broadcast(training.context, values);
  CHECK(is_shared(training.context, training.context.to_host(values)));
}

#else

#include <cstdlib>

TEST_CASE("many processes need MPI, one does not") {
  CHECK(coca::MpiCommunicator().size() == 1);
  ::setenv("PMIX_RANK", "0", 1);
  CHECK_THROWS_AS(coca::MpiCommunicator(), coca::UnavailableError);
  CHECK_THROWS_WITH(
      coca::MpiCommunicator(),
      "training with several processes needs MPI, which this build of coca does not have");
  ::unsetenv("PMIX_RANK");
}

#endif
