#include <algorithm>
#include <cmath>
#include <filesystem>
#include <sstream>
#include <string>

#include "catch.hpp"
#include "coca/io/json.hpp"
#include "run_program.hpp"

using namespace coca::testing;

TEST_CASE("a folder without pictures is reported") {
  const Folder folder;
  const std::string notes = folder / "notes";
  std::filesystem::create_directory(notes);
  folder.write("notes/letter.txt", "no picture");
  for (const std::string more : {"", " 'a cow'", " 'a cow' --json", " 'a cow' --sheet s.png"})
    check_refused(run("search " + notes + more), 1, {"search: " + notes + ": contains no picture"});
  // One that cannot be read is named, and nothing else is said.
  folder.write("notes/broken.png", "x");
  const Result broken = run("search " + notes + " 'a cow'");
  check_refused(broken, 1, {"broken.png"});
  CHECK(!contains(broken.err, "contains no picture"));
}

TEST_CASE("a query is required") {
  const Folder folder;
  const std::string search = "search " + pictures + " --index " + (folder / "index") + " ";
  for (const std::string query : {"''", "' '", "'\t\n'"})
    check_refused(run(search + query), 2, {"search: the query is empty"});
  check_refused(run(search + "--image ''"), 2, {"--image: expected a name, got nothing"});
  check_refused(run(search + "cow --sheet="), 2, {"--sheet: expected a name, got nothing"});
  check_refused(run("search " + pictures + " cow --index="), 2, {"--index", "got nothing"});
  check_refused(run("search '' cow"), 2, {"folder: expected a name, got nothing"});
  check_refused(run(search + "cow --image x.png"), 2, {"not both"});
  check_refused(run(search + "--sheet s.png"), 2, {"--sheet needs a query"});
  check_refused(run(search + "--image no.png"), 1, {"no.png"});
  CHECK(!std::filesystem::exists(folder / "index"));  // refused before any work
}

TEST_CASE("what to do about a damaged index") {
  const Folder folder;
  const std::string album = folder / "album";
  std::filesystem::copy(pictures, album);
  const std::string search = "search " + album + " 'a brown slug' --top 1";
  REQUIRE(run_stamps(search).status == 0);
  const std::string index = album + "/.coca_index";
  const std::string whole = read_file(index);
  for (const std::size_t kept :
       {std::size_t{0}, std::size_t{5}, std::size_t{100}, whole.size() - 9}) {
    folder.write("album/.coca_index", whole.substr(0, kept));
    check_refused(run_stamps(search), 1, {index, "delete this file, and the index is rebuilt"});
  }
  std::filesystem::remove(index);  // as it says
  CHECK(contains(run_stamps(search).out, "08_Brown_slug.png"));

  // A file of --index may be something else, and precious.
  const std::string letter = folder.write("letter.txt", "not an index");
  check_refused(run(search + " --index " + letter), 1,
                {letter, "if it was an index, delete it", "give --index another file"});
  check_refused(run(search + " --index " + models + "/stamps_coca/model.safetensors"), 1,
                {"is not a search index", "give --index another file"});
  CHECK(read_file(letter) == "not an index");
}

TEST_CASE("names are those in the folder") {
  namespace fs = std::filesystem;
  const Folder folder;
  const std::string album = folder / "album";
  fs::create_directories(album + "/.git/annex");
  fs::copy_file(slug, album + "/.git/annex/object");
  fs::create_symlink(".git/annex/object", album + "/slug.png");
  fs::create_symlink(album + "/.git/annex/object", album + "/again.png");
  fs::copy_file(pictures + "/10_s_outline.png", album + "/caf\xe9.png");
  const Result found = run_stamps("search --json " + album + " 'the letter s'");
  REQUIRE(found.status == 0);
  std::istringstream lines(found.out);
  std::vector<std::string> names;
  for (std::string line; std::getline(lines, line);)
    names.push_back(coca::parse_json(line, "x")["image"]);
  REQUIRE(names.size() == 3);
  CHECK(names[0] == album + "/caf\xe9.png");
  CHECK(fs::exists(names[0]));
  std::sort(names.begin(), names.end());
  CHECK(names[0] == album + "/again.png");
  CHECK(names[2] == album + "/slug.png");
  const Result again = run_stamps("search " + album + " 'the letter s'");
  CHECK(again.err.empty());
  CHECK(contains(again.out, album + "/caf\xe9.png"));
}

TEST_CASE("what an index leaves out is counted, and broken pictures are reported once") {
  namespace fs = std::filesystem;
  const Folder folder;
  const std::string album = folder / "album";
  fs::create_directories(album + "/@eaDir");
  fs::copy_file(slug, album + "/@eaDir/thumbnail.png");
  fs::copy_file(slug, album + "/no_ending");
  folder.write("album/a.gif", "GIF89a");
  folder.write("album/b.txt", "text");
  folder.write("album/c.png", "broken");
  const std::string search = "search " + album + " 'a brown slug'";
  const Result first = run_stamps(search);
  CAPTURE(first.err);
  CHECK(first.status == 0);  // of the query, which was answered
  CHECK(contains(first.out, album + "/no_ending"));
  CHECK(!contains(first.out, "thumbnail"));
  CHECK(contains(first.err, "search: " + album + "/c.png: "));
  CHECK(contains(first.err,
                 "1 pictures, 1 new or changed, 0 gone, 1 that cannot be read; left out: "
                 "GIF pictures (1), files that are no pictures (1), folders of previews"));
  const Result second = run_stamps(search);
  CHECK(second.status == 0);
  CHECK(second.err.empty());
  const Result update = run_stamps("search " + album);
  CHECK(update.status == 0);
  CHECK(contains(update.err, "0 new or changed, 0 gone, 1 that cannot be read; left out: "));
  // An update without a query reports a failure.
  folder.write("album/d.png", "broken too");
  CHECK(run_stamps("search " + album).status == 1);
  CHECK(run_stamps("search " + album).status == 0);
}

TEST_CASE("an index belongs to a model's weights, wherever these are") {
  namespace fs = std::filesystem;
  const Folder folder;
  const std::string album = folder / "album";
  fs::copy(pictures, album);
  const std::string weights = models + "/stamps_coca/model.safetensors";
  const std::string search = "search " + album + " 'a brown slug' --top 1 --model stamps_coca";
  CHECK(contains(run(search + " --weights " + weights).err, "16 new"));
  const std::string index = read_file(album + "/.coca_index");
  fs::copy_file(weights, folder / "copy.safetensors");
  CHECK(run(search + " --weights " + (folder / "copy.safetensors")).err.empty());
  // Another model has a separate index, and the first one is kept.
  const std::string other = search + " --weights random";
  CHECK(contains(run(other).err, "16 new"));
  CHECK(run(other).err.empty());
  CHECK(read_file(album + "/.coca_index") == index);
  CHECK(run(search + " --weights " + weights).err.empty());
}

TEST_CASE("queries of several parts, thresholds and several folders") {
  namespace fs = std::filesystem;
  const Folder folder;
  const std::string album = folder / "album", other = folder / "other";
  fs::copy(pictures, album);
  fs::create_directory(other);
  fs::copy_file(slug, other + "/slug.png");
  const auto lines = [](const Result& result) {
    return std::count(result.out.begin(), result.out.end(), '\n');
  };
  const std::string search = "search " + album + " ";
  // A picture and its opposite leave the text alone.
  const Result alone = run_stamps(search + "'a cow' --json");
  REQUIRE(alone.status == 0);
  const Result both = run_stamps(search + "'a cow' --json --add " + slug + " --subtract 1*" + slug);
  const auto first_of = [](const Result& result) {
    return coca::parse_json(result.out.substr(0, result.out.find('\n')), "x");
  };
  CHECK(first_of(both)["image"] == first_of(alone)["image"]);
  CHECK(std::abs(first_of(both)["similarity"].get<double>() -
                 first_of(alone)["similarity"].get<double>()) < 1e-5);
  CHECK(contains(run_stamps(search + "--add " + slug + " --top 1").out, "08_Brown_slug.png"));
  CHECK(
      !contains(run_stamps(search + "--subtract " + slug + " --top 15").out, "08_Brown_slug.png"));
  check_refused(run_stamps(search + "cow --subtract cow"), 2,
                {"search: the parts of the query cancel"});
  check_refused(run_stamps(search + "cow --add '2*'"), 2, {"\"2*\" is an empty part of a query"});

  const Result similar = run_stamps(search + "--image " + slug + " --threshold 0.999");
  CHECK(lines(similar) == 1);
  check_refused(run_stamps(search + "--threshold 0.9"), 2, {"--threshold needs a query"});

  const Result two = run_stamps(search + "--image " + slug + " --top 2 --folder " + other);
  CHECK(lines(two) == 2);
  CHECK(contains(two.out, album + "/08_Brown_slug.png"));
  CHECK(contains(two.out, other + "/slug.png"));
  check_refused(run_stamps(search + "cow --folder " + other + " --index " + (folder / "i")), 2,
                {"--index is the file of one folder"});
  check_refused(run_stamps(search + "cow --folder /nowhere"), 1, {"/nowhere: is not a folder"});
}

TEST_CASE("duplicates, and pictures that were moved") {
  namespace fs = std::filesystem;
  const Folder folder;
  const std::string album = folder / "album";
  fs::copy(pictures, album);
  fs::copy_file(slug, album + "/again.png");
  const Result pairs = run_stamps("search " + album + " --duplicates 0.999");
  CHECK(pairs.status == 0);
  CHECK(pairs.out == " 1.000  " + album + "/08_Brown_slug.png  " + album + "/again.png\n");
  CHECK(std::count(pairs.out.begin(), pairs.out.end(), '\n') == 1);
  check_refused(run("search " + album + " cow --duplicates 0.9"), 2, {"leave out the query"});
  fs::create_directory(album + "/deeper");
  fs::rename(album + "/again.png", album + "/deeper/moved.png");
  CHECK(contains(run_stamps("search " + album).err,
                 "17 pictures, 0 new or changed, 1 recognised, 1 gone"));

  const std::string half = "search " + album + " --index " + (folder / "half");
  CHECK(run_stamps(half + " --index-precision f16").status == 0);
  CHECK(run_stamps("search " + album + " --index " + (folder / "whole")).status == 0);
  CHECK(fs::file_size(folder / "half") < fs::file_size(folder / "whole"));
  CHECK(contains(run_stamps(half + " 'a brown slug' --top 1").out, ".png"));
}
