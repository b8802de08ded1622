// Answers questions about pictures, with a model that train --task vqa, entailment or pairs has
// made.

#include <filesystem>
#include <system_error>

#include "answerer_options.hpp"
#include "coca/image/draw.hpp"
#include "coca/image/resize.hpp"
#include "coca/image/write_png.hpp"
#include "coca/training/training_pictures.hpp"

using namespace coca_examples;

namespace {

struct Options {
  AnswererOptions model;
  std::vector<std::string> words;  ///< pictures, then questions
  std::size_t top = 5;
  std::string attention;
  bool json = false;
};

/// Pictures as they are read, and what is asked about them.
struct Asked {
  std::vector<std::string> paths;
  std::vector<coca::Pixels> pixels;
  std::vector<std::string> questions;
};

Asked asked(const Options& options, const AnswererInfo& info) {
  const std::size_t pictures = info.description.pictures();
  if (options.words.size() <= pictures)
    throw UsageError("this model is asked about " +
                     std::string(pictures == 1 ? "a picture" : "two pictures") + ": give the " +
                     (pictures == 1 ? "file" : "files") + ", then a " +
                     (info.description.task == "vqa" ? "question" : "sentence"));
  const auto middle = options.words.begin() + static_cast<std::ptrdiff_t>(pictures);
  Asked asked{{options.words.begin(), middle}, {}, {middle, options.words.end()}};
  for (const std::string& path : asked.paths)
    asked.pixels.push_back(
        coca::preprocess(coca::read_image(path, picture_reading().options()), info.preprocessing));
  for (const std::string& question : asked.questions) {
    if (!coca::is_valid_utf8(question)) throw UsageError("a question is not UTF-8 text");
    if (info.tokenizer.encode(question).size() + 2 > info.context_length)
      print_note("vqa", "\"" + question + "\" is longer than the model's " +
                            std::to_string(info.context_length) + " tokens and was cut");
  }
  return asked;
}

/// Writes each picture as the model saw it, bright where it looked. @return the files' paths
std::vector<std::string> write_attention(const std::string& folder, const Asked& asked,
                                         const AnswererInfo& info,
                                         const coca::AnswerAttention& attention,
                                         std::size_t question) {
  namespace fs = std::filesystem;
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) throw coca::FileError(folder, "the folder cannot be created: " + error.message());
  std::vector<std::string> paths;
  for (std::size_t i = 0; i < asked.paths.size(); ++i) {
    const coca::Image seen = coca::to_image(asked.pixels[i], info.preprocessing);
    const std::size_t factor =
        std::max<std::size_t>(1, 448 / std::max<std::size_t>(1, seen.width()));
    const coca::AttentionMap& map = attention.maps[i];
    const coca::Image overlay =
        coca::heat_overlay(coca::resize(seen, seen.width() * factor, seen.height() * factor),
                           map.weights, map.side, map.side);
    const std::string number = std::to_string(question + 1) + "." + std::to_string(i + 1);
    paths.push_back(
        (fs::path(folder) / (fs::path(asked.paths[i]).filename().string() + "." + number + ".png"))
            .string());
    coca::write_png(paths.back(), overlay);
  }
  return paths;
}

void print(const Options& options, const Asked& asked, std::size_t question,
           const std::vector<std::pair<std::string, float>>& answers,
           const std::vector<std::string>& attention) {
  const std::string& text = asked.questions[question];
  if (options.json) {
    JsonLine line{{"images", asked.paths}, {"question", text}, {"answers", JsonLine::array()}};
    for (const auto& [answer, probability] : answers)
      line["answers"].push_back({{"answer", answer}, {"probability", json_number(probability)}});
    if (!options.attention.empty()) line["attention"] = attention;
    return print_line(to_line(line));
  }
  print_line(text);
  for (const auto& [answer, probability] : answers) {
    const std::string percent = to_text(100 * static_cast<double>(probability), 1);
    print_line("  " + std::string(6 - std::min<std::size_t>(6, percent.size()), ' ') + percent +
               " %  " + answer);
  }
}

bool run(const Options& options) {
  const auto model = open_answerer(options.model);
  const Asked all = asked(options, model->info());
  for (std::size_t i = 0; i < all.questions.size(); ++i) {
    const std::vector<float> probabilities =
        model->answer(all.pixels, std::span(&all.questions[i], 1)).front();
    std::vector<std::pair<std::string, float>> answers;
    for (const std::size_t answer : coca::most_probable(probabilities, options.top))
      answers.emplace_back(model->info().answers[answer], probabilities[answer]);
    std::vector<std::string> attention;
    if (!options.attention.empty())
      attention = write_attention(options.attention, all, model->info(),
                                  model->attention(all.pixels, all.questions[i]), i);
    print(options, all, i, answers, attention);
  }
  return true;
}

}  // namespace

int main(int argc, char* argv[]) {
  Options options;
  CLI::App app("Answers questions about a picture.", "vqa");
  app.footer(
      "Example: vqa --weights run photo.jpg \"what is on the table?\" --attention maps\n"
      "         vqa --weights pairs left.png right.png \"exactly one picture shows a dog\" --json");
  app.add_option("words", options.words,
                 "a picture (two for a model of pairs), then questions about it; for entailment "
                 "and pairs, sentences")
      ->required()
      ->check(some_name())
      ->type_name("PICTURE QUESTION");
  add_answerer_options(app, options.model)->required();
  app.add_option("--top", options.top, "answers shown")
      ->check(whole_number(1, many))
      ->type_name("N")
      ->capture_default_str();
  app.add_flag("--truncated", picture_reading().truncated,
               "use the part that is there of truncated JPEG and PNG pictures");
  app.add_option("--attention", options.attention,
                 "write a PNG per picture and question, bright where the words that count looked; "
                 "photo.jpg.2.1.png is of the second question")
      ->check(some_name())
      ->type_name("FOLDER");
  app.add_flag("--json", options.json, "print one JSON object per question");
  return run_program(app, argc, argv, [&] { return run(options); });
}
