#pragma once
/// @file
/// The cases of all operations. An operation of the lists without cases does not compile.

#include "backend/cases/attention.hpp"
#include "backend/cases/convolutions.hpp"
#include "backend/cases/elementwise.hpp"
#include "backend/cases/losses.hpp"
#include "backend/cases/norms.hpp"
#include "backend/cases/optimizers.hpp"
#include "backend/cases/products.hpp"
#include "backend/cases/rows.hpp"
#include "backend/cases/tokens.hpp"
#include "backend/cases/vocabulary.hpp"

namespace coca::testing {

/// Calls take.operator()<Operation>() for each operation of a list.
template <class... Operation, class Function>
void for_each_operation(ops::OperationList<Operation...>, const Function& take) {
  (take.template operator()<Operation>(), ...);
}

template <class Operation>
concept HasCases = requires(const Take<Operation>& take) {
  Cases<Operation>::each(take);
};

template <class... Operation>
constexpr bool all_have_cases(ops::OperationList<Operation...>) {
  return (HasCases<Operation> && ...);
}
static_assert(all_have_cases(InferenceOperations<Judge>{}));
static_assert(all_have_cases(TrainingOperations<Judge>{}));

}  // namespace coca::testing
