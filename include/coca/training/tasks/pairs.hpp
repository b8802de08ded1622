#pragma once
/// @file
/// The task of a PairModel (NLVR2): whether a sentence is true of two pictures.

#include <string_view>

#include "coca/training/sentence_task.hpp"

namespace coca {

/// Trains a head over two pictures and a sentence with a captioner.
template <class Model>
class PairTask : public SentenceTask<Model> {
 public:
  static constexpr std::string_view name = "pairs";
  using SentenceTask<Model>::SentenceTask;
};

}  // namespace coca
