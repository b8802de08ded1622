#include "coca/pipelines/imagenet_templates.hpp"

#include <algorithm>
#include <set>

#include "catch.hpp"

namespace {

// Whether a label fits in exactly once, and nothing occurs twice.
void check_templates(const std::vector<std::string>& templates, std::size_t count) {
  CHECK(templates.size() == count);
  CHECK(std::set<std::string>(templates.begin(), templates.end()).size() == count);
  for (const std::string& text : templates) {
    INFO(text);
    CHECK(text.find("{}") != std::string::npos);
    CHECK(text.find("{}") == text.rfind("{}"));
    CHECK(text.back() == '.');
  }
}

}  // namespace

TEST_CASE("80 templates of ImageNet") {
  check_templates(coca::imagenet_templates(), 80);
  CHECK(coca::imagenet_templates().front() == "a bad photo of a {}.");
  CHECK(coca::imagenet_templates().back() == "a tattoo of the {}.");
}

TEST_CASE("seven simple templates, all among the 80") {
  check_templates(coca::simple_imagenet_templates(), 7);
  const auto& all = coca::imagenet_templates();
  for (const std::string& text : coca::simple_imagenet_templates()) {
    INFO(text);
    CHECK(std::find(all.begin(), all.end(), text) != all.end());
  }
}
