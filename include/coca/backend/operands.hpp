#pragma once
/// @file
/// The parts of operations: arguments whose types say how they are accessed, and the list of fields
/// that generic code walks.
///
/// A primitive is a struct in ops/, of aggregates of these: `In` is read, `Out` is assigned, `Add`
/// is added to, `Update` is assigned or added to as a Write says, `InOut` is changed in place. They
/// do not convert into one another, and a tensor becomes an output only explicitly, so that
/// arguments in the wrong order do not compile:
///
///     backend.run(ops::On<B, ops::GatherRows>{
///         .input = table, .indices = rows, .output = ops::Out(output)});
///
/// Operations that have gradients of their own name them, `using Gradients = OperationList<...>`,
/// and say in backward() how they are called. A file of ops/ is a family of operations; it ends
/// with the list of them, from which the lists of backend.hpp and differentiable.hpp are made.
///
/// Each struct lists its fields once: fields(visit, operation...) calls visit(name, field...) for
/// each field, with the fields of all the operations given, so that they can be copied, compared
/// or moved to other memory without knowing which operation it is.

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>

#include "coca/core/memory.hpp"
#include "coca/core/shape.hpp"
#include "coca/core/tensor.hpp"

namespace coca {

/// What happens to the previous content of a result's tensor.
enum class Write : std::uint8_t {
  assign,  ///< replaces it; the tensor may be uninitialised
  add,     ///< is added to it
};

namespace ops {

/// A tensor as an argument of an operation; nothing if an argument is absent.
template <class T, Memory M>
class Operand : public Tensor<T, M> {
 public:
  Operand() = default;
  explicit Operand(const Tensor<T, M>& tensor) : Tensor<T, M>(tensor) {}
  /// The argument as given.
  const Tensor<T, M>& tensor() const noexcept { return *this; }
};

/// An argument that is read.
template <class T, Memory M>
struct In : Operand<T, M> {
  In() = default;
  In(const Tensor<T, M>& tensor) : Operand<T, M>(tensor) {}  // implicit: inputs need no name
  In(const Operand<T, M>&) = delete;                         // an output is not read by mistake
};

/// An argument that is assigned, whatever it held.
template <class T, Memory M>
struct Out : Operand<T, M> {
  Out() = default;
  explicit Out(const Tensor<T, M>& tensor) : Operand<T, M>(tensor) {}
};

/// An argument that is added to.
template <class T, Memory M>
struct Add : Operand<T, M> {
  Add() = default;
  explicit Add(const Tensor<T, M>& tensor) : Operand<T, M>(tensor) {}
};

/// An argument that is changed in place, or in part.
template <class T, Memory M>
struct InOut : Operand<T, M> {
  InOut() = default;
  explicit InOut(const Tensor<T, M>& tensor) : Operand<T, M>(tensor) {}
};

/// An argument that is assigned or added to.
template <class T, Memory M>
struct Update : Operand<T, M> {
  Update() = default;
  Update(const Tensor<T, M>& tensor, Write how) : Operand<T, M>(tensor), write(how) {}
  Write write = Write::assign;
};

/// A list of operations.
template <class... Operation>
struct OperationList {};

template <class... List>
struct JoinedLists;
template <>
struct JoinedLists<> {
  using type = OperationList<>;
};
template <class... Operation>
struct JoinedLists<OperationList<Operation...>> {
  using type = OperationList<Operation...>;
};
template <class... First, class... Second, class... List>
struct JoinedLists<OperationList<First...>, OperationList<Second...>, List...>
    : JoinedLists<OperationList<First..., Second...>, List...> {};
/// Lists one after another.
template <class... List>
using Joined = typename JoinedLists<List...>::type;

template <class Operation>
struct GradientsOfOperation {
  using type = OperationList<>;
};
template <class Operation>
requires requires { typename Operation::Gradients; }
struct GradientsOfOperation<Operation> {
  using type = typename Operation::Gradients;
};
template <class List>
struct GradientsOfList;
template <class... Operation>
struct GradientsOfList<OperationList<Operation...>> {
  using type = Joined<typename GradientsOfOperation<Operation>::type...>;
};
/// The gradients of the operations of a list: those that each names as its `Gradients`.
template <class List>
using GradientsOf = typename GradientsOfList<List>::type;

/// An operation with the element type and the memory of a backend.
template <class B, template <class, class> class Operation>
using On = Operation<typename std::remove_cvref_t<B>::value_type,
                     typename std::remove_cvref_t<B>::memory_type>;

/// What visit is called with in place of fields that are ignored.
struct IgnoreField {
  template <class... Field>
  constexpr void operator()(const char*, Field&...) const noexcept {}
};

/// Whether a type lists fields: an operation, or a group of arguments within one.
template <class Group>
concept HasFields = requires(Group group) {
  Group::fields(IgnoreField{}, group);
};

/// @throws ShapeError unless a tensor has one element, whatever its rank.
template <class T, Memory M>
void expect_one(const Tensor<T, M>& tensor, const char* what) {
  if (tensor.size() != 1)
    throw ShapeError(std::string(what) + ": got " + to_string(tensor.shape()) +
                     ", expected one element");
}

/// Checks the gradients with respect to an operation's output and input, which have one shape.
/// @throws ShapeError unless they have.
template <class Operation>
void expect_gradients(const Operation& operation, const Shape& shape) {
  const std::string name = Operation::name;
  expect_shape(operation.output_gradient, shape, (name + ": output gradient").c_str());
  if (operation.input_gradient)
    expect_shape(operation.input_gradient, shape, (name + ": input gradient").c_str());
}

/// Whether backend B can run an operation.
template <class B, class Operation>
concept Runs = requires(const B backend, const Operation operation) {
  backend.run(operation);
};

template <class B, class List>
inline constexpr bool runs_all = false;
/// Whether backend B can run every operation of a list.
template <class B, class... Operation>
inline constexpr bool runs_all<B, OperationList<Operation...>> = (Runs<B, Operation> && ...);

}  // namespace ops

/// Some columns of each row of a matrix: the queries, say, of a fused [rows, 3 * width] projection.
template <class T, Memory M>
struct Columns {
  ops::In<T, M> rows{};   ///< [n, row width]
  std::size_t first = 0;  ///< first of the columns
  std::size_t width = 0;  ///< how many

  template <class Visit, class... Self>
  static void fields(Visit&& visit, Self&... self) {
    visit("rows", self.rows...);
    visit("first", self.first...);
    visit("width", self.width...);
  }
};

/// Some columns of each row of a gradient, which are added to.
template <class T, Memory M>
struct AddColumns {
  ops::Add<T, M> rows{};  ///< [n, row width]; nothing: not computed
  std::size_t first = 0;  ///< first of the columns
  std::size_t width = 0;  ///< how many

  template <class Visit, class... Self>
  static void fields(Visit&& visit, Self&... self) {
    visit("rows", self.rows...);
    visit("first", self.first...);
    visit("width", self.width...);
  }
};

}  // namespace coca
