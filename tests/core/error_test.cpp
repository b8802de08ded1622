#include "coca/core/error.hpp"

#include <stdexcept>
#include <string>
#include <type_traits>

#include "catch.hpp"

namespace {
template <class Thrown>
std::string caught_as_error(const Thrown& thrown) {
  try {
    throw thrown;
  } catch (const coca::Error& error) {
    return error.what();
  }
}
}  // namespace

TEST_CASE("every error is caught as coca::Error with its text", "[error]") {
  CHECK(caught_as_error(coca::Error("any")) == "any");
  CHECK(caught_as_error(coca::ArgumentError("beams: got 0, expected 1 or more")) ==
        "beams: got 0, expected 1 or more");
  CHECK(caught_as_error(coca::ShapeError("got [2], expected [3]")) == "got [2], expected [3]");
  CHECK(caught_as_error(coca::UnavailableError("built without libpng")) == "built without libpng");
  CHECK(caught_as_error(coca::FileError("a/b.png", "not a PNG")) == "a/b.png: not a PNG");
}

TEST_CASE("errors are standard runtime errors", "[error]") {
  STATIC_REQUIRE(std::is_base_of_v<std::runtime_error, coca::Error>);
  STATIC_REQUIRE_FALSE(std::is_base_of_v<coca::ArgumentError, coca::ShapeError>);
  STATIC_REQUIRE_FALSE(std::is_base_of_v<coca::ShapeError, coca::ArgumentError>);
}

TEST_CASE("a file error knows its file", "[error]") {
  const coca::FileError error("model.safetensors", "the header is 3 bytes, expected 8 or more");
  CHECK(error.path() == "model.safetensors");
  CHECK(std::string(error.what()) ==
        "model.safetensors: the header is 3 bytes, expected 8 or more");
}
