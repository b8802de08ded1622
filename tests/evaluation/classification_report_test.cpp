#include "coca/evaluation/classification_report.hpp"

#include <cmath>
#include <string>
#include <vector>

#include "catch.hpp"

using namespace coca;

namespace classification_report_test {

namespace {

const std::vector<std::string> names{"a cat", "a \"dog\", barking", "c"};

// Five pictures, two of them mistaken: number 1 for c, number 4 for a cat.
const std::vector<float> logits{2, 1, 0, 0, 1, 3, 0, 5, 1, 0, 0, 9, 1, 0, 0};
const std::vector<std::size_t> labels{0, 1, 1, 2, 2};

}  // namespace

TEST_CASE("Mistakes are listed by their confidence", "[evaluation]") {
  const auto mistakes = classification_mistakes(logits, labels, 3);
  REQUIRE(mistakes.size() == 2);
  CHECK(mistakes[0].picture == 1);
  CHECK(mistakes[0].predicted == 2);
  CHECK(mistakes[0].confidence == Approx(1 / (1 + std::exp(-2.0) + std::exp(-3.0))).epsilon(1e-12));
  CHECK(mistakes[1].picture == 4);
  CHECK(mistake_text(mistakes[0], names) == "84 % c, is a \"dog\", barking");
  CHECK(mistake_text(mistakes[1], names) == "58 % a cat, is c");
  CHECK_THROWS_AS(mistake_text({0, 3, 0, 1}, names), ShapeError);
  CHECK_THROWS_AS(classification_mistakes(logits, labels, 2), ShapeError);
  const std::vector<std::size_t> seven{0, 1, 1, 2, 7};
  CHECK_THROWS_WITH(classification_mistakes(logits, seven, 3),
                    "picture 4 is of class 7, but there are 3 classes");
}

TEST_CASE("Tables of classes and confusions are CSV", "[evaluation]") {
  const ClassificationScores scores = classification_scores(logits, labels, 3);
  CHECK(classes_csv(scores, names) ==
        "class,precision,recall,f1,count\n"
        "a cat,0.5,1,0.6666666666666666,1\n"
        "\"a \"\"dog\"\", barking\",1,0.5,0.6666666666666666,2\n"
        "c,0.5,0.5,0.5,2\n");
  CHECK(confusion_csv(scores.confusion, names) ==
        "true class,a cat,\"a \"\"dog\"\", barking\",c\n"
        "a cat,1,0,0\n"
        "\"a \"\"dog\"\", barking\",0,1,1\n"
        "c,1,0,1\n");
  const std::vector<std::string> two(2);
  CHECK_THROWS_WITH(classes_csv(scores, two), "there are 2 names for 3 classes");
  CHECK_THROWS_AS(confusion_csv(scores.confusion, two), ShapeError);
  CHECK_THROWS_AS(confusion_picture(scores, two), ShapeError);
}

TEST_CASE("The picture of a confusion matrix is darker where there are more", "[evaluation]") {
  const ClassificationScores scores = classification_scores(logits, labels, 3);
  const Image image = confusion_picture(scores, names);
  const detail::ConfusionLayout layout(names);
  REQUIRE(layout.names);
  CHECK(image.width() == layout.left + 3 * layout.cell + 12);
  const auto cell = [&](std::size_t row, std::size_t column) {
    const std::uint8_t* pixel = image.row(layout.top + row * layout.cell + 3) +
                                (layout.left + column * layout.cell + 3) * Image::channels;
    return Rgb{pixel[0], pixel[1], pixel[2]};
  };
  CHECK(cell(0, 0) == detail::share_color(1));
  CHECK(cell(0, 1) == detail::share_color(0));
  CHECK(cell(1, 2) == detail::share_color(0.5));
  CHECK(detail::share_color(1)[0] < detail::share_color(0.5)[0]);

  // Many classes: a pixel each, without names.
  ClassificationScores many;
  many.classes.resize(2000);
  many.confusion.assign(2000, std::vector<std::size_t>(2000));
  const std::vector<std::string> unnamed(2000, "x");
  CHECK(confusion_picture(many, unnamed).width() == 2024);
}

TEST_CASE("There is no picture of a confusion matrix that was not counted", "[evaluation]") {
  // From 4,097 classes on the matrix is empty, and its rows were read nevertheless.
  const std::size_t classes = most_confused_classes + 1;
  std::vector<float> some(classes);
  const std::vector<std::size_t> label{7};
  const ClassificationScores scores = classification_scores(some, label, classes);
  CHECK_THROWS_WITH(confusion_picture(scores, std::vector<std::string>(classes, "x")),
                    "there is no confusion matrix of 4097 classes, at most of 4096");
}

}  // namespace classification_report_test
