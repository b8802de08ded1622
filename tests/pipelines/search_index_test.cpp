#include "coca/pipelines/search_index.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "coca/backend/cpu/cpu.hpp"
#include "coca/features.hpp"
#include "coca/image/write_png.hpp"
#include "coca/text/clip_tokenizer.hpp"
#include "io/safetensors_bytes.hpp"
#include "io/temporary_folder.hpp"
#include "pipelines/stamps.hpp"

using namespace coca;
using coca_test::contains;
using coca_test::message_of;
using coca_test::TemporaryFolder;
namespace fs = std::filesystem;

namespace {

using B = Cpu<float>;

const fs::path pictures = fs::path(coca::testing::stamps_folder) / "images";

// An index over a folder, and what updates it.
struct Searched {
  Context<B> context{};
  const CoCa<coca::testing::stamps_coca, B>& model = coca::testing::stamps_model<B>();
  TemporaryFolder folder{};
  SearchIndex index{"stamps", 64};

  void put(const std::string& picture, const std::string& name) {
    fs::create_directories(fs::path(folder.path(name)).parent_path());
    fs::copy_file(pictures / picture, folder.path(name), fs::copy_options::overwrite_existing);
  }
  IndexUpdate update() {
    return index.update(context, model, folder.path(), preprocess_config(64));
  }
  std::vector<std::string> found(const std::string& picture, std::size_t count) {
    const std::vector<Pixels> pixels{
        preprocess(read_image((pictures / picture).string()), preprocess_config(64))};
    const Embeddings query = embed_images(context, model, std::span(pixels));
    std::vector<std::string> names;
    for (const SearchHit& hit : index.search(query[0], count)) names.push_back(hit.path);
    return names;
  }
};

std::string reading(const std::string& path) {
  return message_of([&] { SearchIndex::read(path, "stamps", 64); });
}

}  // namespace

TEST_CASE("search index: pictures that are new, kept, changed, removed") {
  if (!COCA_HAS_PNG) return;
  Searched searched;
  searched.put("04_dragonfly.png", "a.png");
  searched.put("05_fort.png", "deeper/still/b.PNG");
  searched.folder.write("notes.txt", "no picture");
  searched.put("07_broccoli.png", ".thumbnails/large/c.png");
  searched.put("07_broccoli.png", "deeper/.c.png");
  IndexUpdate update = searched.update();
  CHECK(update.embedded == 2);
  CHECK(update.kept == 0);
  CHECK(update.removed == 0);
  CHECK(update.broken.empty());
  CHECK(searched.index.size() == 2);
  CHECK(searched.found("05_fort.png", 1) == std::vector<std::string>{"deeper/still/b.PNG"});
  CHECK(searched.found("04_dragonfly.png", 9) ==
        std::vector<std::string>{"a.png", "deeper/still/b.PNG"});

  searched.put("07_broccoli.png", "c.png");
  update = searched.update();
  CHECK(update.embedded == 1);
  CHECK(update.kept == 2);

  searched.put("13_bull.png", "a.png");
  fs::last_write_time(searched.folder.path("a.png"),
                      fs::file_time_type::clock::now() + std::chrono::seconds(10));
  fs::remove(searched.folder.path("c.png"));
  update = searched.update();
  CHECK(update.embedded == 1);
  CHECK(update.kept == 1);
  CHECK(update.removed == 1);
  CHECK(searched.found("13_bull.png", 1) == std::vector<std::string>{"a.png"});

  update = searched.update();
  CHECK(update.embedded == 0);
  CHECK(update.kept == 2);
}

TEST_CASE("search index: broken pictures are reported and left out") {
  if (!COCA_HAS_PNG) return;
  Searched searched;
  searched.put("04_dragonfly.png", "good.png");
  searched.folder.write("broken.png", "this is no picture");
  const IndexUpdate update = searched.update();
  CHECK(update.embedded == 1);
  REQUIRE(update.broken.size() == 1);
  CHECK(contains(update.broken[0], searched.folder.path("broken.png")));
  CHECK(searched.index.size() == 1);
  CHECK(update.changed);
  // It is tried again, and found once it is whole.
  searched.put("05_fort.png", "broken.png");
  CHECK(searched.update().embedded == 1);
  CHECK(searched.index.size() == 2);
}

TEST_CASE("search index: a broken picture is reported once, until it has changed") {
  if (!COCA_HAS_PNG) return;
  Searched searched;
  searched.put("04_dragonfly.png", "good.png");
  searched.folder.write("broken.png", "this is no picture");
  CHECK(searched.update().broken.size() == 1);
  IndexUpdate again = searched.update();
  CHECK(again.broken.empty());
  CHECK(again.known_broken == 1);
  CHECK(again.kept == 1);
  CHECK_FALSE(again.changed);
  // The file of the index remembers it too.
  const TemporaryFolder elsewhere;
  searched.index.write(elsewhere.path("index"));
  searched.index = SearchIndex::read(elsewhere.path("index"), "stamps", 64);
  again = searched.update();
  CHECK(again.broken.empty());
  CHECK(again.known_broken == 1);
  searched.folder.write("broken.png", "this is no picture either");
  CHECK(searched.update().broken.size() == 1);
  fs::remove(searched.folder.path("broken.png"));
  again = searched.update();
  CHECK(again.known_broken == 0);
  CHECK(again.removed == 0);
  // What cannot be opened is not the picture's fault.
  int calls = 0;
  const auto vanish = [&](const std::string& path) -> Pixels {
    ++calls;
    fs::remove(path);
    throw FileError(path, "went away");
  };
  for (int i = 0; i < 2; ++i) {
    searched.put("05_fort.png", "b.png");
    fs::last_write_time(searched.folder.path("b.png"), fs::file_time_type{});
    searched.index.update(searched.context, searched.model, searched.folder.path(), vanish);
  }
  CHECK(calls == 2);
}

TEST_CASE("search index: links have their own names") {
  if (!COCA_HAS_PNG) return;
  Searched searched;
  searched.put("04_dragonfly.png", ".git/annex/objects/SHA256-1.png");
  const TemporaryFolder elsewhere;
  fs::copy_file(pictures / "05_fort.png", elsewhere.path("x.png"));
  fs::create_symlink(".git/annex/objects/SHA256-1.png", searched.folder.path("a.png"));
  fs::create_symlink(".git/annex/objects/SHA256-1.png", searched.folder.path("b.png"));
  fs::create_symlink(elsewhere.path("x.png"), searched.folder.path("c.png"));
  CHECK(searched.update().embedded == 3);
  CHECK(searched.found("05_fort.png", 1) == std::vector<std::string>{"c.png"});
  CHECK(searched.found("04_dragonfly.png", 2) == std::vector<std::string>{"a.png", "b.png"});
  CHECK(searched.update().kept == 3);
}

TEST_CASE("search index: names are any bytes") {
  if (!COCA_HAS_PNG) return;
  Searched searched;
  const std::string latin = "caf\xe9.png", lines = "a\nb \\\".png", utf8 = "caf\u00e9.png";
  for (const std::string& name : {latin, lines, utf8}) searched.put("05_fort.png", name);
  searched.folder.write("caf\xe8.png", "x");
  CHECK(searched.update().embedded == 3);
  const TemporaryFolder elsewhere;
  searched.index.write(elsewhere.path("index"));
  searched.index = SearchIndex::read(elsewhere.path("index"), "stamps", 64);
  const IndexUpdate again = searched.update();
  CHECK(again.embedded == 0);
  CHECK(again.kept == 3);
  CHECK(again.known_broken == 1);
  const auto found = searched.found("05_fort.png", 9);
  CHECK(std::set<std::string>(found.begin(), found.end()) ==
        std::set<std::string>{latin, lines, utf8});
}

TEST_CASE("search index: a million pictures and more are written and read") {
  coca::detail::IndexPictures many_pictures(1);
  constexpr std::size_t many = 1'000'001;
  for (std::size_t i = 0; i < many; ++i)
    many_pictures.put(std::to_string(i) + ".jpg",
                      {{i, static_cast<std::int64_t>(i)}, 0, {i == 777'777 ? 1.0f : -1.0f}});
  const TemporaryFolder folder;
  coca::detail::write_index(folder.path("index"), {"stamps"}, many_pictures, {});
  many_pictures = coca::detail::IndexPictures(1);
  const SearchIndex index = SearchIndex::read(folder.path("index"), "stamps", 1);
  CHECK(index.size() == many);
  CHECK(index.search(std::vector<float>{1}, 1)[0].path == "777777.jpg");
}

TEST_CASE("search index: progress, a batch at a time") {
  if (!COCA_HAS_PNG) return;
  Searched searched;
  for (const auto& entry : fs::directory_iterator(pictures))
    searched.put(entry.path().filename().string(), entry.path().filename().string());
  std::vector<std::pair<std::size_t, std::size_t>> calls;
  searched.index.update(searched.context, searched.model, searched.folder.path(),
                        preprocess_config(64),
                        [&](std::size_t done, std::size_t all) { calls.emplace_back(done, all); });
  CHECK(calls == std::vector<std::pair<std::size_t, std::size_t>>{{8, 16}, {16, 16}});
  for (const auto& entry : fs::directory_iterator(pictures)) {
    const std::string name = entry.path().filename().string();
    CHECK(searched.found(name, 1) == std::vector<std::string>{name});
  }
}

TEST_CASE("search index: written and read") {
  if (!COCA_HAS_PNG) return;
  Searched searched;
  searched.put("04_dragonfly.png", "a.png");
  searched.put("05_fort.png", "b.png");
  searched.update();
  const TemporaryFolder elsewhere;
  const std::string path = elsewhere.path("index");
  searched.index.write(path);
  CHECK(elsewhere.count() == 1);
  searched.index = SearchIndex::read(path, "stamps", 64);
  CHECK(searched.index.size() == 2);
  CHECK(searched.found("05_fort.png", 2) == std::vector<std::string>{"b.png", "a.png"});
  const IndexUpdate update = searched.update();
  CHECK(update.kept == 2);
  CHECK(update.embedded == 0);
  // Another model knows nothing of it.
  CHECK(SearchIndex::read(path, "other", 64).size() == 0);
  CHECK(SearchIndex::is_of(path, "stamps"));
  CHECK_FALSE(SearchIndex::is_of(path, "other"));
  SearchIndex("stamps", 64).write(path);
  CHECK(SearchIndex::read(path, "stamps", 64).size() == 0);
}

TEST_CASE("search index: damaged files") {
  const TemporaryFolder folder;
  const auto file = [&](const std::string& index) {
    const Json header{
        {"__metadata__", {{"coca_search_index", index}}},
        {"embeddings", {{"dtype", "F32"}, {"shape", {1, 64}}, {"data_offsets", {0, 256}}}}};
    return folder.write("index",
                        coca_test::safetensors_bytes(header.dump(), std::string(256, '\0')));
  };
  CHECK(reading(file(R"({"model":"stamps","pictures":[["a.png",1,2]]})")) == "no error");
  const std::string path = folder.path("index");
  CHECK(reading(file(R"({"model":"stamps","pictures":[]})")) ==
        path + ": is a damaged search index: it names 0 pictures, but holds 64 numbers");
  for (const char* damaged :
       {"[]", R"({"pictures":[]})", R"({"model":"stamps"})", R"({"model":"stamps","pictures":7})",
        R"({"model":"stamps","pictures":[7]})", R"({"model":"stamps","pictures":[["a.png",1]]})",
        R"({"model":"stamps","pictures":[[1,1,2]]})",
        R"({"model":"stamps","pictures":[["a.png","1",2]]})"}) {
    INFO(damaged);
    CHECK(reading(file(damaged)) == path + ": is a damaged search index");
  }
  CHECK(contains(reading(file("{")), path + ": "));
  CHECK(reading(file("{")) != "no error");
  folder.write("index", coca_test::safetensors_bytes("{}", ""));
  CHECK(reading(path) == path + ": is not a search index");
  folder.write("index", "garbage");
  CHECK(contains(reading(path), path + ": "));
  CHECK(contains(reading(folder.path("none")), "none: "));
}

TEST_CASE("search index: damaged files of version 2") {
  const TemporaryFolder folder;
  const std::string path = folder.path("index");
  // Two rows of two states, three texts: a picture, and a broken one with its reason.
  const auto file = [&](const std::string& names, const std::string& type = "U8",
                        std::size_t states = 4, const std::string& version = "2") {
    const std::size_t end = 256 + 8 * states;
    const Json header{
        {"__metadata__",
         {{"coca_search_index", R"({"model":"stamps","version":)" + version + "}"}}},
        {"embeddings", {{"dtype", "F32"}, {"shape", {1, 64}}, {"data_offsets", {0, 256}}}},
        {"states", {{"dtype", "I64"}, {"shape", {states}}, {"data_offsets", {256, end}}}},
        {"names",
         {{"dtype", type},
          {"shape", {names.size()}},
          {"data_offsets", {end, end + names.size()}}}}};
    return folder.write(
        "index", coca_test::safetensors_bytes(header.dump(), std::string(end, '\0') + names));
  };
  const std::string whole("a\0b\0why\0", 8);
  CHECK(reading(file(whole)) == "no error");
  CHECK(SearchIndex::read(path, "stamps", 64).size() == 1);
  const std::string damaged = path + ": is a damaged search index";
  CHECK(reading(file(std::string("a\0b\0why", 7))) == damaged);         // an end is missing
  CHECK(reading(file(std::string("a\0b\0w\0w\0w\0", 10))) == damaged);  // too many texts
  CHECK(reading(file(std::string("a\0", 2))) == damaged);
  CHECK(reading(file("")) == damaged);
  CHECK(reading(file(whole, "I8")) == damaged);
  CHECK(reading(file(whole, "U8", 3)) == damaged);
  CHECK(contains(reading(file(std::string("a\0b\0", 4))), "it names 2 pictures, but holds 64"));
  CHECK(reading(file(whole, "U8", 4, "4")) ==
        path + ": is a search index of version 4, but versions 1 to 3 are read");
}

TEST_CASE("search index: files of version 2 are written as version 3") {
  const TemporaryFolder folder;
  // Pictures "b" and "a", in this order, and a broken "c".
  const std::vector<float> rows{1, 0, 0, 1};
  const std::vector<std::int64_t> states{10, 20, 11, 21, 12, 22};
  std::string data(reinterpret_cast<const char*>(rows.data()), 16);
  data.append(reinterpret_cast<const char*>(states.data()), 48);
  data += std::string("b\0a\0c\0why\0", 10);
  const Json header{
      {"__metadata__", {{"coca_search_index", R"({"model":"stamps","version":2})"}}},
      {"embeddings", {{"dtype", "F32"}, {"shape", {2, 2}}, {"data_offsets", {0, 16}}}},
      {"states", {{"dtype", "I64"}, {"shape", {3, 2}}, {"data_offsets", {16, 64}}}},
      {"names", {{"dtype", "U8"}, {"shape", {10}}, {"data_offsets", {64, 74}}}}};
  const std::string path = folder.write("index", coca_test::safetensors_bytes(header.dump(), data));
  for (int version = 2; version <= 3; ++version) {
    const SearchIndex index = SearchIndex::read(path, "stamps", 2);
    CAPTURE(version);
    REQUIRE(index.size() == 2);
    CHECK(index.search(std::vector<float>{1, 0}, 9)[0].path == "b");
    CHECK(index.search(std::vector<float>{0, 1}, 9)[0].path == "a");
    index.write(path);
  }
  const Checkpoint file = read_safetensors(path);
  CHECK(file.read_int64("states") == std::vector<std::int64_t>{11, 21, 10, 20});
  CHECK(file.read_int64("broken_states") == std::vector<std::int64_t>{12, 22});
}

TEST_CASE("search index: damaged files of version 3") {
  const TemporaryFolder folder;
  const std::string path = folder.path("index");
  struct Parts {
    std::vector<std::int64_t> states{1, 2, 3, 4}, digests{5, 6}, ends{1, 3}, broken_states{7, 8};
    std::string names = "abc", broken = std::string("x\0why\0", 6), type = "F32";
    std::size_t numbers = 4;
  };
  const auto read = [&](const Parts& parts) {
    std::string data;
    Json header{{"__metadata__", {{"coca_search_index", R"({"model":"stamps","version":3})"}}}};
    const auto add = [&](const char* name, const std::string& type, std::size_t count,
                         const std::string& bytes) {
      const std::size_t begin = data.size();
      data += bytes;
      header[name] = {{"dtype", type}, {"shape", {count}}, {"data_offsets", {begin, data.size()}}};
    };
    const auto bytes_of = [](const std::vector<std::int64_t>& numbers) {
      return std::string(reinterpret_cast<const char*>(numbers.data()), 8 * numbers.size());
    };
    add("states", "I64", parts.states.size(), bytes_of(parts.states));
    add("digests", "I64", parts.digests.size(), bytes_of(parts.digests));
    add("name_ends", "I64", parts.ends.size(), bytes_of(parts.ends));
    add("broken_states", "I64", parts.broken_states.size(), bytes_of(parts.broken_states));
    add("embeddings", parts.type, parts.numbers,
        std::string(parts.numbers * (parts.type == "F64"   ? 8
                                     : parts.type == "F16" ? 2
                                                           : 4),
                    0));
    add("names", "U8", parts.names.size(), parts.names);
    add("broken", "U8", parts.broken.size(), parts.broken);
    std::string text = header.dump();
    text.append((8 - text.size() % 8) % 8, ' ');
    folder.write("index", coca_test::safetensors_bytes(text, data));
    return message_of([&] { SearchIndex::read(path, "stamps", 2); });
  };
  CHECK(read({}) == "no error");
  CHECK(read({.type = "F16"}) == "no error");
  const std::string damaged = path + ": is a damaged search index";
  CHECK(read({.states = {1, 2, 3}}) == damaged);
  CHECK(read({.digests = {5}}) == damaged);
  CHECK(read({.ends = {3, 1}}) == damaged);
  CHECK(read({.ends = {-1, 3}}) == damaged);
  CHECK(read({.ends = {1, 2}}) == damaged);
  CHECK(read({.ends = {1, 4}}) == damaged);
  CHECK(read({.broken_states = {7}}) == damaged);
  CHECK(read({.broken_states = {7, 8, 9, 10}}) == damaged);
  CHECK(read({.broken = std::string("x\0why", 5)}) == damaged);
  CHECK(read({.broken = std::string("x\0why\0y\0", 8)}) == damaged);
  CHECK(read({.type = "F64"}) == damaged);
  CHECK(contains(read({.numbers = 5}), "it names 2 pictures, but holds 5 numbers"));
  CHECK(contains(read({.numbers = 6}), "it names 2 pictures, but holds 6 numbers"));
}

TEST_CASE("search index: float16 takes half the space and finds the same") {
  if (!COCA_HAS_PNG) return;
  Searched searched;
  for (const auto& entry : fs::directory_iterator(pictures))
    searched.put(entry.path().filename().string(), entry.path().filename().string());
  searched.update();
  Searched half;
  half.index = SearchIndex("stamps", 64, IndexPrecision::float16);
  half.index.update(half.context, half.model, searched.folder.path(), preprocess_config(64));
  const std::vector<Pixels> pixels{
      preprocess(read_image((pictures / "05_fort.png").string()), preprocess_config(64))};
  const Embeddings query = embed_images(half.context, half.model, std::span(pixels));
  const auto whole = searched.index.search(query[0], 16), added = half.index.search(query[0], 16);
  const TemporaryFolder elsewhere;
  const std::string path = elsewhere.path("half");
  half.index.write(path);
  searched.index.write(elsewhere.path("whole"));
  CHECK(fs::file_size(path) + 2 * 16 * 64 == fs::file_size(elsewhere.path("whole")));
  const SearchIndex again = SearchIndex::read(path, "stamps", 64);
  CHECK(again.precision() == IndexPrecision::float16);
  const auto stored = again.search(query[0], 16);
  REQUIRE(stored.size() == 16);
  for (std::size_t i = 0; i < 16; ++i) {
    CHECK(stored[i].path == whole[i].path);
    CHECK(stored[i].similarity == added[i].similarity);  // before and after it was written
    CHECK(std::abs(stored[i].similarity - whole[i].similarity) < 1e-3f);
  }
}

TEST_CASE("search index: moved and copied pictures are not embedded again") {
  if (!COCA_HAS_PNG) return;
  Searched searched;
  searched.put("04_dragonfly.png", "a.png");
  searched.put("05_fort.png", "b.png");
  searched.update();
  const TemporaryFolder elsewhere;
  searched.index.write(elsewhere.path("index"));
  searched.index = SearchIndex::read(elsewhere.path("index"), "stamps", 64);
  fs::create_directories(searched.folder.path("deeper"));
  fs::rename(searched.folder.path("a.png"), searched.folder.path("deeper/moved.png"));
  fs::copy_file(searched.folder.path("b.png"), searched.folder.path("copy.png"));
  fs::last_write_time(searched.folder.path("b.png"), fs::file_time_type{});  // only touched
  // As long as a.png, but something else.
  std::string other(fs::file_size(searched.folder.path("deeper/moved.png")), 'x');
  searched.folder.write("other.png", other);
  const IndexUpdate update = searched.update();
  CHECK(update.embedded == 0);
  CHECK(update.recognised == 3);
  CHECK(update.removed == 1);
  CHECK(update.broken.size() == 1);
  CHECK(update.changed);
  CHECK(searched.index.size() == 3);
  CHECK(searched.found("04_dragonfly.png", 1) == std::vector<std::string>{"deeper/moved.png"});
  CHECK(searched.found("05_fort.png", 2) == std::vector<std::string>{"b.png", "copy.png"});
  const IndexUpdate again = searched.update();
  CHECK(again.kept == 3);
  CHECK_FALSE(again.changed);
}

TEST_CASE("search index: a threshold, and pairs that are alike") {
  if (!COCA_HAS_PNG) return;
  Searched searched;
  searched.put("04_dragonfly.png", "a.png");
  searched.put("05_fort.png", "b.png");
  searched.put("04_dragonfly.png", "c.png");
  searched.update();
  const std::vector<Pixels> pixels{
      preprocess(read_image((pictures / "04_dragonfly.png").string()), preprocess_config(64))};
  const Embeddings query = embed_images(searched.context, searched.model, std::span(pixels));
  const auto near = searched.index.search(query[0], 9, 0.999f);
  REQUIRE(near.size() == 2);
  CHECK(near[0].path == "a.png");
  CHECK(near[1].path == "c.png");
  CHECK(searched.index.search(query[0], 9, 1.1f).empty());
  CHECK(searched.index.search(std::vector<float>(64, NAN), 9).empty());
  std::vector<std::size_t> progress;
  const auto pairs = searched.index.similar_pairs(
      0.999f, [&](std::size_t done, std::size_t) { progress.push_back(done); });
  REQUIRE(pairs.size() == 1);
  CHECK(pairs[0].first == "a.png");
  CHECK(pairs[0].second == "c.png");
  CHECK(progress == std::vector<std::size_t>{1, 2, 3});
  CHECK(searched.index.similar_pairs(-1).size() == 3);
}

TEST_CASE("search index: a folder that is none") {
  Searched searched;
  const std::string path = searched.folder.path("none");
  CHECK(message_of([&] {
          searched.index.update(searched.context, searched.model, path, preprocess_config(64));
        }) == path + ": is not a folder");
}

namespace {

// As long as it lives, the process can open one file or folder more than it has open.
class OneMoreFile {
 public:
  OneMoreFile() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const int free = ::open("/dev/null", O_RDONLY);
    ::close(free);
    rlimit limit = before_;
    limit.rlim_cur = static_cast<rlim_t>(free) + 1;
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
  OneMoreFile(const OneMoreFile&) = delete;
  OneMoreFile& operator=(const OneMoreFile&) = delete;
  ~OneMoreFile() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

}  // namespace

TEST_CASE("search index: pictures are not removed because a folder could not be opened") {
  if (!COCA_HAS_PNG) return;
  Searched searched;
  searched.put("04_dragonfly.png", "folder/a.png");
  searched.update();
  REQUIRE(searched.index.size() == 1);
  std::string message;
  {
    const OneMoreFile limit;
    message = message_of([&] { searched.update(); });
  }
  CHECK(contains(message, searched.folder.path() + ": "));
  CHECK(searched.index.size() == 1);
  CHECK(searched.update().kept == 1);
}
