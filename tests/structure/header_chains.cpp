// header_chains INCLUDE_FOLDER
// Prints the headers of the library as few chains, a line each, in which every header includes the one before it, directly
// or not. What precedes a header in a chain is then what it includes anyway, so that a chain in one unit tests each of its
// headers as a unit of its own would.

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

using Included = std::map<std::string, std::set<std::string>>;

std::set<std::string> included_by(const fs::path& header) {
  const std::string start = "#include \"coca/";
  std::set<std::string> names;
  std::ifstream file(header);
  for (std::string line; std::getline(file, line);)
    if (line.rfind(start, 0) == 0) names.insert(line.substr(10, line.find('"', 10) - 10));
  return names;
}

/// Every header, with those that it includes.
Included read_headers(const fs::path& folder) {
  Included headers;
  for (const auto& entry : fs::recursive_directory_iterator(folder / "coca"))
    if (entry.path().extension() == ".hpp")
      headers[entry.path().lexically_relative(folder).generic_string()] = included_by(entry.path());
  return headers;
}

void add_all(const Included& headers, const std::string& name, std::set<std::string>& all) {
  const auto found = headers.find(name);
  if (found == headers.end()) return;  // of a generated file
  for (const std::string& other : found->second)
    if (all.insert(other).second) add_all(headers, other, all);
}

/// Chains by maximum matching: each header gets at most one successor among those that include it.
class Chains {
 public:
  explicit Chains(const Included& headers) {
    for (const auto& [name, direct] : headers) names_.push_back(name);
    includers_.resize(names_.size());
    for (std::size_t i = 0; i < names_.size(); ++i) {
      std::set<std::string> all;
      add_all(headers, names_[i], all);
      for (const std::string& other : all)
        if (const auto at = std::lower_bound(names_.begin(), names_.end(), other);
            at != names_.end() && *at == other)
          includers_[static_cast<std::size_t>(at - names_.begin())].push_back(i);
    }
    previous_.resize(names_.size());
    for (std::size_t i = 0; i < names_.size(); ++i) {
      std::vector<bool> seen(names_.size());
      find_successor(i, seen);
    }
  }

  void print(std::ostream& output) const {
    std::vector<bool> has_successor(names_.size());
    for (const auto& previous : previous_)
      if (previous) has_successor[*previous] = true;
    for (std::size_t last = 0; last < names_.size(); ++last)
      if (!has_successor[last]) print_to(output, last) << '\n';
  }

 private:
  bool find_successor(std::size_t header, std::vector<bool>& seen) {
    for (const std::size_t other : includers_[header]) {
      if (seen[other]) continue;
      seen[other] = true;
      if (previous_[other] && !find_successor(*previous_[other], seen)) continue;
      previous_[other] = header;
      return true;
    }
    return false;
  }

  std::ostream& print_to(std::ostream& output, std::size_t header) const {
    if (previous_[header]) print_to(output, *previous_[header]) << ' ';
    return output << names_[header];
  }

  std::vector<std::string> names_;
  std::vector<std::vector<std::size_t>> includers_;  // by header, direct or not
  std::vector<std::optional<std::size_t>> previous_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: header_chains INCLUDE_FOLDER\n";
    return 2;
  }
  Chains(read_headers(argv[1])).print(std::cout);
}
