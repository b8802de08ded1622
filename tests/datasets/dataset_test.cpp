#include "coca/data/dataset.hpp"

#include "catch.hpp"
#include "small_datasets.hpp"

using coca_test::ColorDataset;
using coca_test::message_of;

static_assert(coca::Dataset<coca::AnyDataset>);
static_assert(coca::Dataset<coca::Subset>);
static_assert(coca::Dataset<coca::ConcatDataset>);
static_assert(!coca::Dataset<std::vector<coca::Record>>);

namespace {

/// Three records, the second of which cannot be read.
struct UnreadableDataset {
  std::size_t size() const { return 3; }
  coca::Record record(std::size_t index) const {
    if (index == 1) throw coca::FileError("x", "is broken");
    return {"record " + std::to_string(index), {}, std::nullopt, {}};
  }
  std::vector<std::uint8_t> read(std::size_t) const { return {}; }
};

}  // namespace

TEST_CASE("Any data set is held by one type") {
  const coca::AnyDataset any = ColorDataset(3);
  const coca::AnyDataset copy = any;
  CHECK(copy.size() == 3);
  CHECK(copy.record(2).name == "picture 2");
  CHECK(copy.record(2).label == 2);
  CHECK(copy.read(1) == ColorDataset(3).read(1));
  CHECK(message_of([&] { any.record(3); }) == "record 3 was requested from a data set of 3");
  CHECK(message_of([&] { any.read(9); }) == "record 9 was requested from a data set of 3");
}

TEST_CASE("A subset shows the chosen records in the chosen order") {
  const coca::Subset subset(ColorDataset(5), {4, 0});
  CHECK(subset.size() == 2);
  CHECK(subset.record(0).name == "picture 4");
  CHECK(subset.record(1).name == "picture 0");
  CHECK(subset.read(0) == ColorDataset(5).read(4));
  CHECK(message_of([&] { subset.record(2); }) == "record 2 was requested from a data set of 2");
  CHECK(message_of([] { coca::Subset(ColorDataset(5), {5}); }) ==
        "record 5 was requested from a data set of 5");
}

TEST_CASE("Notes on a data set are passed on by whatever holds it") {
  CHECK(coca::AnyDataset(ColorDataset(2)).notes().empty());
  const coca::AnyDataset noted = coca::NotedDataset(ColorDataset(2), {"one", "two"});
  CHECK(noted.size() == 2);
  CHECK(noted.record(1).name == "picture 1");
  CHECK(noted.read(1) == ColorDataset(2).read(1));
  using Notes = std::vector<std::string>;
  CHECK(noted.notes() == Notes{"one", "two"});
  CHECK(coca::Subset(noted, {1}).notes() == Notes{"one", "two"});
  const coca::AnyDataset outer = coca::NotedDataset(noted, {"zero"});
  CHECK(coca::ConcatDataset({outer, ColorDataset(1), noted}).notes() ==
        Notes{"zero", "one", "two", "one", "two"});
}

TEST_CASE("Records that cannot be read are skipped if only their text is read") {
  const coca::AnyDataset dataset = UnreadableDataset{};
  std::vector<std::size_t> visited;
  coca::for_each_readable_record(dataset, [&](std::size_t index, const coca::Record& record) {
    CHECK(record.name == "record " + std::to_string(index));
    visited.push_back(index);
  });
  CHECK(visited == std::vector<std::size_t>{0, 2});
}

TEST_CASE("Data sets are shown one after the other") {
  const coca::ConcatDataset all({ColorDataset(2), ColorDataset(0), ColorDataset(3)});
  REQUIRE(all.size() == 5);
  CHECK(all.record(1).name == "picture 1");
  CHECK(all.record(2).name == "picture 0");
  CHECK(all.record(4).name == "picture 2");
  CHECK(all.read(4) == ColorDataset(3).read(2));
  CHECK(message_of([&] { all.read(5); }) == "record 5 was requested from a data set of 5");
}
