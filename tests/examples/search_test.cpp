#include "catch.hpp"
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
