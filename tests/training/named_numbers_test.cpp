#include "coca/training/named_numbers.hpp"

#include "catch.hpp"

using namespace coca;

TEST_CASE("numbers are found by their names, and others are refused with those that there are") {
  const NamedNumbers numbers{{"contrastive_loss", 1.5}, {"captioning_loss", 2}};
  CHECK(number_of(numbers, "captioning_loss") == 2);
  CHECK(sum_of(numbers) == 3.5);
  CHECK(find_number(numbers, "loss") == nullptr);
  CHECK_THROWS_WITH(number_of(numbers, "loss"),
                    "there is no \"loss\" among the numbers contrastive_loss, captioning_loss");
  CHECK(sum_of({}) == 0);
}
