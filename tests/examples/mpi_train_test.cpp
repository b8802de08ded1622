// The example train, run by several processes at once.

#include <cmath>

#include "catch.hpp"
#include "run_program.hpp"

using namespace coca::testing;

namespace {

const std::string mpirun = std::string(COCA_MPIRUN) + " --allow-run-as-root --oversubscribe -n ";

std::string write_list(const Folder& folder) {
  std::string list;
  for (const auto& entry : std::filesystem::directory_iterator(pictures))
    if (entry.path().extension() == ".png")
      list += nlohmann::json{{"image", entry.path().string()},
                             {"caption", entry.path().stem().string().substr(3)}}
                  .dump() +
              "\n";
  return folder.write("list.jsonl", list);
}

std::string arguments(const std::string& list, const std::string& output, int batch_size) {
  return "train --model stamps_coca --threads 1 --data " + list + " --output " + output +
         " --batch-size " + std::to_string(batch_size) +
         " --steps 5 --validation-steps 100 --loader-threads 1 " +
         "--picture-count 1 --crop-scale 0.5 1 --flip 0.5 --clip-norm 1 --json";
}

/// The lines of steps.
std::vector<nlohmann::json> steps_of(const std::string& folder) {
  std::vector<nlohmann::json> lines;
  std::istringstream stream(read_file(folder + "/log.jsonl"));
  for (std::string line; std::getline(stream, line);) {
    auto json = nlohmann::json::parse(line);
    if (json.contains("loss")) lines.push_back(std::move(json));
  }
  return lines;
}

}  // namespace

TEST_CASE("four processes train like one with all pictures") {
  const Folder folder;
  const std::string list = write_list(folder);
  REQUIRE(run(arguments(list, folder / "one", 8)).status == 0);
  const Result result = run(arguments(list, folder / "four", 2), mpirun + "4");
  REQUIRE(result.status == 0);
  CHECK(result.json().back().at("end") == "finished");  // printed once: the others are silent
  CHECK(result.json().size() == 2);
  const auto one = steps_of(folder / "one"), four = steps_of(folder / "four");
  REQUIRE(one.size() == 5);
  REQUIRE(four.size() == 5);
  for (std::size_t i = 0; i < one.size(); ++i)
    for (const char* name : {"contrastive_loss", "captioning_loss", "gradient_norm"}) {
      INFO(name << " of step " << i + 1);
      const double a = one[i].at(name), b = four[i].at(name);
      CHECK(std::abs(a - b) <= 1e-4 * std::abs(a));
    }
}

TEST_CASE("an error in one process stops all of them") {
  const Folder folder;
  const std::string list = write_list(folder);
  const Result result =
      run(arguments(list, folder / "run", 2), "ulimit -f 10000; trap '' XFSZ; " + mpirun + "2");
  CHECK(result.status == 1);
  CHECK(contains(result.err, "train: " + (folder / "run") +
                                 "/checkpoint.safetensors: cannot be written: File too large"));
}
