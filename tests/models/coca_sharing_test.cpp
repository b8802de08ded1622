// One constant model, many requests.
#include <thread>
#include <vector>

#include "catch.hpp"
#include "comparison.hpp"
#include "models/tested_models.hpp"

using namespace coca;
using namespace coca::testing;

namespace {

// Logits of the variant's pictures and texts [first, first + 2).
template <class Model>
std::vector<float> logits(Context<typename Model::backend_type>& context, const Model& model,
                          std::size_t first) {
  const Checkpoint file = variant("coca_plain");
  const auto pixels = device_rows(context, file, "x.image", 4).slice(first, 2);
  const auto ids = file.read_int64("x.text");
  const auto begin = ids.begin() + static_cast<std::ptrdiff_t>(first * 15);
  const auto image = model.encode_image(context, pixels);
  return context.to_host(
      model.caption_logits(context, image.tokens, Tokens{{begin, begin + 30}, 2, 15}));
}

// Some words about two pictures.
template <class Model>
void decode(Context<typename Model::backend_type>& context, const Model& model, int words) {
  const auto image =
      model.encode_image(context, device_rows(context, variant("coca_plain"), "x.image", 2));
  auto decoding = model.start_decoding(context, image.tokens, 40);
  for (std::int32_t word = 0; word < words; ++word) {
    // A queue that is never waited for would hold on to every tensor of the past.
    context.to_host(model.extend(context, decoding, Tokens{{word + 1, word + 2}, 2, 1}));
    model.reorder(context, decoding, {1, 0});
  }
}

template <class B>
void check_threads() {
  const auto model = model_of<CoCa<plain, B>>(variant_weights("coca_plain"));
  Context<B> context(model.backend());
  const std::vector<std::vector<float>> alone{logits(context, model, 0), logits(context, model, 2)};
  std::vector<std::vector<float>> results(8);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < 2; ++t)
    threads.emplace_back([&model, &results, t] {
      Context<B> own(model.backend());
      for (std::size_t call = 0; call < 4; ++call)
        results[t * 4 + call] = logits(own, model, 2 * t);
    });
  for (auto& thread : threads) thread.join();
  for (std::size_t i = 0; i < results.size(); ++i)
    CHECK(first_inequality(results[i], alone[i / 4]) == "");
}

}  // namespace

TEST_CASE("Threads share a model", "[sharing]") {
  check_threads<Reference<float>>();
  check_threads<Cpu<float>>();
}

TEST_CASE("The second request of a context allocates nothing", "[sharing]") {
  const auto model = model_of<CoCa<plain, Remote>>(variant_weights("coca_plain"));
  Context<Remote> context(model.backend());
  logits(context, model, 0);
  const std::uint64_t before = RemoteMemory::allocations();
  const auto first = logits(context, model, 2);
  CHECK(RemoteMemory::allocations() == before);
  CHECK(first_inequality(logits(context, model, 2), first) == "");
  CHECK(RemoteMemory::allocations() == before);
}

TEST_CASE("A second caption of a context allocates nothing", "[sharing]") {
  const auto model = model_of<CoCa<plain, Remote>>(variant_weights("coca_plain"));
  Context<Remote> context(model.backend());
  decode(context, model, 10);
  const std::uint64_t before = RemoteMemory::allocations();
  decode(context, model, 10);
  CHECK(RemoteMemory::allocations() == before);
  decode(context, model, 5);
  CHECK(RemoteMemory::allocations() == before);
}
