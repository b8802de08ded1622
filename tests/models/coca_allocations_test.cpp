// Inference on the processor allocates no memory for numbers after the first call. HostMemory asks
// the aligned operator new, which is replaced here by one that counts.
#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>
#include <vector>

#include "catch.hpp"
#include "models/tested_models.hpp"

namespace {

std::atomic<std::size_t> allocations{0};

}  // namespace

void* operator new(std::size_t bytes, std::align_val_t alignment) {
  ++allocations;
  const auto align = static_cast<std::size_t>(alignment);
  if (void* block = std::aligned_alloc(align, (bytes + align - 1) / align * align)) return block;
  throw std::bad_alloc();
}
void operator delete(void* block, std::align_val_t) noexcept { std::free(block); }
void operator delete(void* block, std::size_t, std::align_val_t) noexcept { std::free(block); }

using namespace coca;
using namespace coca::testing;

namespace {

using B = Cpu<float>;

// Encodes two pictures and a text of each, and writes some words about the pictures.
void infer(Context<B>& context, const CoCa<plain, B>& model, const Checkpoint& file) {
  const auto image = model.encode_image(context, device_rows(context, file, "x.image", 2));
  context.to_host(image.embedding);
  context.to_host(model.caption_logits(context, image.tokens, tokens_of(file, "x.text", 2)));
  auto decoding = model.start_decoding(context, image.tokens, 2 + 4 * 10);
  context.to_host(model.extend(context, decoding, Tokens{{510, 510}, 2, 1}));
  model.reorder(context, decoding, {0, 0, 1, 1});
  for (std::int32_t word = 1; word <= 10; ++word) {
    context.to_host(model.extend(context, decoding, Tokens{{word, 2, word, 0}, 4, 1}));
    model.reorder(context, decoding, {1, 0, 3, 2});
  }
}

}  // namespace

TEST_CASE("The second call on the processor allocates nothing", "[sharing]") {
  const Checkpoint file = variant("coca_plain");
  for (const GemmKind kind : {GemmKind::packed, GemmKind::eigen}) {
    INFO(to_string(kind));
    const auto model =
        model_of<CoCa<plain, B>>(variant_weights("coca_plain"), B(CpuOptions{.gemm = kind}));
    Context<B> context(model.backend());
    const std::size_t at_first = allocations;
    infer(context, model, file);
    const std::size_t before = allocations;
    CHECK(before > at_first);
    infer(context, model, file);
    infer(context, model, file);
    CHECK(allocations == before);
  }
}
