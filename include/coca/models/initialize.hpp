#pragma once
/// @file
/// Random weights, and the walk over all parameters of a model.

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "coca/models/model_size.hpp"
#include "coca/models/runtime_model.hpp"
#include "coca/nn/parameter.hpp"

namespace coca {

namespace detail {

template <Backend B>
using AnyParameter =
    std::variant<const ArrayParameter<B>*, const TableParameter<B>*, const MatrixParameter<B>*>;

/// All parameters of a model, in their order. One walk through all layers is compiled per model,
/// and not another one for each visitor.
template <class Model>
std::vector<AnyParameter<typename Model::backend_type>> parameters_of(const Model& model) {
  std::vector<AnyParameter<typename Model::backend_type>> all;
  Model::for_each_parameter(model, [&all](const auto& parameter) { all.push_back(&parameter); });
  return all;
}

}  // namespace detail

/// Calls visit(parameter) for each parameter of a model, in a fixed order: the one walk that
/// loading, saving, initialising and counting share. Parameters are ArrayParameter, TableParameter
/// or MatrixParameter.
template <class Model, class Visitor>
void for_each_parameter(Model& model, Visitor&& visit) {
  for (const auto& any : detail::parameters_of(as_runtime(std::as_const(model))))
    std::visit(
        [&visit](auto* parameter) {
          if constexpr (std::is_const_v<Model>)
            visit(*parameter);
          else  // part of `model`, which is not constant
            visit(const_cast<std::remove_const_t<std::remove_pointer_t<decltype(parameter)>>&>(
                *parameter));
        },
        any);
}

/// Fills a model with the random weights that OpenCLIP starts its training from (normal numbers
/// whose deviations depend on width and depth; norms 1 and 0; temperature 0.07). Element i of a
/// tensor is a function of the seed, the tensor's path and i, whatever the backend.
template <class Model>
void initialize(Model& model, std::uint64_t seed = 0) {
  for_each_parameter(model, [&](auto& parameter) {
    parameter.load(model.backend(), initial_values(parameter, seed));
  });
}

/// Number of weights of a model. parameter_count(config) computes it without a model.
template <class Model>
std::size_t count_parameters(const Model& model) {
  std::size_t count = 0;
  for_each_parameter(model, [&](const auto& parameter) { count += parameter.shape().size(); });
  return count;
}

}  // namespace coca
