// Generates captions for pictures and videos.

#include <algorithm>
#include <iostream>

#include "attention_pictures.hpp"
#include "coca/core/counted.hpp"
#include "coca/video/frame_sampling.hpp"
#include "coca/video/read_video.hpp"
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
  std::size_t frames = 8;
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
  add("--beams", search.beams, "number of beams; 1 is greedy search, and the default with --sample")
      ->check(whole_number(1, 1024));
  add("--num-captions", search.captions, "captions per picture, best first")
      ->check(whole_number(1, 1024));
  add("--max-length", search.max_length,
      "maximum number of tokens, start and end included; 0: 30, or the model's context if shorter")
      ->check(whole_number(0, many));
  add("--min-length", search.min_length,
      "minimum number of tokens, start and end included; if the model's generation_config.json has "
      "one, that is the default")
      ->check(whole_number(0, many));
  app.add_option("--prompt", options.prompt, "text that captions begin with")
      ->check(utf8_text())
      ->type_name("TEXT")
      ->group("Search");
  app.add_flag("--sample", search.sample, "sample tokens by their probability")->group("Search");
  add("--temperature", search.temperature, "sampling temperature")
      ->check(finite_number(1e-6f, 1e6f));
  add("--top-k", search.top_k, "sample only from this many most probable tokens; 0: all")
      ->check(whole_number(0, many));
  add("--top-p", search.top_p,
      "sample only from the most probable tokens of this total probability")
      ->check(finite_number(1e-6f, 1));
  add("--repetition-penalty", search.repetition_penalty,
      "above 1: tokens that have occurred become less likely")
      ->check(finite_number(1e-6f, 1e6f));
  add("--no-repeat-ngram", search.no_repeat_ngram,
      "no sequence of this many tokens occurs twice; 0: off")
      ->check(whole_number(0, many));
  add("--length-penalty", search.length_penalty, "scores are divided by the length to this power")
      ->check(finite_number());
  add("--early-stopping", options.early_stopping,
      "when to stop searching, as in transformers: false, true or never")
      ->check(CLI::IsMember({"false", "true", "never"}))
      ->type_name("WHEN");
  add("--groups", search.beam_groups, "groups of beams, for diverse captions")
      ->check(whole_number(1, 1024));
  add("--diversity-penalty", search.diversity_penalty,
      "penalty on tokens that earlier groups chose")
      ->check(finite_number(0));
  add("--search", options.rules,
      "search to follow: transformers, or openclip-3.3 (three groups, raw logits)")
      ->check(CLI::IsMember({"transformers", "openclip-3.3"}))
      ->type_name("RULES");
}

void require(bool holds, const std::string& sentence) {
  if (!holds) throw UsageError(sentence);
}

/// Reports flags that have no effect, because the feature that they belong to is off.
void tell_idle_flags(const CLI::App& app, const coca::GenerationOptions& search) {
  const auto tell = [&](const std::string& name, bool used, const std::string& needed) {
    if (app.count(name) != 0 && !used)
      std::cerr << app.get_name() << ": " << name << " changes nothing without " << needed << '\n';
  };
  for (const char* name : {"--temperature", "--top-k", "--top-p"})
    tell(name, search.sample, "--sample");
  tell("--diversity-penalty", search.beam_groups > 1, "--groups 2 or more");
}

/// A flag with its value, for error messages.
std::string flag(const CLI::App& app, const std::string& name, std::size_t value) {
  return name + " " + std::to_string(value) + (app.count(name) == 0 ? " (the default)" : "");
}

/// Reports flags that exclude each other; the library's own messages would name its options, even
/// those that were not given.
void expect_flags_agree(const CLI::App& app, const coca::GenerationOptions& search) {
  const std::string beams = flag(app, "--beams", search.beams);
  const std::string groups = flag(app, "--groups", search.beam_groups);
  const std::string captions = flag(app, "--num-captions", search.captions);
  const bool divisible = search.beams % search.beam_groups == 0;
  if (search.rules == coca::SearchRules::open_clip_3_3) {
    const std::string rules = "--search openclip-3.3 cannot be combined with ";
    require(!search.sample, rules + "--sample: that search does not sample");
    require(search.beams > 1, rules + beams + ": that search needs at least two beams");
    require(
        divisible || app.count("--groups") != 0,
        rules + beams + ": its beams are in three groups; give a multiple of three, or --groups");
  }
  require(!search.sample || search.beam_groups == 1,
          "--sample cannot be combined with " + groups + ": sampling has no groups of beams");
  require(divisible, beams + " cannot be divided into " + groups + "; give a multiple");
  require(search.beams > 1 || search.sample || search.captions == 1,
          captions + " cannot be combined with " + beams +
              ", which finds one caption; give more beams, or --sample");
  require(search.beams == 1 || search.captions <= search.beams,
          captions + " needs as many beams, but there is " + beams);
}

/// The same for lengths, which the model limits.
/// @param of_model whether the minimum length is that of the model's folder
void expect_lengths_fit(const CLI::App& app, const coca::GenerationOptions& search,
                        std::size_t context_length, bool of_model) {
  const std::string longest = flag(app, "--max-length", search.max_length);
  const std::string least = of_model ? "min_length " + std::to_string(search.min_length) +
                                           " of the model's generation_config.json"
                                     : flag(app, "--min-length", search.min_length);
  require(search.max_length <= context_length, longest + " is more than the model's context of " +
                                                   coca::counted(context_length, "token"));
  require(search.min_length <= search.max_length, least + " is more than " + longest);
  require(search.max_length > 1, longest + " leaves no room for a word after the start token");
  require(search.prompt.size() + 1 < search.max_length,
          "--prompt has " + coca::counted(search.prompt.size(), "token") +
              ", which leaves no room for a caption below " + longest);
}

/// Ids of the prompt. @throws UsageError if nothing can follow it
std::vector<std::int32_t> prompt_ids(const coca::AnyTokenizer& tokenizer,
                                     const std::string& prompt) {
  std::vector<std::int32_t> ids = tokenizer.encode(prompt);
  for (const std::int32_t special : {tokenizer.start_id(), tokenizer.end_id()})
    if (std::find(ids.begin(), ids.end(), special) != ids.end())
      throw UsageError("--prompt contains " + tokenizer.decode({&special, 1}) + ", " +
                       (special == tokenizer.end_id()
                            ? "which ends a caption, so that nothing can follow"
                            : "which is added to captions automatically; leave it out"));
  return ids;
}

/// Fills in what follows from other options, and checks them before the model is loaded.
coca::GenerationOptions search_options(const CLI::App& app, const Options& options) {
  coca::GenerationOptions search = options.search;
  search.seed = options.model.seed;
  if (search.sample && app.count("--beams") == 0) search.beams = 1;
  if (options.rules == "openclip-3.3") {
    search.rules = coca::SearchRules::open_clip_3_3;
    if (app.count("--groups") == 0) search.beam_groups = coca::open_clip_3_3().beam_groups;
  }
  if (options.early_stopping == "true") search.early_stopping = coca::EarlyStopping::first;
  if (options.early_stopping == "never") search.early_stopping = coca::EarlyStopping::never;
  expect_flags_agree(app, search);
  tell_idle_flags(app, search);
  return search;
}

/// Fills in the model's defaults, and checks the rest before the first picture.
coca::GenerationOptions fitted(const CLI::App& app, coca::GenerationOptions search,
                               const std::string& prompt, const ModelInfo& info) {
  const bool of_model = app.count("--min-length") == 0 && info.min_length.has_value();
  if (of_model) search.min_length = *info.min_length;
  search.tokens = coca::special_tokens(info.tokenizer);
  search.prompt = prompt_ids(info.tokenizer, prompt);
  if (search.max_length == 0) search.max_length = std::min<std::size_t>(30, info.context_length);
  expect_lengths_fit(app, search, info.context_length, of_model);
  try {
    return coca::checked(search, info.context_length, info.vocab_size);
  } catch (const coca::ArgumentError& error) {
    throw UsageError(error.what());
  }
}

/// @param line what JSON says besides the captions, its kind and path first
void print(const Options& options, const std::string& path,
           const std::vector<coca::Caption>& captions, JsonLine line) {
  if (options.json) {
    JsonLine texts = JsonLine::array();
    for (const coca::Caption& caption : captions)
      texts.push_back(
          {{"text", caption.text}, {"ids", caption.ids}, {"score", json_number(caption.score)}});
    line["captions"] = std::move(texts);
    return print_line(to_line(line));
  }
  if (captions.size() == 1) return print_line(path + ": " + captions.front().text);
  print_line(path + ":");
  for (const coca::Caption& caption : captions)
    print_line("  " + to_text(caption.score, 3) + "  " + caption.text);
}

/// A batch fails as a whole; its pictures are then tried one by one.
void caption(Model& model, const Options& options, const coca::GenerationOptions& search,
             std::span<const Picture> pictures, AttentionPictures& maps, Failures& failures) {
  std::vector<coca::Pixels> pixels;
  for (const Picture& picture : pictures) pixels.push_back(picture.pixels);
  std::vector<std::vector<coca::Caption>> captions;
  try {
    captions = model.caption(pixels, search);
  } catch (const coca::Error& error) {
    if (pictures.size() == 1) return failures.report(pictures.front().path, error);
    for (const Picture& picture : pictures)
      caption(model, options, search, {&picture, 1}, maps, failures);
    return;
  }
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    std::vector<std::string> attention;
    try {
      if (!options.attention.empty())
        attention = maps.write(model, pictures[i], captions[i].front());
    } catch (const coca::Error& error) {
      failures.report(error.what());
    }
    JsonLine line{{"image", pictures[i].path}, {"captions", nullptr}};
    if (!options.attention.empty()) line["attention"] = attention;
    print(options, pictures[i].path, captions[i], std::move(line));
  }
}

/// Frames spread over the video are captioned together.
void caption_video(Model& model, const Options& options, const coca::GenerationOptions& search,
                   const std::string& path, Failures& failures) {
  try {
    coca::Video video(path, {.max_pixels = model.info().reading.max_pixels});
    if (!video.damage().empty()) print_note(failures.program(), path + ": " + video.damage());
    if (!options.attention.empty())
      print_note(failures.program(), path + ": --attention draws no videos");
    if (options.model.open_clip_preprocessing)
      print_note(failures.program(),
                 path + ": --open-clip-preprocessing does not apply to the frames of videos");
    const auto numbers = coca::uniform_frames(video.frame_count(), options.frames);
    std::vector<coca::Pixels> pixels;
    for (const coca::Image& frame : video.read(numbers))
      pixels.push_back(coca::preprocess(frame, model.info().preprocessing));
    print(options, path, model.caption_clip(pixels, search),
          {{"video", path}, {"captions", nullptr}, {"frames", numbers}});
  } catch (const coca::Error& error) {
    failures.report(path, error);
  }
}

/// How many paths from the first on are captioned together: one video, or some pictures.
std::size_t batch_size(std::span<const std::string> paths, std::size_t most) {
  std::size_t count = 0;
  while (count < std::min(most, paths.size()) && !coca::is_video_path(paths[count])) ++count;
  return std::max<std::size_t>(count, 1);
}

bool run(const CLI::App& app, Options options) {
  coca::GenerationOptions search = search_options(app, options);
  AttentionPictures maps(options.attention);
  options.model.captions = true;
  const auto model = open_model(options.model);
  search = fitted(app, std::move(search), options.prompt, model->info());
  ProgressBar progress("pictures");
  Failures failures(app.get_name());
  const std::span<const std::string> paths(options.pictures);
  for (std::size_t first = 0; first < paths.size();) {
    const auto some = paths.subspan(first, batch_size(paths.subspan(first), options.batch));
    if (coca::is_video_path(some.front())) {
      caption_video(*model, options, search, some.front(), failures);
    } else {
      const std::vector<Picture> pictures = read_pictures(*model, some, failures);
      if (!pictures.empty()) caption(*model, options, search, pictures, maps, failures);
    }
    first += some.size();
    progress.show(first, paths.size());
  }
  return failures.none();
}

}  // namespace

int main(int argc, char* argv[]) {
  Options options;
  CLI::App app("Generates captions for pictures and videos.", "caption");
  app.footer(
      "Example: caption photo.jpg --num-captions 3 --attention maps\n"
      "         caption clip.mp4 --frames 16\n"
      "         caption --model coca_vit_l_14 --weights open_clip_model.safetensors --json *.jpg");
  app.add_option("pictures", options.pictures,
                 "JPEG, PNG or WebP files; videos (.mp4, .webm, .gif, ...), or folders with a "
                 "picture per frame")
      ->required()
      ->check(some_name())
      ->type_name("PICTURE");
  app.add_flag("--json", options.json, "print one JSON object per picture or video");
  app.add_option("--attention", options.attention,
                 "write a PNG per word, showing where the decoder attended; photo.jpg.01.a.png is "
                 "for photo.jpg, photo.jpg.2.01.a.png for a second picture with that name")
      ->check(some_name())
      ->type_name("FOLDER");
  app.add_option("--frames", options.frames,
                 "frames of a video, spread over it, that its caption is about")
      ->check(whole_number(1, 1024))
      ->type_name("N")
      ->capture_default_str();
  app.add_option("--batch", options.batch, "pictures captioned together")
      ->check(whole_number(1, 1024))
      ->type_name("N")
      ->capture_default_str();
  add_search_options(app, options);
  add_model_options(app, options.model);
  return run_program(app, argc, argv, [&] { return run(app, options); });
}
