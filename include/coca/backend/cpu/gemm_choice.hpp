#pragma once
/// @file
/// Which implementation multiplies a weight: requested, or measured once per shape.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <type_traits>
#include <vector>

#include "coca/backend/backend.hpp"
#include "coca/backend/cpu/cpu_options.hpp"
#include "coca/backend/cpu/gemm_eigen.hpp"
#include "coca/backend/cpu/gemm_fixed24.hpp"
#include "coca/backend/cpu/gemm_onednn.hpp"
#include "coca/backend/cpu/gemm_packed.hpp"
#include "coca/backend/cpu/huge_pages.hpp"

namespace coca {

/// The choices of this process, keyed by a text with shape, use, weight type, instructions and
/// threads, such as "3072x1024 many_rows float32 avx512 2", and for products of views sizes (powers
/// of two) and which sides are transposed, such as "product 512x1024x1024 nt float32 avx512 2".
/// Shared by all backends and threads.
/// Different implementations round differently: to reproduce the same bits, record the choices
/// and preset them.
class GemmChoices {
 public:
  using Map = std::map<std::string, GemmKind>;

  /// Everything measured or preset so far.
  static Map recorded() {
    const std::lock_guard lock(mutex());
    return choices();
  }

  /// Sets choices without measuring; replaces those of the same name. Weights that are already
  /// packed are unchanged. @throws ArgumentError for the choice `automatic`.
  static void preset(const Map& given) {
    for (const auto& [name, kind] : given)
      if (kind == GemmKind::automatic)
        throw ArgumentError("the preset choice for " + name +
                            " is automatic, expected packed, fixed24, eigen or onednn");
    const std::lock_guard lock(mutex());
    for (const auto& [name, kind] : given) choices()[name] = kind;
  }

  /// The choice with that name; measures it if there is none. One measurement runs at a time, so
  /// that they do not disturb each other.
  template <class Measure>
  static GemmKind get(const std::string& name, const Measure& measure) {
    const std::lock_guard lock(mutex());
    const auto known = choices().find(name);
    if (known != choices().end()) return known->second;
    return choices()[name] = measure();
  }

  /// recorded(), as text.
  static std::map<std::string, std::string> recorded_names() {
    std::map<std::string, std::string> names;
    for (const auto& [name, kind] : recorded()) names[name] = to_string(kind);
    return names;
  }

  /// preset(), of text. @throws ArgumentError for an unknown choice.
  static void preset_names(const std::map<std::string, std::string>& given) {
    Map choices;
    for (const auto& [name, text] : given) {
      bool known = false;
      for (const GemmKind kind :
           {GemmKind::packed, GemmKind::fixed24, GemmKind::eigen, GemmKind::onednn})
        if (text == to_string(kind)) {
          choices[name] = kind;
          known = true;
        }
      if (!known) throw ArgumentError("the choice of matrix products for " + name + " is unknown");
    }
    preset(choices);
  }

 private:
  static std::mutex& mutex() {
    static std::mutex mutex;
    return mutex;
  }
  static Map& choices() {
    static Map choices;
    return choices;
  }
};

namespace detail {

/// The intended use of a weight.
struct GemmRequest {
  std::size_t out = 0, in = 0;
  MatrixUse use = MatrixUse::many_rows;
  InstructionSet set = InstructionSet::baseline;
  int threads = 1;

  /// Rows that represent the use: a picture of ViT-L/14; the beams of a search.
  std::size_t typical_rows() const { return use == MatrixUse::many_rows ? 257 : 6; }
};

template <class Stored>
std::string name_of(const GemmRequest& request) {
  return std::to_string(request.out) + "x" + std::to_string(request.in) +
         (request.use == MatrixUse::many_rows ? " many_rows " : " few_rows ") +
         (std::is_same_v<Stored, float> ? "float32 " : "bfloat16 ") + to_string(request.set) + " " +
         std::to_string(request.threads);
}

/// An empty weight of a kind. @throws ArgumentError or UnavailableError if there is none.
template <class Stored>
std::shared_ptr<GemmWeight> make_weight(GemmKind kind, const GemmRequest& request) {
  if (kind == GemmKind::onednn)
    return make_onednn_weight<Stored>(request.out, request.in, request.set, request.typical_rows(),
                                      request.threads);
  if (kind == GemmKind::eigen || kind == GemmKind::fixed24) {
    if constexpr (!std::is_same_v<Stored, float>)
      throw ArgumentError(std::string(to_string(kind)) +
                          " only multiplies float weights, but bfloat16 was requested");
    else if (kind == GemmKind::eigen)
      return std::make_shared<EigenWeight>(request.out, request.in, request.set);
    else
      return make_fixed24_weight(request.out, request.in, request.set, request.threads);
  }
  return std::make_shared<PackedWeight<Stored>>(request.out, request.in, request.set);
}

/// Measures kinds of products against each other on made-up numbers.
template <class Stored>
class GemmContest {
 public:
  explicit GemmContest(const GemmRequest& request) : request_(request) {
    // A few million weights are enough: larger ones come from memory just the same.
    constexpr std::size_t most_weights = std::size_t{1} << 22;
    request_.out = std::min(request.out, std::max<std::size_t>(most_weights / request.in, 64));
    input_.resize(request_.typical_rows() * request_.in);
    output_.resize(request_.typical_rows() * request_.out);
    row_.resize(request_.in);
    for (std::size_t i = 0; i < input_.size(); ++i) input_[i] = number(i);
    for (std::size_t i = 0; i < row_.size(); ++i) row_[i] = number(7 * i + 3);
  }

  GemmKind winner() {
    enter(GemmKind::packed);
    if (std::is_same_v<Stored, float>) enter(GemmKind::eigen);
    if (std::is_same_v<Stored, float> && request_.use == MatrixUse::few_rows)
      enter(GemmKind::fixed24);
    if (has_onednn) enter(GemmKind::onednn);
    // Interleaved, so that other load affects all alike. The first round is not counted.
    double total = 0;
    for (int round = 0; round < 20 && (round < 4 || total < 0.02); ++round)
      for (Entry& entry : entries_) {
        const double time = seconds(*entry.weight);
        total += time;
        if (round != 0) entry.least = std::min(entry.least, time);
      }
    // Others must be clearly faster: the packed kernels need no library's threads, locks and
    // layouts, and a winner by 5 % made ViT-L-14 slower by 2 %.
    const Entry* best = &entries_.front();
    for (const Entry& entry : entries_)
      if (entry.least < 0.9 * best->least) best = &entry;
    return best->kind;
  }

 private:
  struct Entry {
    GemmKind kind;
    std::shared_ptr<GemmWeight> weight;
    double least = std::numeric_limits<double>::infinity();
  };

  static float number(std::size_t i) { return static_cast<float>(i * 37 % 101) / 50.0f - 1.0f; }

  // Nothing if there is no such product.
  void enter(GemmKind kind) {
    try {
      const LargeMemory::Separate separate;
      const auto weight = make_weight<Stored>(kind, request_);
      for (std::size_t o = 0; o < request_.out; ++o)
        weight->set({o, 1, 0, request_.in, row_.data(), request_.in, 1});
      weight->finish();
      entries_.push_back({kind, weight});
    } catch (const UnavailableError&) {
    }
  }

  double seconds(const GemmWeight& weight) {
    GemmCall call;
    call.input = input_.data();
    call.rows = request_.typical_rows();
    call.output = output_.data();
    call.threads = request_.threads;
    const auto start = std::chrono::steady_clock::now();
    weight.multiply(call);
    const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
    return time.count();
  }

  std::vector<Entry> entries_;
  GemmRequest request_;
  std::vector<float> input_, output_, row_;
};

/// Whether fixed24 is the best for a weight, as measured on Zen 3: only the bytes read from
/// memory matter. A measurement would not show it, since its weights stay in the cache.
template <class Stored>
bool waits_for_memory(const GemmRequest& request) {
  return std::is_same_v<Stored, float> && request.use == MatrixUse::few_rows &&
         request.set == InstructionSet::avx2;
}

/// The kind for a weight: the requested one, or what is known or measured; for small weights the
/// packed kernels, whose calls cost least.
template <class Stored>
GemmKind choose_kind(GemmKind wish, const GemmRequest& request) {
  constexpr std::size_t small = 100000;
  if (wish != GemmKind::automatic) return wish;
  if (request.out * request.in < small) return GemmKind::packed;
  return GemmChoices::get(name_of<Stored>(request), [&] {
    return waits_for_memory<Stored>(request) ? GemmKind::fixed24
                                             : GemmContest<Stored>(request).winner();
  });
}

}  // namespace detail
}  // namespace coca
