#pragma once
/// @file
/// What a model says about the pictures of `evaluate`: embeddings and captions.

#include <vector>

#include "coca/evaluation/test_set.hpp"
#include "test_samples.hpp"

namespace coca_examples {

/// Pictures that could be read, in the order of their embeddings.
struct Answers {
  std::vector<Sample> samples;
  coca::TestEmbeddings embeddings;
};

/// Embeds the pictures, and captions them unless the options say otherwise. Pictures that cannot be
/// read are reported and left out.
/// @throws coca::Error if none can be read; UsageError for a search that the model cannot do
Answers answer(Model& model, const TestSetOptions& options, const coca::AnyDataset& dataset,
               std::vector<Sample> samples, Failures& failures);

/// Embeds the captions that count, each distinct one once.
void embed_captions(Model& model, const TestSetOptions& options, Answers& answers);

}  // namespace coca_examples
