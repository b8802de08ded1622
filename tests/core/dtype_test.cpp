#include "coca/core/dtype.hpp"

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <type_traits>

#include "catch.hpp"
#include "coca/core/random.hpp"

using coca::bfloat16;
using coca::DType;
using coca::float16;

namespace {

constexpr float float_infinity = std::numeric_limits<float>::infinity();

struct Format {
  int mantissa_bits;
  int least_exponent;  // of normal numbers
  int bias;
};
constexpr Format half{10, -14, 15};
constexpr Format brain{7, -126, 127};

// The value of a finite number's bits, by the definition of the format.
double decode(std::uint32_t bits, const Format& format) {
  const std::uint32_t mantissa = bits & ((1u << format.mantissa_bits) - 1);
  const int exponent = static_cast<int>((bits & 0x7fffu) >> format.mantissa_bits);
  const double sign = (bits & 0x8000u) != 0 ? -1.0 : 1.0;
  const double one = exponent == 0 ? 0.0 : std::ldexp(1.0, format.mantissa_bits);
  const int scale = (exponent == 0 ? format.least_exponent : exponent - format.bias);
  return sign * std::ldexp(one + mantissa, scale - format.mantissa_bits);
}

// The nearest number of the format, ties to even, by scaling to integers in double.
double nearest(double value, const Format& format, double largest) {
  if (std::isnan(value) || std::isinf(value) || value == 0) return value;
  const int exponent = std::max(std::ilogb(value), format.least_exponent);
  const double quantum = std::ldexp(1.0, exponent - format.mantissa_bits);
  const double rounded = std::nearbyint(value / quantum) * quantum;
  return std::abs(rounded) > largest ? std::copysign(std::numeric_limits<double>::infinity(), value)
                                     : rounded;
}

constexpr double largest_half = 65504.0;
const double largest_brain = std::ldexp(255.0, 120);

// How many floats `convert` rounds differently from `nearest`.
template <class T>
int wrong_roundings(const Format& format, double largest) {
  int wrong = 0;
  const auto check = [&](std::uint32_t word) {
    const float value = std::bit_cast<float>(word);
    if (std::isnan(value)) return;
    const float converted = static_cast<float>(T(value));
    const double expected = nearest(double{value}, format, largest);
    wrong += !(converted == expected && std::signbit(converted) == std::signbit(value));
  };
  for (std::uint32_t high = 0; high < 0x10000u; ++high) {
    // All upper halves with the lower halves around every rounding border.
    for (const std::uint32_t low : {0x0000u, 0x0001u, 0x0fffu, 0x1000u, 0x1001u, 0x2fffu, 0x3000u,
                                    0x3001u, 0x7fffu, 0x8000u, 0x8001u, 0xffffu})
      check(high << 16 | low);
  }
  for (std::uint64_t i = 0; i < 100000; ++i)
    for (const std::uint32_t word : coca::philox(1, 2, i)) check(word);
  return wrong;
}

}  // namespace

TEST_CASE("every float16 has the value of its definition and comes back unchanged", "[dtype]") {
  int wrong_values = 0, wrong_trips = 0, nans = 0;
  for (std::uint32_t bits = 0; bits < 0x10000u; ++bits) {
    float16 number;
    number.bits = static_cast<std::uint16_t>(bits);
    const float value = static_cast<float>(number);
    if ((bits & 0x7fffu) > 0x7c00u) {
      const float again = static_cast<float>(float16(value));
      nans += std::isnan(value) && std::isnan(again) && std::signbit(again) == (bits >> 15 != 0);
      continue;
    }
    const double expected =
        (bits & 0x7fffu) == 0x7c00u
            ? ((bits & 0x8000u) != 0 ? -double{float_infinity} : double{float_infinity})
            : decode(bits, half);
    wrong_values += !(double{value} == expected);
    wrong_trips += float16(value).bits != bits;
  }
  CHECK(wrong_values == 0);
  CHECK(wrong_trips == 0);
  CHECK(nans == 2 * 1023);
}

TEST_CASE("every bfloat16 has the value of its definition and comes back unchanged", "[dtype]") {
  int wrong_values = 0, wrong_trips = 0, nans = 0;
  for (std::uint32_t bits = 0; bits < 0x10000u; ++bits) {
    bfloat16 number;
    number.bits = static_cast<std::uint16_t>(bits);
    const float value = static_cast<float>(number);
    if ((bits & 0x7fffu) > 0x7f80u) {
      const bfloat16 again(value);
      nans += std::isnan(value) && std::isnan(static_cast<float>(again)) &&
              (again.bits >> 15) == (bits >> 15);
      continue;
    }
    const double expected =
        (bits & 0x7fffu) == 0x7f80u
            ? ((bits & 0x8000u) != 0 ? -double{float_infinity} : double{float_infinity})
            : decode(bits, brain);
    wrong_values += !(double{value} == expected);
    wrong_trips += bfloat16(value).bits != bits;
  }
  CHECK(wrong_values == 0);
  CHECK(wrong_trips == 0);
  CHECK(nans == 2 * 127);
}

TEST_CASE("conversion rounds to nearest, ties to even", "[dtype]") {
  CHECK(wrong_roundings<float16>(half, largest_half) == 0);
  CHECK(wrong_roundings<bfloat16>(brain, largest_brain) == 0);
}

TEST_CASE("float16 at its borders", "[dtype]") {
  CHECK(float16(0.0f).bits == 0x0000);
  CHECK(float16(-0.0f).bits == 0x8000);
  CHECK(float16(1.0f).bits == 0x3c00);
  CHECK(float16(-2.0f).bits == 0xc000);
  CHECK(float16(65504.0f).bits == 0x7bff);
  CHECK(float16(65519.99f).bits == 0x7bff);
  CHECK(float16(65520.0f).bits == 0x7c00);
  CHECK(float16(-1e30f).bits == 0xfc00);
  CHECK(float16(0x1p-14f).bits == 0x0400);      // smallest normal
  CHECK(float16(0x1p-24f).bits == 0x0001);      // smallest subnormal
  CHECK(float16(0x1p-25f).bits == 0x0000);      // tie, to even
  CHECK(float16(0x1.8p-24f).bits == 0x0002);    // tie, to even
  CHECK(float16(0x1.002p0f).bits == 0x3c00);    // tie, to even
  CHECK(float16(0x1.006p0f).bits == 0x3c02);    // tie, to even
  CHECK(float16(0x1.ff8p-15f).bits == 0x03ff);  // largest subnormal
  CHECK(float16(0x1.ffcp-15f).bits == 0x0400);  // tie, up to the smallest normal
  CHECK(std::isnan(static_cast<float>(float16(std::nanf("")))));
  CHECK(float16(float_infinity).bits == 0x7c00);
}

TEST_CASE("bfloat16 at its borders", "[dtype]") {
  CHECK(bfloat16(1.0f).bits == 0x3f80);
  CHECK(bfloat16(-0.0f).bits == 0x8000);
  CHECK(bfloat16(0x1.01p0f).bits == 0x3f80);      // tie, to even
  CHECK(bfloat16(0x1.03p0f).bits == 0x3f82);      // tie, to even
  CHECK(bfloat16(0x1.010002p0f).bits == 0x3f81);  // just above the tie
  CHECK(bfloat16(std::numeric_limits<float>::max()).bits == 0x7f80);
  CHECK(bfloat16(-float_infinity).bits == 0xff80);
  CHECK(bfloat16(0x1p-149f).bits == 0x0000);
  // A NaN whose mantissa is only in the lower half must not become infinity.
  CHECK(std::isnan(static_cast<float>(bfloat16(std::bit_cast<float>(0x7f800001u)))));
  CHECK(std::isnan(static_cast<float>(bfloat16(std::bit_cast<float>(0xffffffffu)))));
}

TEST_CASE("half-width numbers compare as numbers", "[dtype]") {
  CHECK(float16(0.0f) == float16(-0.0f));
  CHECK(bfloat16(0.0f) == bfloat16(-0.0f));
  CHECK_FALSE(float16(std::nanf("")) == float16(std::nanf("")));
  CHECK_FALSE(bfloat16(std::nanf("")) == bfloat16(std::nanf("")));
  CHECK_FALSE(float16(1.0f) == float16(1.001f));
  CHECK(bfloat16(1.0f) == bfloat16(1.001f));  // too close for 8 bits
}

TEST_CASE("half-width numbers are plain storage", "[dtype]") {
  STATIC_REQUIRE(sizeof(float16) == 2);
  STATIC_REQUIRE(sizeof(bfloat16) == 2);
  STATIC_REQUIRE(std::is_trivially_copyable_v<float16>);
  STATIC_REQUIRE(std::is_trivially_copyable_v<bfloat16>);
  STATIC_REQUIRE_FALSE(std::is_convertible_v<float, float16>);
  STATIC_REQUIRE_FALSE(std::is_convertible_v<bfloat16, float>);
  STATIC_REQUIRE(static_cast<float>(bfloat16(1.5f)) == 1.5f);
  STATIC_REQUIRE(static_cast<float>(float16(1.5f)) == 1.5f);
}

TEST_CASE("element types have the names and sizes of safetensors", "[dtype]") {
  const struct {
    DType dtype;
    const char* name;
    std::size_t bytes;
  } expected[] = {{DType::F64, "F64", 8},   {DType::F32, "F32", 4}, {DType::F16, "F16", 2},
                  {DType::BF16, "BF16", 2}, {DType::I64, "I64", 8}, {DType::I32, "I32", 4},
                  {DType::I16, "I16", 2},   {DType::I8, "I8", 1},   {DType::U8, "U8", 1},
                  {DType::BOOL, "BOOL", 1}};
  for (const auto& [dtype, name, bytes] : expected) {
    CHECK(std::string(coca::to_string(dtype)) == name);
    CHECK(coca::size_of(dtype) == bytes);
  }
}

TEST_CASE("a dtype no file can hold has no name and no size", "[dtype]") {
  CHECK(std::string(coca::to_string(static_cast<DType>(200))) == "?");
  CHECK(coca::size_of(static_cast<DType>(200)) == 0);
}

TEST_CASE("C++ types have the dtype of their size and kind", "[dtype]") {
  STATIC_REQUIRE(coca::dtype_of<double> == DType::F64);
  STATIC_REQUIRE(coca::dtype_of<float> == DType::F32);
  STATIC_REQUIRE(coca::dtype_of<float16> == DType::F16);
  STATIC_REQUIRE(coca::dtype_of<bfloat16> == DType::BF16);
  STATIC_REQUIRE(coca::dtype_of<std::int64_t> == DType::I64);
  STATIC_REQUIRE(coca::dtype_of<std::int32_t> == DType::I32);
  STATIC_REQUIRE(coca::dtype_of<std::int8_t> == DType::I8);
  STATIC_REQUIRE(coca::dtype_of<std::uint8_t> == DType::U8);
}
