#include "coca/data/gaussian_blur.hpp"

#include <string>

#include "catch.hpp"
#include "planes.hpp"

TEST_CASE("Pictures are blurred as in torchvision") {
  coca::Pixels pixels = coca_test::torchvision.input();
  coca::gaussian_blur(pixels, 7, 1.3);
  CHECK(coca_test::difference(pixels, coca_test::torchvision, "blur", 1e-6) == "");
}

TEST_CASE("Edges are mirrored, even several times over") {
  CHECK(coca::detail::reflected(-1, 5) == 1);
  CHECK(coca::detail::reflected(5, 5) == 3);
  CHECK(coca::detail::reflected(-9, 3) == 1);
  CHECK(coca::detail::reflected(7, 1) == 0);
  coca::Pixels one{3, 1, 1, {0.25f, 0.5f, 0.75f}};
  coca::gaussian_blur(one, 9, 2.0);
  CHECK(coca::testing::first_difference(one.values, std::vector<float>{0.25f, 0.5f, 0.75f}, 1e-6) ==
        "");
}

TEST_CASE("Blur is drawn") {
  const coca::Pixels input = coca_test::torchvision.input();
  const auto blurred = [&](double probability, std::uint64_t epoch) {
    coca::Pixels pixels = input;
    coca::random_blur(pixels, {.probability = probability}, {{.seed = 1, .epoch = epoch}, "blur"});
    return pixels.values;
  };
  CHECK(blurred(0.0, 0) == input.values);
  CHECK(blurred(1.0, 0) != input.values);
  CHECK(blurred(1.0, 0) != blurred(1.0, 1));
  CHECK(blurred(1.0, 1) == blurred(1.0, 1));
}
