#include "coca/training/line_chart.hpp"

#include "catch.hpp"

using namespace coca;

namespace {

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
    ++found;
  return found;
}

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

}  // namespace

TEST_CASE("a curve goes through its points") {
  const std::string svg = to_svg({"Loss <x>", {{"a & b", {0, 10}, {0, 5}}}});
  CHECK(count(svg, "Loss &lt;x&gt;") == 2);
  CHECK(count(svg, "a &amp; b") == 1);
  // From the lower left corner to the upper right one.
  CHECK(count(svg, "d=\"M55.0 205.0L410.0 28.0\"") == 1);
  CHECK(count(svg, ">5</text>") == 1);
  CHECK(count(svg, ">10</text>") == 1);
  CHECK(count(svg, "class=\"grid\"") == 6);
}

TEST_CASE("NaN is a gap") {
  const std::string svg = to_svg({"x", {{"a", {0, 1, 2, 3}, {1, not_a_number, 2, 3}}}});
  CHECK(count(svg, "nan") == 0);
  const std::size_t curve = svg.find("class=\"curve\"");
  CHECK(count(svg.substr(curve), "M") == 2);
}

TEST_CASE("charts without a spread, or without any point, are drawn") {
  for (const LineChart& chart :
       {LineChart{"one", {{"a", {5}, {3}}}}, LineChart{"flat", {{"a", {1, 2}, {0, 0}}}},
        LineChart{"none", {{"a", {}, {}}}}, LineChart{"hole", {{"a", {1}, {not_a_number}}}}}) {
    const std::string svg = to_svg(chart);
    CHECK(count(svg, "nan") == 0);
    CHECK(count(svg, "inf") == 0);
    CHECK(count(svg, "</svg>") == 1);
  }
}

TEST_CASE("long curves are thinned to the means of neighbours") {
  ChartSeries series{"a", {}, {}};
  for (int i = 0; i < 100000; ++i) {
    series.x.push_back(i);
    series.y.push_back(i % 2 == 0 ? 1 : 3);
  }
  const ChartSeries thin = coca::detail::thinned(series);
  REQUIRE(thin.x.size() == 500);
  CHECK(thin.y[0] == 2);
  CHECK(thin.x[0] == 99.5);
  CHECK(to_svg({"x", {series}}).size() < 20000);
}
