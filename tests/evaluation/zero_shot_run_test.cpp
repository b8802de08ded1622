#include "coca/evaluation/zero_shot_run.hpp"

#include <filesystem>
#include <string>
#include <vector>

#include "catch.hpp"
#include "datasets/tar_bytes.hpp"
#include "io/temporary_folder.hpp"
#include "pipelines/color_model.hpp"

using namespace coca;

namespace zero_shot_run_test {
using coca_test::message_of;
using coca_test::TemporaryFolder;
using testing::ColorModel;
using testing::png_of;
using Prompts = std::vector<std::vector<std::string>>;

namespace {

void write_picture(const TemporaryFolder& folder, const std::string& path,
                   const std::string& content) {
  std::filesystem::create_directories(std::filesystem::path(folder.path(path)).parent_path());
  folder.write(path, content);
}

}  // namespace

TEST_CASE("A folder of classes is measured as CLIP_benchmark does") {
  const TemporaryFolder folder;
  write_picture(folder, "blue/a.png", png_of({0, 0, 255}));
  write_picture(folder, "blue/b.png", png_of({255, 0, 0}));  // taken for red
  write_picture(folder, "blue/c.png", "broken");
  write_picture(folder, "red/a.png", png_of({200, 10, 10}));
  write_picture(folder, "red/b.png", png_of({0, 0, 0}));  // as near to all: the first class
  ColorModel model;
  const LabelledPictures pictures = read_labelled_pictures({.data = folder.path("")});
  const ZeroShotRun run =
      run_zero_shot(model, pictures, {{"blue", "a blue one"}, {"red"}}, {.batch = 2});
  CHECK(run.pictures == 4);
  CHECK(run.broken.size() == 1);
  CHECK(run.metrics[0] == std::pair<std::string, std::optional<double>>("acc1", 0.5));
  CHECK_FALSE(run.metrics[1].second);
  CHECK(run.metrics[2].second == 0.5);
  CHECK(message_of([&] { run_zero_shot(model, pictures, {{"blue"}}); }) ==
        "there are prompts of 1 classes, expected 2");
}

TEST_CASE("A cache notices pictures that changed, however the data names them") {
  // Names in a table are relative to it, members of a shard are no files: both were never looked
  // at.
  const TemporaryFolder folder;
  ColorModel model;
  const std::string names = folder.write("names.txt", "red\nblue\n");
  const auto measure = [&](const std::string& data) {
    const LabelledSource source{.data = data, .names = names};
    return run_zero_shot(model, read_labelled_pictures(source), {{"red"}, {"blue"}},
                         {.cache = data + ".safetensors"});
  };
  const auto fill = [&](const std::string& picture) {
    folder.write("a.png", picture);
    folder.write("x.tar", coca_test::tar_of({{"0.png", picture}, {"0.cls", "1"}}));
  };
  const std::string table = folder.write("table.csv", "filepath,label\na.png,blue\n");
  fill(png_of({255, 0, 0}));
  for (const std::string& data : {table, folder.path("x.tar")}) {
    CAPTURE(data);
    CHECK(measure(data).metrics[0].second == 0.0);
    CHECK(measure(data).metrics[0].second == 0.0);
  }
  CHECK(model.embedded == 2);
  Image larger(9, 9, Rgb{0, 0, 255});  // another size in bytes, whatever the clock says
  const std::vector<std::uint8_t> bytes = encode_png(larger);
  fill(std::string(bytes.begin(), bytes.end()) + std::string(2000, ' '));
  for (const std::string& data : {table, folder.path("x.tar")}) {
    CAPTURE(data);
    CHECK(message_of([&] { measure(data); }).find("its list of files is") != std::string::npos);
  }
}

TEST_CASE("Two classes of one name are as near, and the first is chosen") {
  const TemporaryFolder folder;
  write_picture(folder, "data/n1/a.png", png_of({255, 0, 0}));
  write_picture(folder, "data/n2/a.png", png_of({255, 0, 0}));
  const std::string names = folder.write("names.csv", "folder,name\nn1,red\nn2,red\n");
  ColorModel model;
  const ZeroShotRun run =
      run_zero_shot(model, read_labelled_pictures({.data = folder.path("data"), .names = names}),
                    {{"red"}, {"red"}});
  CHECK(run.metrics[0].second == 0.5);
}

TEST_CASE("Pictures with several labels have a mean average precision") {
  const TemporaryFolder folder;
  write_picture(folder, "both.png", png_of({255, 0, 255}));
  write_picture(folder, "red.png", png_of({255, 0, 0}));
  const std::string names = folder.write("names.txt", "red\nblue\n");
  const std::string data =
      folder.write("data.csv", "image,label\nboth.png,red\nboth.png,blue\nred.png,red\n");
  ColorModel model;
  const ZeroShotRun run = run_zero_shot(
      model, read_labelled_pictures({.data = data, .names = names}), {{"red"}, {"blue"}});
  CHECK(run.metrics == Metrics{{"mean_average_precision", 1.0}});
}

TEST_CASE("A data set without a readable picture is refused") {
  const TemporaryFolder folder;
  write_picture(folder, "red/a.png", "broken");
  ColorModel model;
  CHECK(coca_test::contains(
      message_of([&] {
        run_zero_shot(model, read_labelled_pictures({.data = folder.path("")}), {{"red"}});
      }),
      "none of the 1 pictures can be read; the first: "));
}

}  // namespace zero_shot_run_test
