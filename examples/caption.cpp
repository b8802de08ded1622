// Says what pictures show.

#include <iostream>

#include "attention_pictures.hpp"
#include "command_line.hpp"
#include "progress_bar.hpp"

using namespace coca_examples;

namespace {

struct Options {
  ModelOptions model;
  std::vector<std::string> pictures;
  coca::GenerationOptions search;
  std::string rules = "transformers";
  std::string early_stopping = "false";
  std::string prompt;
  std::string attention;
  std::size_t batch = 4;
  bool json = false;
};

void add_search_options(CLI::App& app, Options& options) {
  coca::GenerationOptions& search = options.search;
  const auto add = [&](const char* name, auto& value, const char* description) {
    return app.add_option(name, value, description)
        ->type_name("N")
        ->capture_default_str()
        ->group("Search");
  };
  add("--beams", search.beams, "1 is greedy, and the default with --sample");
  add("--num-captions", search.captions, "captions for each picture, best first");
  add("--max-length", search.max_length,
      "tokens, start and end included; 0: 30 or what the model can");
  add("--min-length", search.min_length, "tokens, start and end included");
  app.add_option("--prompt", options.prompt, "how captions begin")
      ->type_name("TEXT")
      ->group("Search");
  app.add_flag("--sample", search.sample, "draw words by probability")->group("Search");
  add("--temperature", search.temperature, "of sampling")->check(finite_number());
  add("--top-k", search.top_k, "sample among so many best words; 0: all");
  add("--top-p", search.top_p, "sample among the best words of this total probability")
      ->check(finite_number());
  add("--repetition-penalty", search.repetition_penalty,
      "above 1: words that occurred become less likely")
      ->check(finite_number());
  add("--no-repeat-ngram", search.no_repeat_ngram,
      "no sequence of so many tokens occurs twice; 0: off");
  add("--length-penalty", search.length_penalty, "scores are divided by length to this power")
      ->check(finite_number());
  add("--early-stopping", options.early_stopping, "as in transformers: false, true or never")
      ->check(CLI::IsMember({"false", "true", "never"}))
      ->type_name("WHEN");
  add("--groups", search.beam_groups, "of beams, for diverse captions");
  add("--diversity-penalty", search.diversity_penalty, "for words that earlier groups chose")
      ->check(finite_number());
  add("--search", options.rules,
      "whose rules: transformers, or openclip-3.3 (three groups, raw logits)")
      ->check(CLI::IsMember({"transformers", "openclip-3.3"}))
      ->type_name("RULES");
}

/// Fills in what follows from other options, and checks all of them before the first picture.
coca::GenerationOptions search_options(const CLI::App& app, const Options& options,
                                       const Model& model) {
  if (!model.info().captions)
    throw UsageError("the model " + model.info().preset +
                     " has no captioner; captions need a CoCa");
  coca::GenerationOptions search = options.search;
  search.seed = options.model.seed;
  if (search.sample && app.count("--beams") == 0) search.beams = 1;
  if (options.rules == "openclip-3.3") {
    search.rules = coca::SearchRules::open_clip_3_3;
    if (app.count("--groups") == 0) search.beam_groups = coca::open_clip_3_3().beam_groups;
  }
  if (options.early_stopping == "true") search.early_stopping = coca::EarlyStopping::first;
  if (options.early_stopping == "never") search.early_stopping = coca::EarlyStopping::never;
  search.tokens = coca::special_tokens(model.info().tokenizer);
  search.prompt = model.info().tokenizer.encode(options.prompt);
  try {
    return coca::checked(search, model.info().context_length, model.info().vocab_size);
  } catch (const coca::ArgumentError& error) {
    throw UsageError(error.what());
  }
}

void print(const Options& options, const Picture& picture,
           const std::vector<coca::Caption>& captions, const std::vector<std::string>& attention) {
  if (options.json) {
    JsonLine line{{"image", picture.path}, {"captions", JsonLine::array()}};
    for (const coca::Caption& caption : captions)
      line["captions"].push_back(
          {{"text", caption.text}, {"ids", caption.ids}, {"score", json_number(caption.score)}});
    if (!options.attention.empty()) line["attention"] = attention;
    return print_line(to_line(line));
  }
  if (captions.size() == 1) return print_line(picture.path + ": " + captions.front().text);
  print_line(picture.path + ":");
  for (const coca::Caption& caption : captions)
    print_line("  " + to_text(caption.score, 3) + "  " + caption.text);
}

/// A batch fails as a whole; its pictures are then tried one by one.
void caption(Model& model, const Options& options, const coca::GenerationOptions& search,
             std::span<const Picture> pictures, Failures& failures) {
  std::vector<coca::Pixels> pixels;
  for (const Picture& picture : pictures) pixels.push_back(picture.pixels);
  std::vector<std::vector<coca::Caption>> captions;
  try {
    captions = model.caption(pixels, search);
  } catch (const coca::Error& error) {
    if (pictures.size() == 1) return failures.report(pictures.front().path, error);
    for (const Picture& picture : pictures)
      caption(model, options, search, {&picture, 1}, failures);
    return;
  }
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    std::vector<std::string> attention;
    try {
      if (!options.attention.empty())
        attention =
            write_attention_pictures(model, pictures[i], captions[i].front(), options.attention);
    } catch (const coca::Error& error) {
      failures.report(error.what());
    }
    print(options, pictures[i], captions[i], attention);
  }
}

bool run(const CLI::App& app, const Options& options) {
  const auto model = open_model(options.model);
  const coca::GenerationOptions search = search_options(app, options, *model);
  ProgressBar progress("pictures");
  Failures failures(app.get_name());
  const std::span<const std::string> paths(options.pictures);
  for (std::size_t first = 0; first < paths.size(); first += options.batch) {
    const auto some = paths.subspan(first, std::min(options.batch, paths.size() - first));
    const std::vector<Picture> pictures = read_pictures(*model, some, failures);
    if (!pictures.empty()) caption(*model, options, search, pictures, failures);
    progress.show(first + some.size(), paths.size());
  }
  return failures.none();
}

}  // namespace

int main(int argc, char* argv[]) {
  Options options;
  CLI::App app("Says what pictures show.", "caption");
  app.footer(
      "Example: caption photo.jpg --num-captions 3 --attention maps\n"
      "         caption --model coca_vit_l_14 --weights open_clip_model.safetensors --json *.jpg");
  app.add_option("pictures", options.pictures, "JPEG, PNG or WebP files")
      ->required()
      ->type_name("PICTURE");
  app.add_flag("--json", options.json, "print one JSON object a picture");
  app.add_option("--attention", options.attention,
                 "write a PNG for each word there: where the decoder looked")
      ->type_name("FOLDER");
  app.add_option("--batch", options.batch, "pictures that are captioned together")
      ->check(CLI::Range(1, 1024))
      ->type_name("N")
      ->capture_default_str();
  add_search_options(app, options);
  add_model_options(app, options.model);
  return run_program(app, argc, argv, [&] { return run(app, options); });
}
