#pragma once
/// @file
/// What transformers finds for tables of logits: tests/data/generation/expected.json.

#include <string>
#include <vector>

#include "coca/io/json.hpp"
#include "comparison.hpp"
#include "generation/table_model.hpp"
#include "generation/transformers_setting.hpp"
#include "io/temporary_folder.hpp"

namespace coca::testing {

/// All tables of one setting, four pictures per batch. -> sentences about those that differ
inline std::vector<std::string> differing_tables(const std::string& name) {
  const std::string path = std::string(COCA_TEST_DATA) + "/generation/expected.json";
  const Json file = parse_json(coca_test::read_all(path), path);
  const GenerationOptions options = with_setting(small_options(), file.at("settings").at(name));
  std::vector<std::string> sentences;
  std::size_t cases = 0;
  for (const Json& entry : file.at("cases")) {
    if (entry.at(0) != name) continue;
    ++cases;
    const auto table = entry.at(1).get<std::uint32_t>();
    const auto picture = entry.at(2).get<std::size_t>();
    const TableModel<> model([table](int number, const Sequence& sequence) {
      return scrambled_logits(table, number, sequence);
    });
    const auto found = generate_by_table(model, options, {0, 1, 2, 3}).at(picture);
    Json ids = Json::array();
    bool scores = true;
    for (std::size_t i = 0; i < found.size(); ++i) {
      ids.push_back(found[i].ids);
      if (!entry.at(4).is_null())
        scores = scores && close(double{found[i].score}, entry.at(4).at(i).get<double>(), 2e-5);
    }
    if (ids != entry.at(3) || !scores)
      sentences.push_back(entry.dump() + " but got " + ids.dump() + " " +
                          std::to_string(found.front().score));
  }
  if (cases != 32) sentences.push_back("there are " + std::to_string(cases) + " cases, not 32");
  return sentences;
}

}  // namespace coca::testing
