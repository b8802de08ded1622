// Matrix products of the CPU backend, all implementations compared, and the memory
// bandwidth that bounds those with few rows. OpenBLAS joins in for comparison where
// COCA_BENCHMARK_OPENBLAS is defined; the library itself does not use it.
//
// Names: product/<kind>/<instructions>/<weight>/<rows>x<in>-><out>, and for products of training,
// which read weights in place, forward, input_gradient or weight_gradient instead of product.
// GFLOPS and GB/s (of weights) are counters; time is the wall's.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include "coca/backend/cpu/cpu.hpp"

#ifdef COCA_BENCHMARK_OPENBLAS
#include <cblas.h>
#endif

namespace {

struct Product {
  std::size_t rows, in, out;
};

// ViT-L/14 and ViT-B/32 on one picture; text decoders of six beams: their layers and vocabulary.
constexpr Product products[] = {
    {257, 1024, 3072}, {257, 1024, 1024}, {257, 1024, 4096}, {257, 4096, 1024}, {50, 768, 3072},
    {50, 768, 768},    {50, 3072, 768},   {6, 512, 512},     {6, 512, 2048},    {6, 768, 768},
    {6, 768, 3072},    {6, 3072, 768},    {6, 512, 49408},   {6, 768, 49408},
};

// Training: layers of ViT-B/32 on eight pictures, text decoders on eight captions, the vocabulary.
constexpr Product training_products[] = {
    {400, 768, 768}, {400, 768, 3072}, {400, 3072, 768}, {600, 512, 49408}};

double largest(const std::vector<double>& values) {
  return *std::max_element(values.begin(), values.end());
}

std::vector<float> numbers(std::size_t count) {
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i)
    values[i] = static_cast<float>(i * 2654435761u % 1000) / 500.0f - 1.0f;
  return values;
}

coca::Tensor<float> tensor(const std::vector<float>& values, const coca::Shape& shape) {
  const coca::Tensor<float> made(
      coca::Buffer<coca::HostMemory>::allocate(shape.size() * sizeof(float)), shape);
  std::copy_n(values.begin(), shape.size(), made.data());
  return made;
}

void count(benchmark::State& state, const Product& product, std::size_t weight_bytes) {
  const auto weights = static_cast<double>(product.in * product.out);
  const auto flops = 2e-9 * static_cast<double>(product.rows) * weights;
  using benchmark::Counter;
  state.counters["GFLOPS"] = Counter(flops, Counter::kIsIterationInvariantRate);
  state.counters["GB/s"] = Counter(1e-9 * weights * static_cast<double>(weight_bytes),
                                   Counter::kIsIterationInvariantRate);
}

template <class Weight>
void multiply(benchmark::State& state, const Product& product, coca::GemmKind kind,
              coca::InstructionSet set) {
  try {
    const coca::Cpu<Weight> cpu({.gemm = kind, .instruction_set = set});
    const std::vector<float> row = numbers(product.in);
    const coca::WeightSource source{coca::Shape{product.out, product.in},
                                    [&](std::size_t, std::size_t rows, float* out) {
                                      for (std::size_t r = 0; r < rows; ++r)
                                        out = std::copy(row.begin(), row.end(), out);
                                    }};
    const auto matrix = cpu.pack(source, {.rows = product.out,
                                          .use = product.rows < 20 ? coca::MatrixUse::few_rows
                                                                   : coca::MatrixUse::many_rows});
    const auto input = tensor(numbers(product.rows * product.in), {product.rows, product.in});
    const auto output = cpu.template allocate<float>({product.rows, product.out});
    const coca::ops::MatmulOn<coca::Cpu<Weight>> operation{
        .input = input, .weight = matrix, .output = coca::ops::Out(output)};
    for (auto _ : state) cpu.run(operation);
    const bool fixed24 = matrix.kind() == coca::GemmKind::fixed24;
    count(state, product, fixed24 ? coca::detail::Fixed24::bytes : sizeof(Weight));
    state.SetLabel(coca::to_string(matrix.kind()));
  } catch (const coca::Error& error) {
    state.SkipWithError(error.what());
  }
}

enum class Direction { forward, input_gradient, weight_gradient };

constexpr const char* direction_names[] = {"forward", "input_gradient", "weight_gradient"};

template <class Compute>
void multiply_view(benchmark::State& state, const Product& product, coca::GemmKind kind,
                   Direction direction) {
  try {
    const coca::Cpu<float, Compute> cpu({.gemm = kind});
    const auto weight = tensor(numbers(product.out * product.in), {product.out, product.in});
    const auto matrix = cpu.view(weight);
    const auto input = tensor(numbers(product.rows * product.in), {product.rows, product.in});
    const auto output = tensor(numbers(product.rows * product.out), {product.rows, product.out});
    using B = coca::Cpu<float, Compute>;
    for (auto _ : state) {
      if (direction == Direction::forward)
        cpu.run(coca::ops::MatmulOn<B>{
            .input = input, .weight = matrix, .output = coca::ops::Out(output)});
      if (direction == Direction::input_gradient)
        cpu.run(
            coca::ops::MatmulInputGradientOn<B>{.output_gradient = output,
                                                .weight = matrix,
                                                .input_gradient = {input, coca::Write::assign}});
      if (direction == Direction::weight_gradient)
        cpu.run(coca::ops::On<B, coca::ops::MatmulWeightGradient>{
            .output_gradient = output,
            .input = input,
            .weight_gradient = {weight, coca::Write::assign}});
    }
    count(state, product, sizeof(float));
  } catch (const coca::Error& error) {
    state.SkipWithError(error.what());
  }
}

#ifdef COCA_BENCHMARK_OPENBLAS
void multiply_by_openblas(benchmark::State& state, const Product& product) {
  const auto weight = numbers(product.out * product.in), input = numbers(product.rows * product.in);
  std::vector<float> output(product.rows * product.out);
  const auto rows = static_cast<int>(product.rows), in = static_cast<int>(product.in),
             out = static_cast<int>(product.out);
  for (auto _ : state)
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, rows, out, in, 1.0f, input.data(), in,
                weight.data(), in, 0.0f, output.data(), out);
  count(state, product, sizeof(float));
}
#endif

// How fast all threads together read an array that no cache holds: the limit of products with few
// rows.
struct ReadKernel {
  template <class S>
  [[gnu::always_inline]] static inline void run(const float* from, std::size_t count, float* sum) {
    typename S::F total[4] = {}, x;
    for (std::size_t i = 0; i + 4 * S::width <= count; i += 4 * S::width)
      for (std::size_t j = 0; j < 4; ++j) {
        coca::detail::simd::load<S>(x, from + i + j * S::width);
        total[j] += x;
      }
    total[0] += total[1] + total[2] + total[3];
    *sum = coca::detail::simd::sum<S>(total[0]);
  }
};

void read_memory(benchmark::State& state, std::size_t bytes) {
  const std::size_t count = bytes / sizeof(float);
  const auto array = tensor(numbers(count), {count});
  const auto set = coca::detail::best_instruction_set();
  for (auto _ : state)
    coca::detail::parallel_for(
        coca::detail::default_threads(), count, [&](std::size_t begin, std::size_t end) {
          float sum = 0;
          coca::detail::dispatch<ReadKernel>(set, array.data() + begin, end - begin, &sum);
          benchmark::DoNotOptimize(sum);
        });
  state.counters["GB/s"] = benchmark::Counter(1e-9 * static_cast<double>(bytes),
                                              benchmark::Counter::kIsIterationInvariantRate);
}

template <class Weight>
void add_kind(const std::string& weight, coca::GemmKind kind, coca::InstructionSet set,
              const Product& product) {
  const std::string name = std::string("product/") + coca::to_string(kind) + "/" +
                           coca::to_string(set) + "/" + weight + "/" +
                           std::to_string(product.rows) + "x" + std::to_string(product.in) + "->" +
                           std::to_string(product.out);
  benchmark::RegisterBenchmark(name.c_str(), multiply<Weight>, product, kind, set)
      ->UseRealTime()
      ->ComputeStatistics("max", largest);
}

template <class Compute>
void add_view(const std::string& compute, coca::GemmKind kind, const Product& product) {
  for (const auto direction :
       {Direction::forward, Direction::input_gradient, Direction::weight_gradient}) {
    const std::string name = std::string(direction_names[static_cast<int>(direction)]) + "/" +
                             coca::to_string(kind) + "/own/" + compute + "/" +
                             std::to_string(product.rows) + "x" + std::to_string(product.in) +
                             "->" + std::to_string(product.out);
    benchmark::RegisterBenchmark(name.c_str(), multiply_view<Compute>, product, kind, direction)
        ->UseRealTime()
        ->ComputeStatistics("max", largest);
  }
}

void add_training_products(const Product& product) {
  add_view<float>("float32", coca::GemmKind::packed, product);
  add_view<float>("float32", coca::GemmKind::eigen, product);
  if (coca::detail::has_onednn) add_view<float>("float32", coca::GemmKind::onednn, product);
  add_view<coca::bfloat16>("bfloat16", coca::GemmKind::packed, product);
}

void add_products(const Product& product) {
  using coca::GemmKind;
  using coca::InstructionSet;
  for (const auto set : {InstructionSet::avx512, InstructionSet::avx2, InstructionSet::baseline}) {
    if (set > coca::detail::best_instruction_set()) continue;
    add_kind<float>("float32", GemmKind::packed, set, product);
    add_kind<coca::bfloat16>("bfloat16", GemmKind::packed, set, product);
    if (set > InstructionSet::baseline) add_kind<float>("float32", GemmKind::fixed24, set, product);
  }
  const InstructionSet best = coca::detail::best_instruction_set();
  add_kind<float>("float32", GemmKind::eigen, best, product);
  if (coca::detail::has_onednn) {
    add_kind<float>("float32", GemmKind::onednn, best, product);
    add_kind<coca::bfloat16>("bfloat16", GemmKind::onednn, best, product);
  }
  add_kind<float>("float32", GemmKind::automatic, best, product);
  add_kind<coca::bfloat16>("bfloat16", GemmKind::automatic, best, product);
#ifdef COCA_BENCHMARK_OPENBLAS
  const std::string name = "product/openblas/own/float32/" + std::to_string(product.rows) + "x" +
                           std::to_string(product.in) + "->" + std::to_string(product.out);
  benchmark::RegisterBenchmark(name.c_str(), multiply_by_openblas, product)
      ->UseRealTime()
      ->ComputeStatistics("max", largest);
#endif
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  for (const std::size_t megabytes : {2, 16, 150, 1024})
    benchmark::RegisterBenchmark(("read/" + std::to_string(megabytes) + "MB").c_str(), read_memory,
                                 megabytes << 20)
        ->UseRealTime()
        ->ComputeStatistics("max", largest);
  for (const Product& product : products) add_products(product);
  for (const Product& product : training_products) add_training_products(product);
  benchmark::RunSpecifiedBenchmarks();
}
