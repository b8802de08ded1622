#pragma once
/// @file
/// Options of a training run on the features of a frozen image encoder.

#include <cstddef>
#include <cstdint>
#include <string>

#include "coca/core/dtype.hpp"
#include "coca/training/option_info.hpp"

namespace coca {

/// How features are stored.
enum class FeaturePrecision : std::uint8_t { float16, bfloat16 };

/// Where features are kept, and which.
struct FeatureCacheOptions {
  std::string folder{};   ///< empty: none are kept, the encoder runs in each step
  std::size_t views = 0;  ///< augmented views of each picture; 0: one, as in evaluation
  FeaturePrecision precision = FeaturePrecision::float16;

  DType dtype() const noexcept {
    return precision == FeaturePrecision::float16 ? DType::F16 : DType::BF16;
  }
};

namespace detail {

inline constexpr NamedChoice<FeaturePrecision> feature_precision_choices[] = {
    {"f16", FeaturePrecision::float16}, {"bf16", FeaturePrecision::bfloat16}};

template <class Options, class Visitor>
void for_each_feature_option(Options& options, Visitor&& visit) {
  const char* group = "Frozen encoder";
  visit({"feature_cache",
         "folder that keeps the tokens of a frozen image encoder, so that it runs once per picture "
         "(tasks classify and video with --freeze visual)",
         group},
        options.folder);
  visit({"cache_views",
         "augmented views of each picture in the feature cache, one per epoch in turn; 0: one view "
         "without augmentation",
         group},
        options.views);
  visit({"cache_precision", "type of the numbers in the feature cache", group}, options.precision,
        feature_precision_choices);
}

}  // namespace detail

}  // namespace coca
