#include "coca/training/model_soup.hpp"

#include <filesystem>
#include <limits>
#include <utility>

#include "catch.hpp"
#include "coca/io/open_checkpoint.hpp"
#include "io/safetensors_bytes.hpp"
#include "io/temporary_folder.hpp"

using namespace coca;
using coca_test::message_of;
using coca_test::TemporaryFolder;

namespace {

struct SoupTensor {
  TensorAnnouncement announcement;
  std::vector<float> values;
};

Checkpoint with_tensors(const std::string& path, const std::vector<SoupTensor>& tensors) {
  std::vector<TensorAnnouncement> announcements;
  for (const SoupTensor& tensor : tensors) announcements.push_back(tensor.announcement);
  SafetensorsWriter writer(path, announcements);
  for (const TensorAnnouncement& next : writer.tensors())
    for (const SoupTensor& tensor : tensors)
      if (tensor.announcement.name == next.name) writer.write(next.name, tensor.values);
  writer.commit();
  return open_checkpoint(path);
}

}  // namespace

TEST_CASE("a model soup is the average of weights by their shares", "[training]") {
  const TemporaryFolder folder;
  const Checkpoint a =
      with_tensors(folder.path("a"), {{{"matrix", Shape{2, 2}, DType::F16}, {1, 2, 3, 4}},
                                      {{"scale", Shape{}}, {0.1f}},
                                      {{"none", Shape{0, 3}}, {}}});
  const Checkpoint b = with_tensors(folder.path("b"), {{{"scale", Shape{}}, {0.5f}},
                                                       {{"none", Shape{0, 3}}, {}},
                                                       {{"matrix", Shape{2, 2}}, {5, 6, 7, -4}}});
  const std::string path = folder.path("soup.safetensors");
  std::vector<std::pair<std::size_t, std::size_t>> progress;
  write_model_soup(path, std::vector<SoupIngredient>{{a, 6}, {b, 2}},
                   [&](std::size_t done, std::size_t all) { progress.emplace_back(done, all); });
  CHECK(progress == std::vector<std::pair<std::size_t, std::size_t>>{{1, 3}, {2, 3}, {3, 3}});
  const Checkpoint soup = open_checkpoint(path);
  CHECK(soup.names() == a.names());
  CHECK(soup.tensor("matrix").dtype == DType::F16);  // the first's
  CHECK(soup.tensor("matrix").shape == Shape{2, 2});
  CHECK(soup.read_floats("matrix") == std::vector<float>{2, 3, 4, 2});
  CHECK(soup.read_floats("scale") == std::vector<float>{0.2f});
  CHECK(soup.tensor("none").shape == Shape{0, 3});

  write_model_soup(path, std::vector<SoupIngredient>{{b}, {a}, {a}, {b}});
  CHECK(open_checkpoint(path).tensor("matrix").dtype == DType::F32);
  CHECK(open_checkpoint(path).read_floats("matrix") == std::vector<float>{3, 4, 5, 0});
}

TEST_CASE("a mask of minus infinity stays so in a model soup", "[training]") {
  const TemporaryFolder folder;
  const float infinity = std::numeric_limits<float>::infinity();
  const Checkpoint a =
      with_tensors(folder.path("a"), {{{"attn_mask", Shape{2, 2}}, {0, -infinity, 0, 0}}});
  write_model_soup(folder.path("soup"), std::vector<SoupIngredient>{{a, 0.3}, {a, 0.7}});
  CHECK(open_checkpoint(folder.path("soup")).read_floats("attn_mask") ==
        std::vector<float>{0, -infinity, 0, 0});
}

TEST_CASE("integers are not weights, and doubles become floats in a model soup", "[training]") {
  const TemporaryFolder folder;
  const double weight = 0.25;
  const std::int64_t position = 7;
  std::string data(reinterpret_cast<const char*>(&weight), sizeof weight);
  data.append(reinterpret_cast<const char*>(&position), sizeof position);
  std::ofstream(folder.path("a"), std::ios::binary) << coca_test::safetensors_bytes(
      R"({"weight":{"dtype":"F64","shape":[1],"data_offsets":[0,8]},)"
      R"("position_ids":{"dtype":"I64","shape":[1],"data_offsets":[8,16]}})",
      data);
  const Checkpoint a = open_checkpoint(folder.path("a"));
  write_model_soup(folder.path("soup"), std::vector<SoupIngredient>{{a}, {a}});
  const Checkpoint soup = open_checkpoint(folder.path("soup"));
  CHECK(soup.names() == std::vector<std::string>{"weight"});
  CHECK(soup.tensor("weight").dtype == DType::F32);
  CHECK(soup.read_floats("weight") == std::vector<float>{0.25f});
}

TEST_CASE("models that cannot make a soup", "[training]") {
  const TemporaryFolder folder;
  const auto one = [&](const char* file, const char* tensor, Shape shape) {
    return with_tensors(folder.path(file),
                        {{{tensor, shape}, std::vector<float>(shape.size(), 1)}});
  };
  const Checkpoint a = one("a", "x", Shape{2}), taller = one("b", "x", Shape{3}),
                   other = one("c", "y", Shape{2});
  const auto refusal = [&](const std::vector<SoupIngredient>& ingredients) {
    return message_of([&] { write_model_soup(folder.path("soup"), ingredients); });
  };
  CHECK(refusal({{a}, {taller}}) == folder.path("b") + ": has tensor \"x\" of shape [3], in \"" +
                                        folder.path("a") + "\" it is [2]");
  CHECK(refusal({{a}, {other}}) ==
        folder.path("c") + ": holds no tensor \"x\", which \"" + folder.path("a") + "\" has");
  CHECK(refusal({{a, 1e308}, {a, 1e308}}) == "the shares of a model soup are too large to add up");
  for (const double share : {0.0, -1.0, std::numeric_limits<double>::infinity()})
    CHECK(refusal({{a}, {a, share}}) ==
          "a share of a model soup must be above 0, got " + std::to_string(share));
  CHECK(refusal({}) == "a model soup needs at least one model");
  CHECK_FALSE(std::filesystem::exists(folder.path("soup")));
}
