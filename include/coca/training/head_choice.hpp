#pragma once
/// @file
/// The head of the tasks that have several: classes of pictures, and sentences about two pictures.

#include <cstdint>
#include <string>
#include <string_view>

#include "coca/core/error.hpp"
#include "coca/models/classifier_config.hpp"
#include "coca/nn/pair_head.hpp"

namespace coca {

/// What concludes from what a model has seen.
enum class HeadChoice : std::uint8_t {
  linear,  ///< of classes: over what embeddings are made of; of pairs: over both pictures' outputs
  pooler,  ///< of classes: a pooler with one query, then linear
  mlp,     ///< of pairs: with a hidden layer
};

/// Why a task does not have a head, in a sentence; empty if it does, or is none of the two that
/// have a choice.
inline std::string head_problem(std::string_view task, HeadChoice head) {
  if (task == "classify" && head == HeadChoice::mlp)
    return "head mlp is for the task pairs, expected linear or pooler in the task classify";
  if (task == "pairs" && head == HeadChoice::pooler)
    return "head pooler is for the task classify, expected linear or mlp in the task pairs";
  return {};
}

/// The head of a classifier. @throws ArgumentError for one that it does not have
inline ClassifierHead classifier_head(HeadChoice head) {
  if (const std::string problem = head_problem("classify", head); !problem.empty())
    throw ArgumentError(problem);
  return head == HeadChoice::pooler ? ClassifierHead::pooler : ClassifierHead::linear;
}

/// The head over two pictures. @throws ArgumentError for one that it does not have
inline PairHeadKind pair_head_kind(HeadChoice head) {
  if (const std::string problem = head_problem("pairs", head); !problem.empty())
    throw ArgumentError(problem);
  return head == HeadChoice::mlp ? PairHeadKind::mlp : PairHeadKind::linear;
}

}  // namespace coca
