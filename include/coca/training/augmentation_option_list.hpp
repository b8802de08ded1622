#pragma once
/// @file
/// The list of the options of augmentation.

#include "coca/data/augmentation.hpp"
#include "coca/training/option_info.hpp"

namespace coca {

namespace detail {

inline constexpr NamedChoice<AffineFill> fill_choices[] = {{"ground", AffineFill::ground},
                                                           {"edge", AffineFill::edge}};

template <class Augmentations, class Visitor>
void for_each_augmentation_option(Augmentations& options, Visitor&& visit) {
  const char* group = "Augmentation";
  visit({"random_ground", "probability of a random background for transparent pictures", group},
        options.random_ground_probability);
  visit({"crop_scale", "area of random crops as a share of the picture", group},
        options.crop.scale);
  visit({"crop_ratio", "aspect ratio (width / height) of random crops", group}, options.crop.ratio);
  visit({"flip", "probability of mirroring a picture", group}, options.flip_probability);
  visit({"rand_augment", "operations of RandAugment per picture, such as 2; 0: none", group},
        options.rand_augment.operations);
  visit({"rand_augment_magnitude", "strength of RandAugment's operations, 0 to 30", group},
        options.rand_augment.magnitude);
  visit({"affine", "probability of a random affine transform", group}, options.affine.probability);
  visit({"affine_degrees", "maximum rotation, in degrees", group}, options.affine.degrees);
  visit({"affine_translate_x", "maximum shift as a share of the width", group},
        options.affine.translate_x);
  visit({"affine_translate_y", "maximum shift as a share of the height", group},
        options.affine.translate_y);
  visit({"affine_scale", "range of the scaling factor", group}, options.affine.scale);
  visit({"affine_shear_x", "maximum shear in x, in degrees", group},
        options.affine.shear_x_degrees);
  visit({"affine_shear_y", "maximum shear in y, in degrees", group},
        options.affine.shear_y_degrees);
  visit({"affine_fill", "what fills the area that a transform uncovers", group},
        options.affine.fill, fill_choices);
  visit({"color_jitter", "probability of random colour changes", group},
        options.color_jitter.probability);
  visit({"brightness", "largest change of brightness; 0.4: by a factor of 0.6 to 1.4", group},
        options.color_jitter.brightness);
  visit({"contrast", "largest change of contrast, given like brightness", group},
        options.color_jitter.contrast);
  visit({"saturation", "largest change of saturation, given like brightness", group},
        options.color_jitter.saturation);
  visit({"hue", "largest hue shift; 0.5 is half the colour circle", group},
        options.color_jitter.hue);
  visit({"grayscale", "probability of a gray picture", group}, options.grayscale_probability);
  visit({"blur", "probability of a blurred picture", group}, options.blur.probability);
  visit({"blur_size", "side of the blur kernel in pixels, an odd number", group},
        options.blur.kernel_size);
  visit({"blur_sigma", "standard deviation of the blur, in pixels", group}, options.blur.sigma);
  visit({"erasing", "probability of erasing a rectangle", group}, options.erasing.probability);
  visit({"erasing_scale", "area of the erased rectangle as a share of the picture", group},
        options.erasing.scale);
  visit({"erasing_ratio", "aspect ratio (height / width) of the erased rectangle", group},
        options.erasing.ratio);
}

}  // namespace detail

}  // namespace coca
