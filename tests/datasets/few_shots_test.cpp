#include "coca/data/few_shots.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "catch.hpp"

using namespace coca;

namespace few_shots_test {

namespace {

/// Picture i is of class i % 3, but of class 2 there are two only; "p7" has no label, "p9" is
/// broken.
struct Labelled {
  std::size_t count = 60;

  std::size_t size() const { return count; }
  Record record(std::size_t index) const {
    if (index == 9) throw FileError("p9", "is broken");
    Record record{"p" + std::to_string(index), {}, std::nullopt};
    const auto label = static_cast<std::int32_t>(index % 3);
    if (index != 7 && (label != 2 || index < 8)) record.label = label;
    return record;
  }
  std::vector<std::uint8_t> read(std::size_t) const { return {}; }
};

std::set<std::string> names_of(const AnyDataset& data) {
  std::set<std::string> names;
  for (std::size_t i = 0; i < data.size(); ++i) names.insert(data.record(i).name);
  return names;
}

}  // namespace

TEST_CASE("a few shots of each class, drawn by the seed") {
  const FewShots five = few_shots(Labelled{}, 5, 1);
  CHECK(five.data.size() == 5 + 5 + 2);
  REQUIRE(five.indices.size() == 12);
  for (std::size_t i = 0; i < 12; ++i)
    CHECK(five.data.record(i).name == "p" + std::to_string(five.indices[i]));
  CHECK(five.short_classes == std::map<std::int32_t, std::size_t>{{2, 2}});
  std::map<std::int32_t, std::size_t> counts;
  for (std::size_t i = 0; i < five.data.size(); ++i) ++counts[*five.data.record(i).label];
  CHECK(counts == std::map<std::int32_t, std::size_t>{{0, 5}, {1, 5}, {2, 2}});

  const std::set<std::string> more = names_of(few_shots(Labelled{}, 8, 1).data);
  const std::set<std::string> fewer = names_of(five.data);
  CHECK(std::includes(more.begin(), more.end(), fewer.begin(), fewer.end()));
  CHECK(names_of(few_shots(Labelled{}, 5, 1).data) == fewer);
  CHECK(names_of(few_shots(Labelled{}, 5, 2).data) != fewer);
  CHECK_THROWS_WITH(few_shots(Labelled{}, 0, 1), "0 shots were requested, expected at least 1");
  CHECK_THROWS_WITH(few_shots(Subset(Labelled{}, {7}), 1, 1),
                    "no picture of the data has a label to draw shots by");
}

TEST_CASE("whether a picture is held out does not depend on where the data is") {
  std::size_t held = 0;
  for (int i = 0; i < 1000; ++i) {
    const std::string file = "cat/" + std::to_string(i) + ".png";
    CHECK(is_held_out(file) == is_held_out("/data/train/" + file));
    CHECK(is_held_out(file) == is_held_out("/" + file));
    held += is_held_out(file) ? 1 : 0;
  }
  CHECK((held > 60 && held < 140));  // 4 standard deviations of 9.5 about 100
  CHECK(is_held_out("/1.png") == is_held_out("/1.png"));
}

TEST_CASE("a tenth is held out by name, whatever else there is") {
  const HeldOutSplit split = hold_out_tenth(Labelled{5000});
  CHECK(split.training.size() + split.validation.size() == 4999);
  // 4 standard deviations of a binomial of 5000 with chance 0.1
  CHECK(std::abs(static_cast<double>(split.validation.size()) - 500) <= 4 * 21.3);
  const std::set<std::string> held = names_of(split.validation);
  const std::set<std::string> of_less = names_of(hold_out_tenth(Labelled{500}).validation);
  CHECK(std::includes(held.begin(), held.end(), of_less.begin(), of_less.end()));
  CHECK_FALSE(of_less.empty());
  CHECK_THROWS_WITH(hold_out_tenth(Labelled{1}),
                    "a tenth of 1 pictures cannot be held out; give data to validate on");
}

}  // namespace few_shots_test
