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

// Every weight, saved in half precision, is the loaded one rounded once.
template <class Half, class Model>
void check_rounded(DType dtype, typename Model::backend_type backend = {}) {
  const coca_test::TemporaryFolder folder;
  const Checkpoint weights = variant_weights("coca_plain");
  save_weights(model_of<Model>(weights, backend), folder.path("model.safetensors"), dtype);
  const Checkpoint saved = open_checkpoint(folder.path("model.safetensors"));
  CHECK(saved.names() == weights.names());
  for (const std::string& name : weights.names()) {
    INFO(name << " as " << to_string(dtype));
    CHECK(saved.tensor(name).dtype == dtype);
    CHECK(saved.tensor(name).shape == weights.tensor(name).shape);
    std::vector<float> expected = weights.read_floats(name);
    for (float& value : expected) value = static_cast<float>(Half(value));
    CHECK(first_inequality(saved.read_floats(name), expected) == "");
  }
}

}  // namespace

TEST_CASE("Weights saved in half precision are rounded to nearest", "[saving]") {
  const Cpu<float> packed(CpuOptions{.gemm = GemmKind::packed});
  check_rounded<float16, CoCa<plain, Cpu<float>>>(DType::F16, packed);
  check_rounded<bfloat16, CoCa<plain, Cpu<float>>>(DType::BF16, packed);
  check_rounded<float16, CoCa<plain, Remote>>(DType::F16);
  check_rounded<bfloat16, CoCa<plain, Remote>>(DType::BF16);
}

TEST_CASE("Weights kept in bfloat16 are saved as they were rounded", "[saving]") {
  check_rounded<bfloat16, CoCa<plain, Cpu<bfloat16>>>(DType::BF16);
}

TEST_CASE("Saved weights are the loaded ones, packed for the processor", "[saving]") {
  const Cpu<float> packed(CpuOptions{.gemm = GemmKind::packed});
  check_round_trip<CoCa<plain, Cpu<float>>>(variant_weights("coca_plain"), packed);
  check_round_trip<CoCa<cascade_variant, Cpu<float>>>(variant_weights("coca_cascade"), packed);
}

TEST_CASE("Saved weights are the loaded ones, on a remote device", "[saving]") {
  check_round_trip<CoCa<plain, Remote>>(variant_weights("coca_plain"));
}

TEST_CASE("Saved weights are the loaded ones if a table is written in several pieces", "[saving]") {
  const Checkpoint weights = open_checkpoint(stamps_folder + "/model.safetensors");
  REQUIRE(weights.tensor("text.token_embedding.weight").shape.size() > 3'000'000);
  check_round_trip<CoCa<stamps_coca, Cpu<float>>>(weights);
}

TEST_CASE("Saved weights are the loaded ones, whichever kernels multiply", "[saving]") {
  for (const GemmKind kind : gemm_kinds())
    check_round_trip<CoCa<plain, Cpu<float>>>(variant_weights("coca_plain"),
                                              Cpu<float>(CpuOptions{.gemm = kind}));
}
