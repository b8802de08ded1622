#include "coca/evaluation/retrieval_run.hpp"

#include <string>
#include <vector>

#include "catch.hpp"
#include "io/temporary_folder.hpp"
#include "pipelines/color_model.hpp"

using namespace coca;

namespace retrieval_run_test {
using coca_test::contains;
using coca_test::message_of;
using coca_test::TemporaryFolder;
using testing::ColorModel;
using testing::png_of;
using Ranks = std::vector<std::size_t>;

namespace {

/// Pictures of red, green and something broken; two share a caption.
RetrievalData write_data(const TemporaryFolder& folder) {
  folder.write("red.png", png_of({255, 0, 0}));
  folder.write("green.png", png_of({0, 255, 0}));
  folder.write("broken.png", "broken");
  folder.write("dark.png", png_of({100, 10, 0}));
  return read_retrieval_data(folder.write("data.jsonl",
                                          R"({"image": "red.png", "captions": ["a red one", "blue"]}
{"image": "broken.png", "captions": ["lost"]}
{"image": "green.png", "captions": ["green"]}
{"image": "dark.png", "captions": ["a red one", "green"]})"));
}

}  // namespace

TEST_CASE("Pictures and all their captions are ranked both ways") {
  const TemporaryFolder folder;
  const RetrievalData data = write_data(folder);
  ColorModel model;
  const RetrievalRun run = run_retrieval(model, data);
  CHECK(run.numbers == Ranks{0, 2, 3});
  CHECK(run.broken.size() == 1);
  CHECK(run.texts == std::vector<std::string>{"a red one", "blue", "green", "a red one", "green"});
  CHECK(run.positives == CaptionPositives{{0, 1}, {2}, {3, 4}});
  CHECK(run.text_clusters == Ranks{0, 0, 1, 2, 2});
  CHECK(model.texts == 3);  // each distinct caption once
  // Equal captions of other pictures compete, and come first if they are earlier.
  CHECK(run.ranks.images == Ranks{0, 0, 1});
  // "blue" is orthogonal to all pictures, so their order counts.
  CHECK(run.ranks.texts == Ranks{0, 0, 0, 1, 1});
}

TEST_CASE("A concept is the first caption, right for all its pictures") {
  const TemporaryFolder folder;
  const RetrievalData data = write_data(folder);
  ColorModel model;
  const RetrievalRun run =
      run_retrieval(model, data, {.protocol = RetrievalProtocol::concepts, .threads = 1});
  CHECK(run.texts == std::vector<std::string>{"a red one", "green"});
  CHECK(run.positives == CaptionPositives{{0}, {1}, {0}});
  CHECK(run.ranks.images == Ranks{0, 0, 0});
  CHECK(run.ranks.texts == Ranks{0, 0});
}

TEST_CASE("Embeddings of pictures and texts are computed once with caches") {
  const TemporaryFolder folder;
  const RetrievalData data = write_data(folder);
  RetrievalRunOptions options{.text_cache = folder.path("texts")};
  options.pictures.cache = folder.path("pictures");
  ColorModel model;
  const RetrievalRun first = run_retrieval(model, data, options);
  const RetrievalRun again = run_retrieval(model, data, options);
  CHECK(model.embedded == 3);
  CHECK(model.texts == 3);
  CHECK(again.ranks.images == first.ranks.images);
  CHECK(again.text_embeddings.values == first.text_embeddings.values);
  RetrievalData other = data;
  other.pictures[0].captions[0] = "another one";
  CHECK(contains(message_of([&] { run_retrieval(model, other, options); }),
                 "its list of texts is 3 texts"));
}

TEST_CASE("Data without a readable picture is refused") {
  const TemporaryFolder folder;
  folder.write("a.png", "broken");
  const std::string data = folder.write("data.csv", "image,caption\na.png,x\n");
  ColorModel model;
  CHECK(contains(message_of([&] { run_retrieval(model, read_retrieval_data(data)); }),
                 "none of the 1 pictures can be read; the first: "));
}

}  // namespace retrieval_run_test
