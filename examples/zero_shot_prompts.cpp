#include "zero_shot_prompts.hpp"

#include <filesystem>
#include <system_error>

#include "coca/data/class_prompts.hpp"
#include "coca/data/clip_benchmark_folder.hpp"
#include "coca/pipelines/imagenet_templates.hpp"
#include "coca/text/prompt_template.hpp"

namespace coca_examples {

namespace {

coca::ClassPrompts prompts_of(const std::string& choice, const std::string& data_set,
                              const std::vector<std::string>& names) {
  if (choice == "imagenet") return {coca::imagenet_templates(), {}, choice};
  if (choice == "simple") return {coca::simple_imagenet_templates(), {}, choice};
  if (coca::is_prompt_template(choice)) return {{choice}, {}, choice};
  std::error_code ignored;
  if (!std::filesystem::exists(choice, ignored))
    throw UsageError("the templates \"" + choice +
                     "\" are neither a text with {} or {c} for the label, nor imagenet or simple, "
                     "nor a file");
  return coca::read_class_prompts(choice, data_set, names);
}

/// What counts where nothing is chosen.
std::string default_choice(const coca::LabelledSource& source, const Model& model) {
  if (coca::is_clip_benchmark_folder(source.data)) {
    const std::string file = coca::read_clip_benchmark_folder(source.data).templates;
    if (!file.empty()) return file;
  }
  return is_bundled(model.info().preset) ? "{}" : "a photo of a {}.";
}

}  // namespace

std::vector<std::vector<std::string>> zero_shot_prompts(const coca::SuiteEntry& entry,
                                                        const std::vector<std::string>& names,
                                                        const Model& model) {
  std::vector<std::string> choices = entry.templates;
  if (choices.empty()) choices.push_back(default_choice(entry.source, model));
  coca::ClassPrompts all;
  for (const std::string& choice : choices) {
    coca::ClassPrompts some = prompts_of(choice, entry.source.name, names);
    if (!some.by_class.empty() && choices.size() > 1)
      throw coca::FileError(choice, "has prompts by class, which are not combined with others");
    if (!some.by_class.empty()) return coca::fill_prompts(some, names);
    all.templates.insert(all.templates.end(), some.templates.begin(), some.templates.end());
  }
  return coca::fill_prompts(all, names);
}

}  // namespace coca_examples
