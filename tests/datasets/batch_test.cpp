#include "coca/data/batch.hpp"

#include "catch.hpp"

TEST_CASE("A batch counts its pictures, a position its epochs and batches") {
  coca::Batch batch;
  CHECK(batch.size() == 0);
  batch.indices = {3, 1};
  CHECK(batch.size() == 2);
  CHECK(coca::DataPosition{} == coca::DataPosition{.epoch = 0, .batch = 0});
  CHECK_FALSE(coca::DataPosition{.epoch = 1, .batch = 0} ==
              coca::DataPosition{.epoch = 0, .batch = 1});
  CHECK(coca::no_label < 0);
}
