#pragma once
/// @file
/// The prompts of zero-shot classification that a command line or suite asks for.

#include <string>
#include <vector>

#include "coca/data/suite_file.hpp"
#include "model.hpp"

namespace coca_examples {

/// Prompts of each class. Each choice is a text with {} or {c}, imagenet, simple, or a file (JSON
/// of CLIP_benchmark, templates by line, prompts by class). Without choices those of the data's
/// folder (zeroshot_classification_templates.txt) count, or else the default of the model.
/// @param names of the classes
/// @throws UsageError for a choice that is none of these; coca::FileError for a file that cannot be
///         read, and prompts by class together with other choices
std::vector<std::vector<std::string>> zero_shot_prompts(const coca::SuiteEntry& entry,
                                                        const std::vector<std::string>& names,
                                                        const Model& model);

}  // namespace coca_examples
