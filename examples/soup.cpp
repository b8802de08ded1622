// Averages the weights of several models finetuned from the same one.

#include <filesystem>
#include <optional>
#include <system_error>

#include "coca/core/counted.hpp"
#include "coca/io/hugging_face_folder.hpp"
#include "coca/io/open_checkpoint.hpp"
#include "coca/training/model_soup.hpp"
#include "coca/training/run_folder.hpp"
#include "command_line.hpp"

using namespace coca_examples;

namespace {

namespace fs = std::filesystem;

struct Options {
  std::vector<std::string> models;
  std::vector<double> shares;
  std::string output;
  bool json = false;
};

/// A model named on the command line: its weights, and its folder if that was given.
struct NamedModel {
  std::string weights;
  std::optional<coca::HuggingFaceFolder> folder{};
};

std::vector<NamedModel> find_models(const Options& options) {
  std::vector<NamedModel> models;
  for (const std::string& path : options.models) {
    auto folder = coca::find_hugging_face_folder(path);
    const std::string weights = folder ? folder->weights : path;
    models.push_back({weights, std::move(folder)});
  }
  return models;
}

std::vector<coca::SoupIngredient> open_ingredients(const std::vector<NamedModel>& models,
                                                   const std::vector<double>& shares) {
  std::vector<coca::SoupIngredient> ingredients;
  for (std::size_t i = 0; i < models.size(); ++i)
    ingredients.push_back(
        {coca::open_checkpoint(models[i].weights), shares.empty() ? 1 : shares[i]});
  return ingredients;
}

/// The first model that is a folder provides what the soup's folder has in addition to the weights.
const coca::HuggingFaceFolder& described(const std::vector<NamedModel>& models) {
  for (const NamedModel& model : models)
    if (model.folder) return *model.folder;
  throw UsageError(
      "none of the models is a folder, from which the soup could take its configuration and "
      "vocabulary; to write only the weights give --output FILE.safetensors");
}

void copy_description(const coca::HuggingFaceFolder& from, const std::string& to) {
  for (const std::string& file : from.beside_weights)
    coca::copy_file_atomically(file, (fs::path(to) / fs::path(file).filename()).string());
}

/// A soup that replaced one of its models could not be reproduced.
void expect_none_replaced(const Options& options, const std::vector<NamedModel>& models,
                          const std::string& weights) {
  std::error_code ignored;
  for (std::size_t i = 0; i < models.size(); ++i)
    for (const std::string& written : {options.output, weights})
      for (const std::string& read : {options.models[i], models[i].weights})
        if (fs::equivalent(read, written, ignored))
          throw UsageError("--output would replace " + read + ", which is one of the models");
}

void write_weights(const std::string& path, std::span<const coca::SoupIngredient> ingredients) {
  ProgressBar progress("tensors");
  coca::write_model_soup(path, ingredients,
                         [&](std::size_t done, std::size_t all) { progress.show(done, all); });
}

void write_folder(const coca::RunFolder& folder, const coca::HuggingFaceFolder& description,
                  std::span<const coca::SoupIngredient> ingredients) {
  folder.create();
  write_weights(folder.weights(), ingredients);
  copy_description(description, folder.path());
}

bool run(const Options& options) {
  if (options.models.size() < 2) throw UsageError("give at least two models");
  if (!options.shares.empty() && options.shares.size() != options.models.size())
    throw UsageError(coca::there_are(options.models.size(), "model") + " and " +
                     std::to_string(options.shares.size()) + " --shares");
  const std::vector<NamedModel> models = find_models(options);
  const bool is_file = fs::path(options.output).extension() == ".safetensors";
  const coca::RunFolder folder(options.output);
  expect_none_replaced(options, models, is_file ? options.output : folder.weights());
  const std::vector<coca::SoupIngredient> ingredients = open_ingredients(models, options.shares);
  if (is_file)
    write_weights(options.output, ingredients);
  else
    write_folder(folder, described(models), ingredients);
  print_line(options.json
                 ? to_line({{"output", options.output}, {"models", options.models}})
                 : options.output + " is the average of " + coca::counted(models.size(), "model"));
  return true;
}

}  // namespace

int main(int argc, char* argv[]) {
  Options options;
  CLI::App app(
      "Averages the weights of models finetuned from the same weights (a model soup), or of a "
      "model\nbefore and after finetuning.",
      "soup");
  app.footer(
      "Example: soup run before --shares 0.7 0.3 --output mixed\n"
      "         soup run1 run2 run3 --output soup.safetensors");
  app.add_option("models", options.models,
                 "two or more: folders written by train or from Hugging Face, or checkpoints "
                 "(.safetensors, .pt, .bin)")
      ->check(some_name())
      ->required()
      ->type_name("MODEL");
  app.add_option("--shares", options.shares,
                 "share of each model, in order; they need not add up to 1 (default: equal shares)")
      ->check(finite_number(std::numeric_limits<float>::min()))
      ->type_name("N");
  app.add_option("--output", options.output,
                 "a folder, which also gets the configuration, vocabulary and classes or answers "
                 "of the first model that is a folder; or a .safetensors file, for only the "
                 "weights")
      ->check(some_name())
      ->required()
      ->type_name("PATH");
  app.add_flag("--json", options.json, "print one JSON object at the end");
  return run_program(app, argc, argv, [&] { return run(options); });
}
