#include <cmath>
#include <cstddef>
#include <vector>

#include "backend/call.hpp"
#include "catch.hpp"
#include "coca/backend/cpu/cpu.hpp"

namespace ops = coca::ops;
using coca::testing::call;
namespace {

using Array = coca::Tensor<float>;

std::vector<coca::Cpu<>> backends() {
  std::vector<coca::Cpu<>> made;
  for (const auto set :
       {coca::InstructionSet::baseline, coca::InstructionSet::avx2, coca::InstructionSet::avx512})
    if (set <= coca::detail::best_instruction_set())
      for (const int threads : {1, 3})
        made.emplace_back(coca::CpuOptions{.threads = threads, .instruction_set = set});
  return made;
}

Array ramp(const coca::Shape& shape, float step) {
  const Array made = coca::Cpu<>({.threads = 1}).allocate<float>(shape);
  for (std::size_t i = 0; i < shape.size(); ++i)
    made.data()[i] = step * (static_cast<float>(i % 1000) - 300.0f);
  return made;
}

}  // namespace

TEST_CASE("sums do not depend on the number of threads", "[cpu]") {
  const Array values = ramp({100, 1037}, 0.001f), gradients = ramp({100, 1037}, 0.0007f);
  const Array weight = ramp({1037}, 0.01f);
  const auto sums = [&](const coca::Cpu<>& cpu) {
    const Array square = cpu.allocate<float>({1});
    const Array parts = cpu.allocate<float>({3, 1037});
    call<ops::Fill>(cpu, square, 0.0f);
    call<ops::Fill>(cpu, parts, 0.0f);
    call<ops::SumOfSquares>(cpu, values, square);
    call<ops::SumRows>(cpu, values, parts.slice(0, 1));
    call<ops::LayerNormGradient>(cpu, values, weight, gradients,
                                 ops::Update(Array(), coca::Write::assign), parts.slice(1, 1),
                                 parts.slice(2, 1));
    std::vector<float> all(parts.data(), parts.data() + parts.size());
    all.push_back(square.data()[0]);
    return all;
  };
  const auto all = backends();
  for (std::size_t i = 0; i < all.size(); i += 2) {
    INFO(coca::to_string(all[i].instruction_set()));
    CHECK(sums(all[i]) == sums(all[i + 1]));
  }
}

TEST_CASE("sums of many squares keep their digits", "[cpu]") {
  const std::size_t count = 3000001;
  const Array values = ramp({count}, 0.01f);
  double exact = 0;
  for (std::size_t i = 0; i < count; ++i)
    exact += double{values.data()[i]} * double{values.data()[i]};
  for (const auto& cpu : backends()) {
    const Array sum = cpu.allocate<float>({1});
    call<ops::Fill>(cpu, sum, 0.0f);
    call<ops::SumOfSquares>(cpu, values, sum);
    CHECK(std::abs(sum.data()[0] - exact) <= 2e-7 * exact);
  }
}

TEST_CASE("elementwise loops cover every element once, whatever their number", "[cpu]") {
  for (const auto& cpu : backends())
    for (std::size_t count = 1; count < 70; ++count) {
      const Array values = ramp({count + 1}, 1.0f);
      const float after = values.data()[count];
      call<ops::Scale>(cpu, values.slice(0, count), 2.0f);
      std::size_t wrong = values.data()[count] == after ? 0 : 1;
      for (std::size_t i = 0; i < count; ++i)
        wrong += values.data()[i] == 2.0f * (static_cast<float>(i) - 300.0f) ? 0 : 1;
      CHECK(wrong == 0);
    }
}

TEST_CASE("the derivatives of activations at their ends", "[cpu]") {
  const std::vector<float> inputs = {-1e30f, -20.0f,        0.0f, 20.0f,
                                     1e30f,  std::nanf(""), 1.0f, -1.0f};
  for (const auto& cpu : backends())
    for (const auto activation : {coca::Activation::gelu, coca::Activation::quick_gelu}) {
      const Array x = cpu.allocate<float>({8}), gradient = cpu.allocate<float>({8});
      std::copy(inputs.begin(), inputs.end(), x.data());
      const Array ones = cpu.allocate<float>({8});
      call<ops::Fill>(cpu, ones, 1.0f);
      call<ops::ActivationGradient>(cpu, x, activation, ones,
                                    ops::Update(gradient, coca::Write::assign));
      const float* y = gradient.data();
      CHECK(std::abs(y[0]) <= 1e-6f);
      CHECK(std::abs(y[1]) <= 1e-6f);
      CHECK(std::abs(y[2] - 0.5f) <= 1e-6f);
      CHECK(std::abs(y[3] - 1.0f) <= 1e-6f);
      CHECK(std::abs(y[4] - 1.0f) <= 1e-6f);
      CHECK(std::isnan(y[5]));
      CHECK(std::abs(y[6] + y[7] - 1.0f) <= 1e-6f);
    }
}
