#pragma once
/// @file
/// Weights of another model, as far as it has parts in common.

#include <string>
#include <vector>

#include "coca/pipelines/load.hpp"

namespace coca {

/// Loads those parameters of a model that a checkpoint has under the same names, such as the image
/// encoder of a CLIP into a classifier; the others stay unchanged. Positions of pictures of
/// another size are interpolated.
/// @param without a prefix of names that are left alone even if the checkpoint has them, such as
///        "head." of a classifier of other classes; empty: none
/// @return the names of the others
/// @throws FileError if none fits, or one has another shape or numbers that are not finite.
template <class Model>
std::vector<std::string> load_known_weights(Model& model, const Checkpoint& checkpoint,
                                            const std::string& without = {}) {
  expect_model_weights(checkpoint);
  const Checkpoint named = detail::with_names_of(model, checkpoint);
  std::vector<std::string> others;
  std::size_t loaded = 0;
  for_each_parameter(model, [&](auto& parameter) {
    const bool left_alone = !without.empty() && parameter.path().starts_with(without);
    if (left_alone || !named.contains(parameter.path())) return others.push_back(parameter.path());
    const WeightSource source = detail::finite_source(named, parameter.path());
    const bool fits = parameter.fits(source.shape);
    if (!fits && !can_interpolate_positions(parameter.path(), source.shape, parameter.shape()))
      throw FileError(checkpoint.path(), "tensor \"" + parameter.path() + "\" is " +
                                             to_string(source.shape) + ", the model expects " +
                                             to_string(parameter.shape()));
    parameter.load(model.backend(),
                   fits ? source : interpolated_positions(source, parameter.shape()));
    ++loaded;
  });
  if (loaded == 0)
    throw FileError(checkpoint.path(), "holds no weights that the model has a place for");
  return others;
}

}  // namespace coca
