#include "coca/io/npy.hpp"

#include <bit>
#include <span>

#include "catch.hpp"
#include "temporary_folder.hpp"

using coca::Shape;
using coca_test::contains;
using coca_test::message_of;
using coca_test::read_all;
using coca_test::TemporaryFolder;

namespace {

/// A version 1.0 file with the given header text.
std::string npy_bytes(const std::string& header, const std::string& data) {
  std::string bytes("\x93NUMPY\x01\x00", 8);
  bytes += static_cast<char>(header.size() & 0xff);
  bytes += static_cast<char>(header.size() >> 8);
  return bytes + header + data;
}

std::string npy_refusal(const std::string& bytes) {
  const TemporaryFolder folder;
  const std::string path = folder.write("x.npy", bytes);
  return message_of([&] { coca::read_npy(path); });
}

}  // namespace

TEST_CASE("the bytes are those of numpy.save") {
  const TemporaryFolder folder;
  coca::write_npy(folder.path("x.npy"), std::vector<float>{1, 2, 3, 4, 5, 6}, Shape{2, 3});
  const std::string bytes = read_all(folder.path("x.npy"));
  CHECK(bytes.size() == 128 + 24);
  CHECK(bytes.substr(0, 10) == std::string("\x93NUMPY\x01\x00\x76\x00", 10));
  CHECK(bytes.substr(10, 118) == "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }" +
                                     std::string(58, ' ') + "\n");
  CHECK(bytes.substr(128, 4) == std::string("\0\0\x80\x3f", 4));
}

TEST_CASE("arrays of any rank are read back, NaN included") {
  const TemporaryFolder folder;
  for (const Shape& shape : {Shape{}, Shape{4}, Shape{2, 3}, Shape{0, 5}, Shape{1, 2, 3, 4}}) {
    std::vector<float> values(shape.size());
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i) / 3;
    if (!values.empty()) values[0] = std::bit_cast<float>(0x7fc00001u);
    coca::write_npy(folder.path("x.npy"), values, shape);
    const coca::NpyArray read = coca::read_npy(folder.path("x.npy"));
    CHECK(read.shape == shape);
    REQUIRE(read.values.size() == values.size());
    CHECK(std::equal(values.begin(), values.end(), read.values.begin(), [](float a, float b) {
      return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b);
    }));
  }
}

TEST_CASE("headers of other writers are understood") {
  const TemporaryFolder folder;
  const std::string data(8, '\0');
  const auto read = [&](const std::string& header) {
    return coca::read_npy(folder.write("x.npy", npy_bytes(header, data))).shape;
  };
  CHECK(read("{\"shape\":(2,),\"fortran_order\":False,\"descr\":\"<f4\"}\n") == Shape{2});
  CHECK(read("  {'descr': '<f4', 'fortran_order': False, 'shape': (1, 2, )}  ") == Shape{1, 2});
  std::string version_two("\x93NUMPY\x02\x00", 8);
  const std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}";
  version_two += static_cast<char>(header.size());
  version_two += std::string(3, '\0') + header + data;
  CHECK(coca::read_npy(folder.write("y.npy", version_two)).shape == Shape{2});
}

TEST_CASE("a .npy file cut anywhere is refused") {
  const std::string whole =
      npy_bytes("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }\n", "01234567");
  CHECK(npy_refusal(whole) == "no error");
  for (std::size_t size = 0; size < whole.size(); ++size)
    CHECK(npy_refusal(whole.substr(0, size)) != "no error");
  CHECK(contains(npy_refusal(whole.substr(0, 20)), "is truncated inside its .npy header"));
  CHECK(contains(npy_refusal(whole + "x"),
                 "an array of shape [2] does not fill the 9 bytes of data"));
}

TEST_CASE("other arrays are refused with the reason") {
  const auto header = [](const std::string& text) {
    return npy_refusal(npy_bytes(text, "01234567"));
  };
  CHECK(contains(header("{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }"),
                 "gives the element type '<f8' instead of '<f4'"));
  CHECK(contains(header("{'descr': '<f4', 'fortran_order': True, 'shape': (2,), }"),
                 "does not say 'fortran_order': False"));
  CHECK(contains(header("{'descr': '<f4', 'fortran_order': False, }"), "lacks 'descr'"));
  CHECK(contains(header("{'descr': '<f4', 'fortran_order': False, 'shape': (-2,), }"),
                 "is not made of numbers"));
  CHECK(contains(header("{'descr': '<f4', 'fortran_order': False, "
                        "'shape': (99999999999999999999999,), }"),
                 "a dimension that is too large"));
  CHECK(contains(header("{'descr': '<f4', 'fortran_order': False, "
                        "'shape': (4611686018427387905, 4), }"),
                 "does not fill"));
  CHECK(contains(header("{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,2), }"),
                 "too many dimensions"));
  CHECK(contains(header("{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (2,), }"),
                 "is not a Python dictionary"));
  CHECK(contains(header("{'other': 1}"), "has an unknown key"));
  CHECK(contains(header("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), } x"),
                 "something after its closing brace"));
  CHECK(contains(npy_refusal("PK\x03\x04 not numpy"), "is not a .npy file"));
  CHECK(contains(npy_refusal(std::string("\x93NUMPY\x09\x00\x00\x00", 10)), "has version 9"));
}

TEST_CASE("values must fill the shape") {
  const TemporaryFolder folder;
  CHECK(message_of([&] {
          coca::write_npy(folder.path("x"), std::vector<float>(5), Shape{2, 3});
        }) == "an array of shape [2, 3] cannot be written from 5 values");
  CHECK(folder.count() == 0);
}

TEST_CASE("numbers of any type are read") {
  const auto numbers = [](const std::string& type, const std::string& shape,
                          const std::string& data) {
    const std::string bytes = npy_bytes(
        "{'descr': '" + type + "', 'fortran_order': False, 'shape': " + shape + ", }", data);
    return coca::parse_npy_numbers("x", std::as_bytes(std::span(bytes)));
  };
  using Numbers = std::vector<double>;
  CHECK(numbers("|b1", "(2,)", std::string("\1\0", 2)).values == Numbers{1, 0});
  CHECK(numbers("|i1", "(1,)", "\xff").values == Numbers{-1});
  CHECK(numbers("<i8", "(1, 1)", "\xfe" + std::string(7, '\xff')).values == Numbers{-2});
  CHECK(numbers("<u4", "()", std::string("\1\0\0\x80", 4)).values == Numbers{2147483649.0});
  CHECK(numbers("<f4", "(1,)", std::string("\0\0\x80\x3f", 4)).values == Numbers{1});
  CHECK(numbers("<f8", "(0,)", "").values.empty());
  CHECK(numbers("<i2", "(2,)", std::string("\1\0\2\0", 4)).shape == Shape{2});
  CHECK(message_of([&] { numbers("<i2", "(2,)", std::string(3, '\0')); }) ==
        "x: an array of shape [2] does not fill the 3 bytes of data");
  CHECK(message_of([&] { numbers("<i2", "(4294967296, 4294967296)", ""); }) ==
        "x: an array of shape [4294967296, 4294967296] does not fill the 0 bytes of data");
  CHECK(contains(message_of([&] { numbers(">f4", "(1,)", std::string(4, '\0')); }),
                 "gives the element type '>f4' instead of '<f4'"));
  CHECK(contains(message_of([&] { numbers("<U3", "(1,)", std::string(12, '\0')); }),
                 "gives the element type '<U3'"));
}
