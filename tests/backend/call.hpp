#pragma once
/// @file
/// Operations called with their fields in order, for tests that are about numbers and not about
/// which argument is which.

#include <cstddef>
#include <type_traits>

#include "coca/backend/differentiable.hpp"

namespace coca::testing {

namespace ops = coca::ops;

namespace detail {

// A tensor that becomes the kind of argument that a field is.
template <class T, Memory M>
struct TensorArgument {
  const Tensor<T, M>& tensor;

  operator ops::In<T, M>() const { return tensor; }
  operator ops::Out<T, M>() const { return ops::Out<T, M>(tensor); }
  operator ops::Add<T, M>() const { return ops::Add<T, M>(tensor); }
  operator ops::InOut<T, M>() const { return ops::InOut<T, M>(tensor); }
};

template <class Number>
struct NumberArgument {
  Number number;

  template <class To>
  requires std::is_arithmetic_v<To>
  operator To() const { return static_cast<To>(number); }
};

template <class T, Memory M>
TensorArgument<T, M> argument(const Tensor<T, M>& tensor) {
  return {tensor};
}
template <class Other>
const Other& argument(const Other& other) {
  return other;
}
template <class Number>
requires std::is_arithmetic_v<Number> NumberArgument<Number> argument(const Number& number) {
  return {number};
}

template <class B, template <class, class, class> class Operation>
struct WithMatrix {
  using type = Operation<typename B::value_type, typename B::memory_type, typename B::Matrix>;
};
template <class B>
struct WithMatrix<B, ops::Embed> {
  using type = ops::EmbedOn<B>;
};

// Nothing, as whatever a field is.
struct Absent {
  template <class Field>
  operator Field() const {
    return {};
  }
};

}  // namespace detail

/// An argument that is left out.
inline constexpr detail::Absent absent{};

template <class T, Memory M>
Columns<T, M> columns(const Tensor<T, M>& rows, std::size_t first, std::size_t width) {
  return {rows, first, width};
}
template <class T, Memory M>
AddColumns<T, M> add_columns(const Tensor<T, M>& rows, std::size_t first, std::size_t width) {
  return {ops::Add<T, M>(rows), first, width};
}
template <class T, Memory M>
AttentionGradients<T, M> attention_gradients(const AddColumns<T, M>& query,
                                             const AddColumns<T, M>& key,
                                             const AddColumns<T, M>& value) {
  return {query, key, value};
}

/// backend.run of an operation whose fields are the arguments: call<ops::SumRows>(backend, x, y).
template <template <class, class> class Operation, class B, class... Argument>
void call(const B& backend, const Argument&... argument) {
  backend.run(ops::On<B, Operation>{detail::argument(argument)...});
}

/// The same for operations that take a matrix or a table.
template <template <class, class, class> class Operation, class B, class... Argument>
void call(const B& backend, const Argument&... argument) {
  backend.run(typename detail::WithMatrix<B, Operation>::type{detail::argument(argument)...});
}

}  // namespace coca::testing
