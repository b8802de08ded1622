#include "coca/nn/kv_cache.hpp"

#include "nn/layers.hpp"

using namespace coca;
using namespace coca::testing;

using Rows = std::vector<std::int32_t>;

TEST_CASE("A cache has a key and a value in each row", "[kv_cache]") {
  Context<Near> context;
  CHECK(KvCache<Near>(context, 6, 8).rows.shape() == Shape{6, 16});
}

TEST_CASE("Sequences grow by new rows", "[kv_cache]") {
  SequenceTable table(2, 10);
  CHECK(table.sequences() == 2);
  CHECK(table.length() == 0);
  CHECK(table.capacity() == 10);
  CHECK(table.rows().empty());
  CHECK(table.append(2) == Rows{0, 1, 2, 3});
  CHECK(table.append(1) == Rows{4, 5});
  CHECK(table.length() == 3);
  CHECK(table.rows() == Rows{0, 1, 4, 2, 3, 5});
}

TEST_CASE("Sequences are swapped, duplicated and dropped without moving rows", "[kv_cache]") {
  SequenceTable table(2, 12);
  table.append(2);
  table.reorder({1, 0});
  CHECK(table.rows() == Rows{2, 3, 0, 1});
  table.reorder({0, 0, 1});
  CHECK(table.sequences() == 3);
  CHECK(table.append(1) == Rows{4, 5, 6});
  CHECK(table.rows() == Rows{2, 3, 4, 2, 3, 5, 0, 1, 6});
  table.reorder({2});
  CHECK(table.rows() == Rows{0, 1, 6});
  CHECK(table.append(1) == Rows{7});
  CHECK_THROWS_AS(table.reorder({0, 1}), ArgumentError);
  CHECK_THROWS_WITH(table.reorder({0, 1}), "there is no sequence 1 among 1");
  CHECK(table.rows() == Rows{0, 1, 6, 7});
}

TEST_CASE("A full cache reports it and is unchanged", "[kv_cache]") {
  SequenceTable table(2, 5);
  table.append(2);
  CHECK_THROWS_AS(table.append(1), ArgumentError);
  CHECK_THROWS_WITH(table.append(1),
                    "the key-value cache of 5 rows is too small for 2 sequences of 3 tokens");
  CHECK(table.length() == 2);
  CHECK(table.rows() == Rows{0, 1, 2, 3});
}
