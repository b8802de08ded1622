// Weights that were saved and loaded again are the same to the last bit, however a backend packs
// them.
#include "catch.hpp"
#include "comparison.hpp"
#include "io/temporary_folder.hpp"
#include "models/tested_models.hpp"

using namespace coca;
using namespace coca::testing;

namespace {

// What a model does not share with what it was saved from.
template <class Model>
void check_round_trip(const Checkpoint& weights, typename Model::backend_type backend = {}) {
  const coca_test::TemporaryFolder folder;
  const Model model = model_of<Model>(weights, backend);
  save_weights(model, folder.path("model.safetensors"));
  const Checkpoint saved = open_checkpoint(folder.path("model.safetensors"));
  CHECK(saved.names() == weights.names());
  for (const std::string& name : weights.names()) {
    INFO(name);
    CHECK(saved.tensor(name).dtype == DType::F32);
    CHECK(first_inequality(saved.read_floats(name), weights.read_floats(name)) == "");
  }
  const Model again = load<Model>(folder.path("model.safetensors"), backend);
  CHECK(first_inequality(all_weights(again), all_weights(model)) == "");
}

}  // namespace

TEST_CASE("Saved weights are the loaded ones, packed for the processor", "[saving]") {
  const Cpu<float> packed(CpuOptions{.gemm = GemmKind::packed});
  check_round_trip<CoCa<plain, Cpu<float>>>(variant_weights("coca_plain"), packed);
  check_round_trip<CoCa<cascade_variant, Cpu<float>>>(variant_weights("coca_cascade"), packed);
}

TEST_CASE("Saved weights are the loaded ones, on a remote device", "[saving]") {
  check_round_trip<CoCa<plain, Remote>>(variant_weights("coca_plain"));
}

TEST_CASE("Saved weights are the loaded ones, whoever multiplies", "[saving]") {
  for (const GemmKind kind : gemm_kinds())
    check_round_trip<CoCa<plain, Cpu<float>>>(variant_weights("coca_plain"),
                                              Cpu<float>(CpuOptions{.gemm = kind}));
}
