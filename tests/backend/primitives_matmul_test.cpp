// Matrix products on every backend against Reference<double>.
// u is the unit roundoff of float; a sum of k terms in any order is off by about 4 sqrt(k) u times
// the sum of the terms' magnitudes at most (the probabilistic bound of Higham and Mary, 2019).

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <type_traits>
#include <vector>

#include "backend/bench.hpp"
#include "backend/call.hpp"
#include "backend/subjects.hpp"
#include "catch.hpp"
#include "comparison.hpp"

using namespace coca::testing;
using coca::Shape;

namespace {

// Each of the 36 combinations of what can follow a product.
struct Ending {
  explicit Ending(std::size_t number)
      : activation(static_cast<coca::Activation>(number % 3)),
        bias(number / 3 % 2 == 1),
        scale(number / 6 % 2 == 1),
        residual(number / 12 % 3 >= 1),
        aliased(number / 12 % 3 == 2) {}
  static constexpr std::size_t count = 36;

  coca::Activation activation;
  bool bias, scale, residual, aliased;
};

// One weight in one way of packing it.
struct Weight {
  std::size_t out, in;
  Floats stored;
  Shape shape;
  coca::PackOptions options;

  template <class W>
  static Weight make(std::size_t out, std::size_t in, std::size_t variant, Random& random) {
    Weight weight{out, in, {}, {}, {}};
    weight.options.rows = out;
    if (variant % 3 == 0) weight.shape = {out, in};
    if (variant % 3 == 1) weight.shape = {in, out}, weight.options.transposed = true;
    if (variant % 3 == 2) weight.shape = {out + 5, in}, weight.options.first_row = 3;
    if (variant / 3 % 2 == 1) weight.options.use = coca::MatrixUse::few_rows;
    const float scale = 1 / std::sqrt(static_cast<float>(in));
    weight.stored = rounded_to<W>(random.normals(weight.shape.size(), scale));
    return weight;
  }
  float operator()(std::size_t o, std::size_t i) const {
    return stored[options.transposed ? i * out + o : (options.first_row + o) * in + i];
  }
};

struct Product {
  const Weight& weight;
  Ending ending;
  std::size_t rows;
  Floats input, bias, scale, residual;

  Product(const Weight& w, std::size_t number, std::size_t row_count, Random& random)
      : weight(w),
        ending(number),
        rows(row_count),
        input(random.normals(row_count * w.in)),
        bias(random.normals(w.out)),
        scale(random.normals(w.out)),
        residual(random.normals(row_count * w.out)) {}

  template <class B, class Matrix>
  std::vector<double> run(Bench<B>& bench, const Matrix& matrix) const {
    coca::Epilogue<typename Bench<B>::T, typename Bench<B>::M> epilogue;
    const Shape shape{rows, weight.out};
    if (ending.bias) epilogue.bias = bench.input(bias, {weight.out});
    epilogue.activation = ending.activation;
    if (ending.scale) epilogue.scale = bench.input(scale, {weight.out});
    if (ending.residual)
      epilogue.residual =
          ending.aliased ? bench.inplace(residual, shape) : bench.input(residual, shape);
    const auto output = ending.aliased ? epilogue.residual.tensor() : bench.output(shape);
    call<ops::Matmul>(bench.backend, bench.input(input, {rows, weight.in}), matrix, epilogue,
                      output);
    return bench.read(output);
  }

  // The sum's error, at most 1.13 times as large after an activation (the steepest slope of gelu),
  // whose own error is a few u of its argument; then one rounding for the scale and one for the
  // residual. `input_error` is the relative error that the backend may make in the inputs.
  std::vector<double> tolerances(double input_error) const {
    std::vector<double> result;
    const double terms = 4 * std::sqrt(static_cast<double>(weight.in)) + 10;
    for (std::size_t r = 0; r < rows; ++r)
      for (std::size_t o = 0; o < weight.out; ++o) {
        double magnitude = ending.bias ? std::abs(bias[o]) : 0;
        for (std::size_t i = 0; i < weight.in; ++i)
          magnitude += std::abs(double{input[r * weight.in + i]} * double{weight(o, i)});
        const double scaled = ending.scale ? std::abs(scale[o]) : 1;
        const double added = ending.residual ? std::abs(residual[r * weight.out + o]) : 0;
        const double error = 1.13 * terms * u * (magnitude + 1) + 1.13 * input_error * magnitude;
        result.push_back(scaled * (error + 2 * u * magnitude) + 2 * u * added);
      }
    return result;
  }

  std::string text() const {
    return std::to_string(rows) + " rows, " + std::to_string(weight.out) + " x " +
           std::to_string(weight.in) + ", packing " + to_string(weight.shape) + ", activation " +
           std::to_string(static_cast<int>(ending.activation)) + (ending.bias ? ", bias" : "") +
           (ending.scale ? ", scale" : "") + (ending.residual ? ", residual" : "") +
           (ending.aliased ? " in place" : "");
  }
};

// Packs on both backends and compares one product after another.
template <class B>
class ProductTest {
 public:
  ProductTest(const B& backend, const Weight& weight)
      : backend_(backend),
        matrix_(backend.pack(source_of(weight.stored, weight.shape), weight.options)),
        judged_(coca::Reference<double>().pack(source_of(weight.stored, weight.shape),
                                               weight.options)) {
    CHECK(matrix_.out_features() == weight.out);
    CHECK(matrix_.in_features() == weight.in);
  }

  void check(const Product& product, double input_error = 0) const {
    CAPTURE(product.text());
    const Results results = both(backend_, [&]<class Any>(Bench<Any>& bench) {
      if constexpr (std::is_same_v<Any, B>)
        return product.run(bench, matrix_);
      else
        return product.run(bench, judged_);
    });
    CHECK(first_difference(results.actual, results.expected, product.tolerances(input_error)) ==
          "");
  }

 private:
  B backend_;
  typename B::Matrix matrix_;
  coca::Reference<double>::Matrix judged_;
};

constexpr std::size_t matmul_widths[] = {1, 7, 16, 31, 48, 100, 129, 512};

}  // namespace

TEMPLATE_LIST_TEST_CASE("matmul for awkward sizes", "[primitives][matmul]", ProductSubjects) {
  COCA_SKIP_UNAVAILABLE();
  Random random(1);
  std::size_t pair = 0, number = 0;
  for (const std::size_t out : matmul_widths)
    for (const std::size_t in : matmul_widths) {
      const auto weight = Weight::make<typename TestType::Weight>(out, in, pair++, random);
      const ProductTest test(backend, weight);
      const auto check = [&](std::size_t rows) {
        Product product(weight, number++ % Ending::count, rows, random);
        product.input = rounded_to<typename TestType::Weight>(product.input);
        test.check(product);
      };
      for (std::size_t rows = 1; rows <= 17; ++rows) check(rows);
      if (out * in <= 129 * 129 || out == in) check(50);
      if (out * in <= 48 * 129 || (out == 129 && in == 129)) check(257);
    }
}

TEMPLATE_LIST_TEST_CASE("matmul with every epilogue", "[primitives][matmul]", ProductSubjects) {
  COCA_SKIP_UNAVAILABLE();
  Random random(2);
  for (const std::size_t rows : {3, 40}) {
    const auto weight = Weight::make<typename TestType::Weight>(37, 65, rows, random);
    const ProductTest test(backend, weight);
    for (std::size_t number = 0; number < Ending::count; ++number) {
      Product product(weight, number, rows, random);
      product.input = rounded_to<typename TestType::Weight>(product.input);
      test.check(product);
    }
  }
}

// Backends that store weights in bfloat16 may round the inputs too: by its unit roundoff, 2^-8.
TEMPLATE_LIST_TEST_CASE("matmul of inputs that bfloat16 cannot hold", "[primitives][matmul]",
                        ProductSubjects) {
  COCA_SKIP_UNAVAILABLE();
  using W = typename TestType::Weight;
  Random random(3);
  const auto weight = Weight::make<W>(50, 200, 0, random);
  const ProductTest test(backend, weight);
  for (const std::size_t rows : {1, 6, 33})
    test.check(Product(weight, 3, rows, random), std::is_same_v<W, float> ? 0 : 0x1p-8);
}

TEMPLATE_LIST_TEST_CASE("unpack gives the weight back", "[primitives][matmul]", ProductSubjects) {
  COCA_SKIP_UNAVAILABLE();
  Random random(4);
  for (const std::size_t out : {1, 31, 100})
    for (const std::size_t in : {1, 48, 129})
      for (std::size_t variant = 0; variant < 6; ++variant) {
        CAPTURE(out, in, variant);
        const auto weight = Weight::make<typename TestType::Weight>(out, in, variant, random);
        const auto matrix = backend.pack(source_of(weight.stored, weight.shape), weight.options);
        const std::size_t first = out / 3, count = out - first;
        Floats rows(count * in + 1, -77.0f), expected(count * in + 1, -77.0f);
        backend.unpack(matrix, first, count, rows.data());
        for (std::size_t o = 0; o < count; ++o)
          for (std::size_t i = 0; i < in; ++i) expected[o * in + i] = weight(first + o, i);
        CHECK(first_inequality(rows, expected) == "");
      }
}

TEMPLATE_LIST_TEST_CASE("matmul keeps NaN to its row", "[primitives][matmul]", ProductSubjects) {
  COCA_SKIP_UNAVAILABLE();
  Random random(5);
  for (const std::size_t rows : {2, 9, 50}) {
    Floats input = random.normals(rows * 33);
    input[33 + 7] = not_a_number;
    Bench bench(backend);
    const auto matrix = bench.weight(random.normals(20 * 33), {20, 33});
    for (const auto activation :
         {coca::Activation::none, coca::Activation::gelu, coca::Activation::quick_gelu}) {
      CAPTURE(rows, static_cast<int>(activation));
      const auto output = bench.output({rows, 20});
      call<ops::Matmul>(
          bench.backend, bench.input(input, {rows, 33}), matrix,
          coca::Epilogue<float, typename TestType::Backend::memory_type>{.activation = activation},
          output);
      const std::vector<double> values = bench.read(output);
      std::size_t wrong = 0;
      for (std::size_t i = 0; i < values.size(); ++i)
        wrong += std::isnan(values[i]) != (i / 20 == 1);
      CHECK(wrong == 0);
    }
  }
}

TEMPLATE_LIST_TEST_CASE("activations far from zero", "[primitives][matmul]", ProductSubjects) {
  COCA_SKIP_UNAVAILABLE();
  const Floats input{-1e30f, -200,  -100, -88, -60, -20, -10, -6, -4,  -1e-3f, -1e-20f, 0,
                     1e-20f, 1e-3f, 4,    6,   10,  20,  60,  88, 100, 200,    1e30f};
  for (const auto activation : {coca::Activation::gelu, coca::Activation::quick_gelu}) {
    CAPTURE(static_cast<int>(activation));
    const Results results = both(backend, [&]<class B>(Bench<B>& bench) {
      const auto values = rounded_to<typename TestType::Weight>(input);
      const auto output = bench.output({values.size(), 1});
      call<ops::Matmul>(
          bench.backend, bench.input(values, {values.size(), 1}), bench.weight({1}, {1, 1}),
          coca::Epilogue<typename B::value_type, typename B::memory_type>{.activation = activation},
          output);
      return bench.read(output);
    });
    // The tails are as small as the error of erf or exp, a few u of the argument.
    std::vector<double> tolerance;
    for (const float x : input)
      tolerance.push_back(8 * u * std::min(std::abs(double{x}), 100.0) +
                          8 * u * std::max(double{x}, 0.0));
    CHECK(first_difference(results.actual, results.expected, tolerance) == "");
  }
}
