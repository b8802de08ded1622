#include "coca/pipelines/embedding_cache.hpp"

#include <filesystem>

#include "catch.hpp"
#include "io/temporary_folder.hpp"

using namespace coca;

namespace embedding_cache_test {
using coca_test::contains;
using coca_test::message_of;
using coca_test::TemporaryFolder;

namespace {

const IdentityParts key{{"weights", "weights 1"}, {"precision", "f32"}, {"files", "3 files a"}};

PictureEmbeddings some_embeddings() {
  return {{{1, 0, 0.6f, 0.8f}, 2, 2}, {0, 2}, {{1, "b.png: is empty"}}};
}

}  // namespace

TEST_CASE("Cached embeddings are read back with what was left out") {
  const TemporaryFolder folder;
  const std::string path = folder.path("cache.safetensors");
  CHECK_FALSE(read_embedding_cache(path, key, 3));
  write_embedding_cache(path, key, some_embeddings());
  const auto cached = read_embedding_cache(path, key, 3);
  REQUIRE(cached);
  CHECK(cached->embeddings.values == std::vector<float>{1, 0, 0.6f, 0.8f});
  CHECK(cached->embeddings.count == 2);
  CHECK(cached->embeddings.width == 2);
  CHECK(cached->read == std::vector<std::size_t>{0, 2});
  CHECK(cached->broken == std::map<std::size_t, std::string>{{1, "b.png: is empty"}});
}

TEST_CASE("A cache without any readable picture is read back") {
  const TemporaryFolder folder;
  const std::string path = folder.path("cache.safetensors");
  write_embedding_cache(path, key, {{{}, 0, 2}, {}, {{0, "broken"}}});
  const auto cached = read_embedding_cache(path, key, 1);
  REQUIRE(cached);
  CHECK(cached->read.empty());
  CHECK(cached->embeddings.width == 2);
}

TEST_CASE("A cache of something else is refused with what differs") {
  const TemporaryFolder folder;
  const std::string path = folder.path("cache.safetensors");
  write_embedding_cache(path, key, some_embeddings());
  IdentityParts other = key;
  other[1].second = "bf16";
  CHECK(message_of([&] { read_embedding_cache(path, other, 3); }) ==
        path +
            ": is a cache of other embeddings: its precision is f32 instead of bf16; delete it or "
            "choose another name for the cache");
  other[0].first = "checkpoint";
  const std::string message = message_of([&] { read_embedding_cache(path, other, 3); });
  CHECK(contains(message, "checkpoint is none instead of weights 1"));
  CHECK(contains(message, "weights is weights 1 instead of none"));
  CHECK(contains(message_of([&] { read_embedding_cache(path, key, 4); }),
                 "it has 3 pictures, expected 4"));
}

TEST_CASE("Files that are no caches are refused, and damaged ones") {
  const TemporaryFolder folder;
  const std::string path = folder.path("cache.safetensors");
  const auto refusal = [&](const std::string& description) {
    SafetensorsWriter writer(path, {{"embeddings", Shape{1, 1}}},
                             {{"coca_embeddings", description}});
    writer.write("embeddings", std::vector<float>{1});
    writer.commit();
    return message_of([&] { read_embedding_cache(path, {}, 1); });
  };
  CHECK(refusal(R"({"version":1,"key":{},"pictures":1,"broken":[]})") == "no error");
  for (const char* damaged : {"[]", "{}", R"({"version":2,"key":{},"pictures":1,"broken":[]})",
                              R"({"version":1,"key":{},"pictures":1,"broken":[[0,""]]})",
                              R"({"version":1,"key":{},"pictures":1,"broken":[[1,"x"]]})",
                              R"({"version":1,"key":{},"pictures":1,"broken":[0]})",
                              R"({"version":1,"key":{},"pictures":-1,"broken":[]})",
                              R"({"version":1,"key":{},"pictures":2,"broken":[]})"}) {
    CAPTURE(damaged);
    CHECK(contains(refusal(damaged), "damaged cache of embeddings"));
  }
  SafetensorsWriter flat(
      path, {{"embeddings", Shape{1}}},
      {{"coca_embeddings", R"({"version":1,"key":{},"pictures":1,"broken":[]})"}});
  flat.write("embeddings", std::vector<float>{1});
  flat.commit();
  CHECK(contains(message_of([&] { read_embedding_cache(path, {}, 1); }),
                 "they have the shape " + to_string(Shape{1}) +
                     ", expected a row for each of 1 "
                     "picture"));
  SafetensorsWriter writer(path, {{"embeddings", Shape{1}}});
  writer.write("embeddings", std::vector<float>{1});
  writer.commit();
  CHECK(contains(message_of([&] { read_embedding_cache(path, key, 1); }),
                 "is not a cache of embeddings"));
}

TEST_CASE("The digest of files tells other names, orders and contents apart") {
  const TemporaryFolder folder;
  const std::vector<std::string> ab{folder.write("a", "1"), folder.write("b", "1")};
  const std::vector<std::string> ba{ab[1], ab[0]}, a{ab[0]};
  const std::string digest = files_digest(ab);
  CHECK(digest.starts_with("2 files "));
  CHECK(files_digest(ab) == digest);
  CHECK(files_digest(ba) != digest);
  CHECK(files_digest(a) != digest);
  folder.write("a", "22");
  CHECK(files_digest(ab) != digest);
}

TEST_CASE("The digest of files notices changes where pictures are read from") {
  // Names that are relative to a table, members of archives: no files in the working directory.
  const TemporaryFolder folder;
  const std::vector<std::string> names{"a.png", "b.png", "x.tar/0.png", "x.tar/1.png"};
  const std::string archive = folder.write("x.tar", "1");
  const std::vector<std::string> files{folder.write("a.png", "1"), folder.write("b.png", "1"),
                                       archive, archive};
  const std::string digest = files_digest(names, files);
  CHECK(files_digest(names, files) == digest);
  CHECK(files_digest(names) != digest);
  folder.write("b.png", "22");
  const std::string changed = files_digest(names, files);
  CHECK(changed != digest);
  folder.write("x.tar", "22");
  CHECK(files_digest(names, files) != changed);
  CHECK(message_of([&] { files_digest(names, std::span(files).first(1)); }) ==
        "there are 4 pictures in 1 file, expected one for each");
}

}  // namespace embedding_cache_test
