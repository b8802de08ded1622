#pragma once
/// @file
/// Mixup (Zhang et al. 2018, arXiv 1710.09412) and CutMix (Yun et al. 2019, arXiv 1905.04899) of
/// the pictures of a batch, as timm's Mixup in batch mode: picture i is mixed with picture n - 1 -
/// i, all with the same share.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/data/beta_draw.hpp"
#include "coca/image/preprocess.hpp"

namespace coca {

/// Shapes of the beta distributions of shares, such as 0.8 and 1; 0: not mixed that way. With both,
/// each step draws one of the two.
struct MixupOptions {
  double mixup = 0;
  double cutmix = 0;

  bool mixes() const noexcept { return mixup > 0 || cutmix > 0; }
};

/// @throws ArgumentError for a shape out of range, and a batch in which a picture has no partner.
inline void expect_mixup(const MixupOptions& options, std::size_t batch) {
  for (const auto& [shape, name] :
       {std::pair{options.mixup, "mixup"}, std::pair{options.cutmix, "cutmix"}})
    if (!(shape == 0 || (shape >= 0.01 && shape <= 100)))
      throw ArgumentError(std::string(name) + " is " + std::to_string(shape) +
                          ", expected 0 or from 0.01 to 100");
  if (options.mixes() && batch % 2 != 0)
    throw ArgumentError("mixup and cutmix mix pictures in pairs: the batch has " +
                        std::to_string(batch) + ", expected an even number");
}

/// Rows [top, bottom) and columns [left, right) of a picture.
struct PictureBox {
  std::size_t top = 0, bottom = 0, left = 0, right = 0;

  friend bool operator==(const PictureBox&, const PictureBox&) = default;
};

/// The part of a picture that comes from its partner: a (1 - share) of its area about a centre, as
/// far as it lies within.
inline PictureBox cutmix_box(const PixelBatch& pictures, double share, std::size_t center_y,
                             std::size_t center_x) {
  const double side = std::sqrt(1 - share);
  const auto cut = [side](std::size_t extent, std::size_t center) {
    const auto half = static_cast<std::size_t>(static_cast<double>(extent) * side) / 2;
    return std::pair{center - std::min(center, half), std::min(center + half, extent)};
  };
  const auto [top, bottom] = cut(pictures.height, center_y);
  const auto [left, right] = cut(pictures.width, center_x);
  return {top, bottom, left, right};
}

/// How a batch is mixed.
struct Mixing {
  double share = 1;                 ///< of each picture itself; the rest is its partner's
  std::optional<PictureBox> box{};  ///< of the partner in CutMix; nothing: everywhere
};

/// The share of a picture outside of the box.
inline double share_outside(const PictureBox& box, const PixelBatch& pictures) {
  const auto area = static_cast<double>((box.bottom - box.top) * (box.right - box.left));
  return 1 - area / static_cast<double>(pictures.height * pictures.width);
}

/// How the pictures of a step are mixed. @param options with at least one shape above 0
inline Mixing draw_mixing(const MixupOptions& options, const PixelBatch& pictures,
                          RandomDraws draws) {
  const bool cuts = options.cutmix > 0 && (options.mixup == 0 || draws.chance(0.5));
  const double share = draw_beta(cuts ? options.cutmix : options.mixup, draws);
  if (!cuts) return {share, std::nullopt};
  const std::size_t center_y = draws.below(pictures.height);
  const PictureBox box = cutmix_box(pictures, share, center_y, draws.below(pictures.width));
  return {share_outside(box, pictures), box};
}

/// Mixes pictures in place. [batch, 3, height, width], an even number of them
inline void mix_pictures(PixelBatch& pictures, const Mixing& mixing) {
  const std::size_t area = pictures.height * pictures.width;
  const std::size_t planes = pictures.batch * pictures.channels;
  const auto share = static_cast<float>(mixing.share);
  const PictureBox all{0, pictures.height, 0, pictures.width};
  const PictureBox& box = mixing.box ? *mixing.box : all;
  for (std::size_t plane = 0; plane < planes / 2; ++plane) {
    const std::size_t picture = plane / pictures.channels, channel = plane % pictures.channels;
    const std::size_t partner = (pictures.batch - 1 - picture) * pictures.channels + channel;
    for (std::size_t y = box.top; y < box.bottom; ++y)
      for (std::size_t x = box.left; x < box.right; ++x) {
        float& own = pictures.values[plane * area + y * pictures.width + x];
        float& other = pictures.values[partner * area + y * pictures.width + x];
        if (mixing.box) {
          std::swap(own, other);
          continue;
        }
        const float before = own;
        own = share * own + (1 - share) * other;
        other = share * other + (1 - share) * before;
      }
  }
}

/// The probabilities of classes that mixed pictures have as targets. [batch, classes]
/// @param labels of the pictures, each below `classes`
/// @param share  of each picture itself, see Mixing
/// @param smoothing share of each target that all classes have equally
inline std::vector<float> mixed_targets(std::span<const std::int32_t> labels, std::size_t classes,
                                        double share, double smoothing) {
  const std::size_t n = labels.size();
  std::vector<float> targets(n * classes,
                             static_cast<float>(smoothing / static_cast<double>(classes)));
  const auto add = [&](std::size_t row, std::int32_t label, double probability) {
    targets[row * classes + static_cast<std::size_t>(label)] +=
        static_cast<float>((1 - smoothing) * probability);
  };
  for (std::size_t i = 0; i < n; ++i) {
    add(i, labels[i], share);
    add(i, labels[n - 1 - i], 1 - share);
  }
  return targets;
}

}  // namespace coca
