#include "coca/image/preprocess_config_json.hpp"

#include <nlohmann/json.hpp>
#include <string>

#include "catch.hpp"
#include "expected.hpp"

namespace {

coca::PreprocessConfig parse(const std::string& text) {
  return coca::parse_preprocess_config(nlohmann::json::parse(text));
}

std::string config_error(const std::string& text) {
  return message_of<coca::ArgumentError>([&] { parse(text); });
}

}  // namespace

TEST_CASE("A whole preprocess_cfg is read") {
  const coca::PreprocessConfig config = parse(R"({
    "size": [336, 224], "mode": "RGB", "mean": [0.5, 0.25, 0], "std": [1, 0.5, 0.125],
    "interpolation": "bilinear", "resize_mode": "longest", "fill_color": [1, 2, 3]})");
  CHECK(config.height == 336);
  CHECK(config.width == 224);
  CHECK(config.mean == std::array<double, 3>{0.5, 0.25, 0});
  CHECK(config.std == std::array<double, 3>{1, 0.5, 0.125});
  CHECK(config.interpolation == coca::Interpolation::bilinear);
  CHECK(config.resize_mode == coca::ResizeMode::longest);
  CHECK(config.fill_color == coca::Rgb{1, 2, 3});
}

TEST_CASE("Missing keys keep OpenCLIP's defaults") {
  CHECK(parse("{}") == coca::PreprocessConfig{});
  CHECK(parse(R"({"size": 64})").width == 64);
  CHECK(parse(R"({"resize_mode": "squash"})").resize_mode == coca::ResizeMode::squash);
  CHECK(parse(R"({"fill_color": 7})").fill_color == coca::Rgb{7, 7, 7});
}

TEST_CASE("What is not supported is refused by name") {
  CHECK(config_error("[]") == "preprocess_cfg is not an object");
  CHECK(config_error(R"({"crop": 3})") == "preprocess_cfg.crop is not supported");
  CHECK(config_error(R"({"si\nze\u001b[31m": 1})") ==
        "preprocess_cfg.si\\nze\\u001b[31m is not supported");
  CHECK(config_error("{\"" + std::string(99, 'x') + "\": 1}") ==
        "preprocess_cfg." + std::string(60, 'x') + "... is not supported");
  CHECK(config_error(R"({"mode": "L"})") == "preprocess_cfg.mode is \"L\", expected \"RGB\"");
  CHECK(config_error(R"({"interpolation": "random"})") ==
        "preprocess_cfg.interpolation is \"random\", expected \"bicubic\" or \"bilinear\"");
  CHECK(config_error(R"({"resize_mode": 1})") ==
        "preprocess_cfg.resize_mode is 1, expected \"shortest\", \"longest\" or \"squash\"");
  for (const std::string size : {"0", "-1", "65537", "1.5", "\"224\"", "[224,0]", "null"}) {
    CHECK(config_error("{\"size\": " + size + "}") ==
          "preprocess_cfg.size is " + size + ", expected 1 to 65536, or [height, width] of these");
  }
  CHECK(config_error(R"({"size": [1, 2, 3]})") ==
        "preprocess_cfg.size is [1,2,3], expected a number or [height, width]");
  CHECK(config_error(R"({"mean": [1, 2]})") ==
        "preprocess_cfg.mean is [1,2], expected three numbers");
  CHECK(config_error(R"({"mean": [1, 2, "x"]})") ==
        "preprocess_cfg.mean is [1,2,\"x\"], expected three numbers");
  CHECK(config_error(R"({"std": [1, 0, 1]})") ==
        "preprocess_cfg.std is [1,0,1], expected three positive numbers");
  CHECK(config_error(R"({"fill_color": 256})") ==
        "preprocess_cfg.fill_color is 256, expected 0 to 255, or three of these");
  CHECK(config_error(R"({"mode": ")" + std::string(1000, 'x') + "\"}").size() < 200);
}
