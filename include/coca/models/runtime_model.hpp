#pragma once
/// @file
/// Models whose configuration the compiler knows, and their types without it.

#include <concepts>

namespace coca {

namespace detail {

template <class Model>
struct RuntimeModelOf {
  using type = Model;
};
template <class Model>
requires requires { typename Model::runtime_type; }
struct RuntimeModelOf<Model> {
  using type = typename Model::runtime_type;
};

}  // namespace detail

/// The type that a model has apart from its configuration: of CoCa<config, Backend> it is
/// StandardCoCa<Backend>, its base; any other model is of that type itself.
template <class Model>
using RuntimeModel = typename detail::RuntimeModelOf<Model>::type;

/// A model whose configuration is part of its type. Large functions have an
/// overload that passes such a model on as its RuntimeModel, so that they are compiled once per
/// backend, not once per configuration.
template <class Model>
concept ConfiguredModel = !std::same_as<RuntimeModel<Model>, Model>;

/// The same model, without its configuration in its type.
template <class Model>
const RuntimeModel<Model>& as_runtime(const Model& model) {
  return model;
}
/// The same.
template <class Model>
RuntimeModel<Model>& as_runtime(Model& model) {
  return model;
}

}  // namespace coca
