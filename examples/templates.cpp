#include "templates.hpp"

#include <filesystem>
#include <system_error>

#include "coca/text/prompt_template.hpp"
#include "command_line.hpp"

namespace coca_examples {

CLI::Option* add_templates_option(CLI::App& app, std::vector<std::string>& choices) {
  return app
      .add_option(
          "--templates", choices,
          "prompts around a label, averaged: a text with {}, a file with one such text per line, "
          "imagenet (CLIP's 80) or simple (7 of them); may be repeated (default: \"a photo of a "
          "{}.\", and for the included model, which was trained on plain names, \"{}\")")
      ->check(utf8_text())
      ->check(some_name())
      ->type_name("TEXT|FILE|NAME")
      ->allow_extra_args(false);
}

namespace {

std::vector<std::string> read_template_file(const std::string& path) {
  std::error_code ignored;  // if it exists but cannot be read, reading it reports why
  if (!std::filesystem::exists(path, ignored))
    throw UsageError("--templates \"" + path +
                     "\" is neither a text with {} for the label, nor imagenet or simple, nor a "
                     "file");
  return read_lines(path);
}

}  // namespace

std::vector<std::string> read_templates(const std::vector<std::string>& choices,
                                        const Model& model) {
  std::vector<std::string> templates;
  if (choices.empty())
    templates.push_back(is_bundled(model.info().preset) ? "{}" : "a photo of a {}.");
  for (const std::string& choice : choices) {
    std::vector<std::string> some{choice};
    if (choice == "imagenet")
      some = coca::imagenet_templates();
    else if (choice == "simple")
      some = coca::simple_imagenet_templates();
    else if (!coca::is_prompt_template(choice))
      some = read_template_file(choice);
    for (const std::string& text : some)
      if (!coca::is_prompt_template(text))
        throw coca::FileError(choice, "the template \"" + text + "\" has no {} for the label");
    templates.insert(templates.end(), some.begin(), some.end());
  }
  return templates;
}

}  // namespace coca_examples
