#include "coca/io/base64.hpp"

#include "catch.hpp"

namespace base64_test {

TEST_CASE("The test vectors of RFC 4648 are encoded") {
  const auto encode = [](std::string_view text) {
    return coca::to_base64({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  };
  CHECK(encode("").empty());
  CHECK(encode("f") == "Zg==");
  CHECK(encode("fo") == "Zm8=");
  CHECK(encode("foo") == "Zm9v");
  CHECK(encode("foob") == "Zm9vYg==");
  CHECK(encode("fooba") == "Zm9vYmE=");
  CHECK(encode("foobar") == "Zm9vYmFy");
  CHECK(encode("\xFB\xFF\xBF") == "+/+/");
}

}  // namespace base64_test
