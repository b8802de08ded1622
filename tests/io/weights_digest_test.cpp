#include "coca/io/weights_digest.hpp"

#include <filesystem>
#include <numeric>
#include <vector>

#include "catch.hpp"
#include "coca/io/safetensors.hpp"
#include "coca/io/safetensors_writer.hpp"
#include "temporary_folder.hpp"

using namespace coca;
using coca_test::TemporaryFolder;

namespace {

struct Weights {
  std::vector<float> matrix = std::vector<float>(20 * 3, 0.5f);
  std::vector<float> bias = {1, 2, 3};
  DType dtype = DType::F32;
  Shape shape = Shape{20, 3};
};

std::string digest_of(const Weights& weights, const std::string& name = "w") {
  const TemporaryFolder folder;
  const std::string path = folder.path("any name");
  SafetensorsWriter writer(path,
                           {{name, weights.shape, weights.dtype}, {"bias", Shape{3}, DType::F32}});
  for (const auto& tensor : writer.tensors())
    writer.write(tensor.name, tensor.name == "bias" ? weights.bias : weights.matrix);
  writer.commit();
  return weights_digest(read_safetensors(path));
}

}  // namespace

TEST_CASE("weights have one digest wherever they are") {
  const std::string digest = digest_of({});
  CHECK(digest.size() == 16);
  CHECK(digest_of({}) == digest);
}

TEST_CASE("other weights have another digest") {
  const std::string digest = digest_of({});
  Weights first, last, bias, half, turned;
  first.matrix.front() = 0.25f;
  last.matrix.back() = 0.25f;
  bias.bias[1] = -2;
  half.dtype = DType::F16;
  turned.shape = Shape{3, 20};
  for (const Weights& other : {first, last, bias, half, turned}) CHECK(digest_of(other) != digest);
  CHECK(digest_of({}, "v") != digest);
}

TEST_CASE("tensors without elements have a digest") {
  Weights none;
  none.matrix.clear();
  none.shape = Shape{0, 3};
  CHECK(digest_of(none) != digest_of({}));
}

TEST_CASE("a copy of a trained model has its digest") {
  const TemporaryFolder folder;
  const std::string model = COCA_SOURCE "/examples/models/stamps_coca/model.safetensors";
  std::filesystem::copy_file(model, folder.path("copy"));
  CHECK(weights_digest(read_safetensors(folder.path("copy"))) ==
        weights_digest(read_safetensors(model)));
}
