#include "coca/training/run_classes.hpp"

#include "catch.hpp"

namespace run_classes_test {

using coca::class_difference;

TEST_CASE("classes that differ from those of a run are named") {
  CHECK(class_difference({}, {}).empty());
  CHECK(class_difference({"cat", "dog"}, {"cat", "dog"}).empty());
  CHECK(class_difference({"cat", "dog"}, {"cat", "wolf"}) ==
        "the training data has \"wolf\" instead of \"dog\"");
  CHECK(class_difference({"cat", "dog"}, {"ant", "bee", "cat", "dog"}) ==
        "the training data also has \"ant\" and \"bee\"");
  CHECK(class_difference({"cat", "dog", "owl"}, {"cat", "owl"}) ==
        "the training data has no \"dog\"");
  CHECK(class_difference({"cat", "dog", "owl"}, {"cat", "owl", "dog"}) ==
        "the training data has them in another order: class 1 is \"owl\" instead of \"dog\"");
  // Names that occur twice are no way to crash.
  CHECK(class_difference({"cat"}, {"cat", "cat"}) ==
        "the training data has 2 classes, the run 1 class");
}

}  // namespace run_classes_test
