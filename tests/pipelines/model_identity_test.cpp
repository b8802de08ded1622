#include "coca/pipelines/model_identity.hpp"

#include <filesystem>
#include <set>
#include <string>

#include "catch.hpp"
#include "io/temporary_folder.hpp"

using namespace coca;
using coca_test::TemporaryFolder;
namespace fs = std::filesystem;

namespace {

const std::string stamps = COCA_SOURCE "/examples/models/stamps_coca/model.safetensors";
const std::string drawings =
    COCA_SOURCE "/examples/models/drawings_coca/open_clip_model.safetensors";

ModelIdentity identity(const std::string& weights = stamps) {
  return {"stamps_coca", "f32", {}, false, weights, 0};
}

}  // namespace

TEST_CASE("a model's identity is that of its weights, not of their path and time") {
  const TemporaryFolder folder;
  fs::copy_file(stamps, folder.path("copy.safetensors"));
  CHECK(to_string(identity(folder.path("copy.safetensors"))) == to_string(identity()));
  fs::last_write_time(folder.path("copy.safetensors"), fs::file_time_type{});
  CHECK(to_string(identity(folder.path("copy.safetensors"))) == to_string(identity()));
  fs::remove(folder.path("copy.safetensors"));
  fs::copy_file(drawings, folder.path("copy.safetensors"));  // the same path
  CHECK(to_string(identity(folder.path("copy.safetensors"))) != to_string(identity()));
}

TEST_CASE("what changes the embeddings of pictures changes the identity") {
  std::set<std::string> all{to_string(identity())};
  const auto add = [&](auto change) {
    ModelIdentity other = identity();
    change(other);
    all.insert(to_string(other));
  };
  add([](ModelIdentity& m) { m.configuration = "custom"; });
  add([](ModelIdentity& m) { m.precision = "bf16"; });
  add([](ModelIdentity& m) { m.open_clip_preprocessing = true; });
  add([](ModelIdentity& m) { m.weights = drawings; });
  add([](ModelIdentity& m) { m.weights = "random"; });
  add([](ModelIdentity& m) { m.weights = "random", m.seed = 1; });
  add([](ModelIdentity& m) { m.preprocessing.mean[2] = 0.5; });
  add([](ModelIdentity& m) { m.preprocessing.std[0] = 0.5; });
  add([](ModelIdentity& m) { m.preprocessing.width = 225; });
  add([](ModelIdentity& m) { m.preprocessing.interpolation = Interpolation::bilinear; });
  add([](ModelIdentity& m) { m.preprocessing.resize_mode = ResizeMode::squash; });
  add([](ModelIdentity& m) { m.preprocessing.fill_color = {1, 0, 0}; });
  add([](ModelIdentity& m) { m.truncated = true; });
  CHECK(all.size() == 14);
  // Caches of pictures that are read whole stay valid.
  CHECK(identity_parts(identity()).back().first == "weights");
  CHECK(to_string(identity()).find('\n') == std::string::npos);
}
