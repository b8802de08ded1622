#include "coca/training/training_options.hpp"

#include <set>

#include "catch.hpp"

using namespace coca;

namespace {

struct NameCollector {
  std::vector<std::string> names;

  template <class T>
  void operator()(const OptionInfo& info, T&) {
    names.push_back(info.name);
  }
  template <class E, std::size_t n>
  void operator()(const OptionInfo& info, E& value, const NamedChoice<E> (&choices)[n]) {
    names.push_back(info.name);
    bool known = false;
    for (const auto& choice : choices) known = known || choice.value == value;
    CHECK(known);
  }
};

}  // namespace

TEST_CASE("each option has a unique name, in lower case") {
  TrainingOptions options;
  NameCollector collector;
  for_each_option(options, collector);
  CHECK(collector.names.size() > 60);
  CHECK(std::set<std::string>(collector.names.begin(), collector.names.end()).size() ==
        collector.names.size());
  for (const std::string& name : collector.names)
    CHECK(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string::npos);
  CHECK(collector.names.front() == "model");
}
