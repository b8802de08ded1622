#pragma once
/// @file
/// The prompts that labels are put into.

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "model.hpp"

namespace coca_examples {

/// Adds --templates.
CLI::Option* add_templates_option(CLI::App& app, std::vector<std::string>& choices);

/// Each choice is a name, a text with {}, or a file with one template per line.
/// @throws UsageError for an invalid choice; coca::FileError for a file that cannot be
/// read, or whose text has no {}
std::vector<std::string> read_templates(const std::vector<std::string>& choices,
                                        const Model& model);

}  // namespace coca_examples
