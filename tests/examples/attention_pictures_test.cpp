#include <set>

#include "catch.hpp"
#include "run_program.hpp"

using namespace coca::testing;

TEST_CASE("pictures with the same name have separate maps") {
  const Folder folder;
  std::string paths;
  for (const std::string name : {"a/x.png", "b/x.png", "c/x.png.2", "d/x.png"}) {
    const std::string path = folder / name;
    std::filesystem::create_directory(std::filesystem::path(path).parent_path());
    const bool slug = name.starts_with("a") || name.starts_with("c");
    std::filesystem::copy_file(pictures + (slug ? "/08_Brown_slug.png" : "/15_cow_white.png"),
                               path);
    paths += " " + path;
  }
  const Result result =
      run_stamps("caption --json --batch 3 --attention " + (folder / "maps") + paths);
  REQUIRE(result.status == 0);
  const auto lines = result.json();
  REQUIRE(lines.size() == 4);
  std::set<std::string> files;
  std::size_t all = 0;
  for (const auto& line : lines) {
    all += line["attention"].size();
    for (const auto& file : line["attention"]) {
      CHECK(read_file(file.get<std::string>()).starts_with("\x89PNG"));
      files.insert(file.get<std::string>());
    }
  }
  CHECK(all >= 12);
  CHECK(files.size() == all);
  // Named as --help says.
  const std::vector<std::string> begins{"x.png.01.", "x.png.2.01.", "x.png.2.2.01.", "x.png.3.01."};
  for (std::size_t i = 0; i < 4; ++i) {
    const std::string first = lines[i]["attention"][0];
    CAPTURE(first);
    CHECK(first.starts_with(folder / "maps/" + begins[i]));
  }
  // The same picture, the same maps.
  CHECK(read_file(lines[1]["attention"][0]) == read_file(lines[3]["attention"][0]));
  CHECK(read_file(lines[0]["attention"][0]) != read_file(lines[1]["attention"][0]));
  CHECK(contains(run("caption --help").out, "photo.jpg.2.01.a.png"));
}
