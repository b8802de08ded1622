#pragma once
/// @file
/// Matrix products by oneDNN: the only header that includes it.

#include <cstddef>
#include <memory>

#include "coca/backend/cpu/gemm.hpp"
#include "coca/backend/cpu/held_signals.hpp"
#include "coca/backend/cpu/huge_pages.hpp"
#include "coca/backend/cpu/product_call.hpp"
#include "coca/backend/cpu/scratch.hpp"
#include "coca/backend/cpu/threads.hpp"
#include "coca/core/dtype.hpp"
#include "coca/core/error.hpp"
#include "coca/core/memory.hpp"
#include "coca/features.hpp"

#if COCA_HAS_ONEDNN
#include <algorithm>
#include <dnnl.hpp>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#endif

namespace coca::detail {

#if COCA_HAS_ONEDNN

inline constexpr bool has_onednn = true;

/// The engine that all primitives share.
inline const dnnl::engine& onednn_engine() {
  static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

/// The calling thread's stream.
inline dnnl::stream& onednn_stream() {
  thread_local dnnl::stream stream(onednn_engine());
  return stream;
}

/// A weight in the layout that oneDNN's matrix product prefers for the given number of rows.
template <class Stored>
class OneDnnWeight final : public GemmWeight {
  static constexpr bool is_float = std::is_same_v<Stored, float>;
  using Tag = dnnl::memory::format_tag;
  using Type = dnnl::memory::data_type;
  using Description = dnnl::matmul::primitive_desc;

 public:
  /// @param rows    that the layout is chosen for
  /// @param threads that the products will be computed with
  /// @throws UnavailableError if oneDNN has no such product on this processor
  OneDnnWeight(std::size_t out, std::size_t in, InstructionSet set, std::size_t rows, int threads)
      : GemmWeight(out, in), set_(set), plain_(allocate_plain()) {
    const ThreadLimit limit(threads);
    layout_ = describe(rows, memory_description({in, out}, type(), Tag::any)).weights_desc();
  }

  void set(const WeightBlock& block) override {
    Stored* values = plain_.at<Stored>(0);
    for (std::size_t o = 0; o < block.out; ++o)
      for (std::size_t i = 0; i < block.in; ++i)
        values[(block.first_out + o) * in_features() + block.first_in + i] =
            Stored(block.values[o * block.out_stride + i * block.in_stride]);
  }

  void finish() override {
    storage_ = LargeMemory::instance().allocate(layout_.get_size());
    reorder(plain_description(), plain_.at<std::byte>(0), layout_, storage_.at<std::byte>(0));
    plain_ = {};
  }

  // Layouts can only be undone as a whole: that is done for the first rows and kept until the last.
  void unpack(std::size_t first, std::size_t count, float* rows) const override {
    const std::lock_guard lock(mutex_);
    if (!plain_) {
      plain_ = allocate_plain();
      reorder(layout_, storage_.at<std::byte>(0), plain_description(), plain_.at<std::byte>(0));
    }
    const Stored* values = plain_.at<Stored>(0) + first * in_features();
    for (std::size_t i = 0; i < count * in_features(); ++i) rows[i] = static_cast<float>(values[i]);
    if (first + count == out_features()) plain_ = {};
  }

  void multiply(const GemmCall& call) const override {
    if (call.rows == 0) return;
    float* products = call.residual == nullptr
                          ? call.output
                          : scratch<OneDnnWeight>().template get<float>(call.rows * out_features());
    execute(call, products);
    if (call.has_epilogue()) finish_products(call, products);
  }

 private:
  struct Primitive {
    Description description;
    dnnl::matmul primitive;
    bool moves_stack;  ///< see HeldSignals
  };

  static constexpr std::size_t most_primitives = 64;

  static constexpr Type type() { return is_float ? Type::f32 : Type::bf16; }

  static dnnl::memory::desc memory_description(std::initializer_list<std::size_t> extents,
                                               Type kind, Tag tag) {
    dnnl::memory::dims dims;
    for (const std::size_t extent : extents) dims.push_back(static_cast<dnnl::memory::dim>(extent));
    return dnnl::memory::desc(dims, kind, tag);
  }
  LargeBlock allocate_plain() const {
    const LargeMemory::Separate separate;
    return LargeMemory::instance().allocate(out_features() * in_features() * sizeof(Stored));
  }
  // oneDNN's weight is [in, out]; ours is row-major [out, in].
  dnnl::memory::desc plain_description() const {
    return memory_description({in_features(), out_features()}, type(), Tag::ba);
  }

  Description describe(std::size_t rows, const dnnl::memory::desc& weights) const {
    const auto input = memory_description({rows, in_features()}, type(), Tag::ab);
    const auto output = memory_description({rows, out_features()}, Type::f32, Tag::ab);
    dnnl::primitive_attr attributes;
    attributes.set_scratchpad_mode(
        dnnl::scratchpad_mode::user);  // the library's is not thread-safe
    try {
#if DNNL_VERSION_MAJOR >= 3
      return Description(onednn_engine(), input, weights, output, attributes);
#else
      return Description(dnnl::matmul::desc(input, weights, output), attributes, onednn_engine());
#endif
    } catch (const dnnl::error& error) {
      throw UnavailableError(std::string("oneDNN has no ") + (is_float ? "float" : "bfloat16") +
                             " matrix product for this processor: " + error.what());
    }
  }

  static void reorder(const dnnl::memory::desc& from, std::byte* source,
                      const dnnl::memory::desc& to, std::byte* target) {
    dnnl::memory input(from, onednn_engine(), source);
    dnnl::memory output(to, onednn_engine(), target);
    dnnl::reorder(input, output).execute(onednn_stream(), input, output);
    onednn_stream().wait();
  }

  // Primitives are created once per number of rows and threads, and dropped when there are too
  // many.
  std::shared_ptr<const Primitive> primitive_for(std::size_t rows, int threads) const {
    const std::lock_guard lock(mutex_);
    auto& known = primitives_[{rows, threads}];
    if (!known) {
      const Description description = describe(rows, layout_);
      auto made = std::make_shared<const Primitive>(
          Primitive{description, dnnl::matmul(description),
                    std::string_view(description.impl_info_str()).starts_with("gemm")});
      if (primitives_.size() > most_primitives) primitives_.clear();
      primitives_[{rows, threads}] = made;
      return made;
    }
    return known;
  }

  const void* input_of(const GemmCall& call) const {
    if constexpr (is_float) {
      return call.input;
    } else {
      const std::size_t count = call.rows * in_features();
      auto* rounded = scratch<Primitive>().template get<bfloat16>(count);
      for (std::size_t i = 0; i < count; ++i) rounded[i] = bfloat16(call.input[i]);
      return rounded;
    }
  }

  void execute(const GemmCall& call, float* products) const {
    const ThreadLimit limit(call.threads);
    const auto made = primitive_for(call.rows, call.threads);
    std::optional<HeldSignals> held;
    if (made->moves_stack) held.emplace(call.threads);
    const auto scratchpad = made->description.scratchpad_desc();
    const auto memory = [](const dnnl::memory::desc& description, const void* data) {
      return dnnl::memory(description, onednn_engine(), const_cast<void*>(data));
    };
    made->primitive.execute(
        onednn_stream(),
        {{DNNL_ARG_SRC, memory(made->description.src_desc(), input_of(call))},
         {DNNL_ARG_WEIGHTS, memory(layout_, storage_.at<std::byte>(0))},
         {DNNL_ARG_DST, memory(made->description.dst_desc(), products)},
         {DNNL_ARG_SCRATCHPAD, memory(scratchpad, scratch<Description>().template get<std::byte>(
                                                      scratchpad.get_size() + 1))}});
    onednn_stream().wait();
  }

  void finish_products(const GemmCall& call, const float* products) const {
    parallel_for(worthwhile_threads(call.threads, call.rows * out_features()), call.rows,
                 [&](std::size_t begin, std::size_t end) {
                   EpilogueRow first;
                   first.call = &call;
                   first.out = out_features();
                   first.row = begin;
                   first.count = out_features();
                   first.products = products + begin * out_features();
                   dispatch<EpilogueKernel>(set_, first, end - begin, out_features());
                 });
  }

  InstructionSet set_;
  dnnl::memory::desc layout_;
  LargeBlock storage_;
  mutable LargeBlock plain_;
  mutable std::mutex mutex_;
  mutable std::map<std::pair<std::size_t, int>, std::shared_ptr<const Primitive>> primitives_;
};

/// A weight for oneDNN. @throws UnavailableError if it has no such product on this processor.
template <class Stored>
std::shared_ptr<GemmWeight> make_onednn_weight(std::size_t out, std::size_t in, InstructionSet set,
                                               std::size_t rows, int threads) {
  return std::make_shared<OneDnnWeight<Stored>>(out, in, set, rows, threads);
}

/// A product of floats by oneDNN.
inline void multiply_by_onednn(const ProductCall& call, InstructionSet set) {
  const ThreadLimit limit(call.result.threads);
  const bool adds = call.only_adds(), plain = adds || !call.result.has_epilogue();
  float* products =
      plain ? call.result.output : scratch<ProductCall>().get<float>(call.rows() * call.columns);
  const auto size = [](std::size_t value) { return static_cast<dnnl_dim_t>(value); };
  // The stride of a single row does not matter, but must not be less than its length.
  const auto stride = [&](const Operand& side, bool transposed, std::size_t columns) {
    return size(transposed ? side.column_stride : std::max(side.row_stride, columns));
  };
  const bool left = call.left_is_transposed(), right = call.right_is_transposed();
  std::optional<HeldSignals> held(call.result.threads);
  const dnnl_status_t status = dnnl_sgemm(
      left ? 'T' : 'N', right ? 'T' : 'N', size(call.rows()), size(call.columns), size(call.depth),
      1.0f, call.left.values, stride(call.left, left, call.depth), call.right.values,
      stride(call.right, right, call.columns), adds ? 1.0f : 0.0f, products, size(call.columns));
  held.reset();
  if (status != dnnl_success)
    throw UnavailableError("oneDNN refuses a float matrix product, status " +
                           std::to_string(static_cast<int>(status)));
  if (!plain) finish_products(call, 0, call.columns, products, call.columns, set);
}

#else

inline constexpr bool has_onednn = false;

inline void multiply_by_onednn(const ProductCall&, InstructionSet) {
  throw UnavailableError(
      "matrix products by oneDNN need the library oneDNN, which this build lacks");
}

template <class Stored>
std::shared_ptr<GemmWeight> make_onednn_weight(std::size_t, std::size_t, InstructionSet,
                                               std::size_t, int) {
  throw UnavailableError(
      "matrix products by oneDNN need the library oneDNN, which this build lacks");
}

#endif

}  // namespace coca::detail
