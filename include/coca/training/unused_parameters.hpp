#pragma once
/// @file
/// The parts of a contrastive captioner that only its embeddings depend on.

#include <string>
#include <vector>

#include "coca/models/initialize.hpp"
#include "coca/training/parameter_groups.hpp"

namespace coca {

/// Names of the parameters of a captioner that lead only to its embeddings and their logits, which
/// tasks without a contrastive loss leave unchanged.
template <class Captioner>
std::vector<std::string> embedding_parameters(const Captioner& captioner) {
  std::vector<std::string> paths;
  const auto add = [&paths](const auto& parameter) { paths.push_back(parameter.path()); };
  if constexpr (requires { captioner.pooler().for_each_embedding_parameter(add); })
    captioner.pooler().for_each_embedding_parameter(add);
  for_each_parameter(captioner, [&](const auto& parameter) {
    for (const char* embedding :
         {"visual.proj", "visual.attn_pool_contrastive", "text.cls_emb", "text.ln_final",
          "text.text_projection", "logit_scale", "logit_bias"})
      if (has_prefix(parameter.path(), embedding)) add(parameter);
  });
  return paths;
}

/// Names of the parameters that project the multimodal decoder's outputs to words.
template <class Captioner>
std::vector<std::string> word_parameters(const Captioner& captioner) {
  std::vector<std::string> paths;
  for_each_parameter(captioner, [&](const auto& parameter) {
    if (has_prefix(parameter.path(), "text_decoder.text_projection"))
      paths.push_back(parameter.path());
  });
  return paths;
}

}  // namespace coca
