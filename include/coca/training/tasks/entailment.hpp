#pragma once
/// @file
/// The task of an EntailmentModel (SNLI-VE): whether a picture entails a sentence.

#include <string_view>

#include "coca/training/sentence_task.hpp"

namespace coca {

/// Trains a head over the three classes of entailment with a captioner.
template <class Model>
class EntailmentTask : public SentenceTask<Model> {
 public:
  static constexpr std::string_view name = "entailment";
  using SentenceTask<Model>::SentenceTask;
};

}  // namespace coca
