#include "evaluate_captions.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>

#include "coca/core/counted.hpp"
#include "coca/evaluation/caption_scores.hpp"
#include "coca/io/atomic_file.hpp"
#include "command_line.hpp"

namespace coca_examples {

namespace {

struct Options {
  std::string annotations;
  std::string results;
  std::string meteor_jar;
  std::string each_file;
  bool json = false;
};

/// The keys of pycocoevalcap.
JsonLine to_json(const coca::CaptionScores& scores) {
  JsonLine json;
  for (std::size_t n = 0; n < scores.bleu.size(); ++n)
    json["Bleu_" + std::to_string(n + 1)] = scores.bleu[n];
  json["ROUGE_L"] = scores.rouge_l;
  json["CIDEr"] = scores.cider;
  if (scores.meteor) json["METEOR"] = *scores.meteor;
  return json;
}

/// A line per picture.
void write_each(const std::string& path, const coca::JudgedPictures& judged,
                const coca::CorpusScores& scores) {
  coca::AtomicFile file(path);
  for (std::size_t i = 0; i < judged.ids.size(); ++i) {
    JsonLine line{{"image_id", judged.ids[i]}, {"caption", judged.captions[i].candidate}};
    line.update(to_json(scores.each[i]));
    file.write(to_line(line) + "\n");
  }
  file.commit();
}

/// METEOR, if it is requested; nothing, which is a failure, if it cannot be computed.
std::optional<coca::MeteorScore> ask_meteor(const Options& options,
                                            const coca::JudgedPictures& judged,
                                            Failures& failures) {
  if (options.meteor_jar.empty()) return std::nullopt;
  try {
    return coca::meteor(judged.captions, options.meteor_jar);
  } catch (const coca::Error& error) {
    failures.report("without METEOR: " + std::string(error.what()));
    return std::nullopt;
  }
}

void note_missing(const std::string& program, const coca::JudgedPictures& judged) {
  const auto note = [&](std::size_t count, const std::string& one, const std::string& several) {
    if (count == 1) print_note(program, "1 " + one + "; left out");
    if (count > 1) print_note(program, std::to_string(count) + " " + several + "; left out");
  };
  note(judged.unknown, "result is of a picture that the annotations do not have",
       "results are of pictures that the annotations do not have");
  note(judged.unanswered, "picture of the annotations has no result",
       "pictures of the annotations have no result");
  note(judged.uncaptioned, "result is of a picture without captions",
       "results are of pictures without captions");
}

bool run(const CLI::App& app, const Options& options) {
  Failures failures(app.get_name());
  if (!options.each_file.empty()) expect_writable(options.each_file);
  const auto pictures = coca::read_coco_captions(coca::AnnotationFile(options.annotations).text());
  const auto results = coca::read_caption_results(coca::AnnotationFile(options.results).text());
  const coca::JudgedPictures judged = coca::join_captions(pictures, results);
  if (judged.ids.empty())
    throw coca::FileError(options.results, "none of its " + std::to_string(results.size()) +
                                               " results is of a captioned picture of " +
                                               options.annotations);
  note_missing(app.get_name(), judged);
  const coca::CorpusScores scores =
      score_corpus(judged.captions, ask_meteor(options, judged, failures));
  if (!options.each_file.empty()) write_each(options.each_file, judged, scores);
  const JsonLine overall = to_json(scores.overall);
  if (options.json) {
    JsonLine line{{"pictures", judged.ids.size()},
                  {"unknown", judged.unknown},
                  {"unanswered", judged.unanswered},
                  {"uncaptioned", judged.uncaptioned}};
    line.update(overall);
    print_line(to_line(line));
    return failures.none();
  }
  for (const auto& [name, value] : overall.items())
    print_line(name + std::string(10 - std::min<std::size_t>(10, name.size()), ' ') +
               to_text(value.get<double>()));
  print_line("Over " + coca::counted(judged.ids.size(), "picture") + '.');
  return failures.none();
}

}  // namespace

int evaluate_captions(int argc, char* argv[]) {
  Options options;
  CLI::App app(
      "Compares captions with those of people: BLEU, ROUGE-L and CIDEr-D over Stanford's PTB "
      "tokens, the\nnumbers of pycocoevalcap; METEOR through its original program. No model is "
      "needed.",
      "evaluate captions");
  app.footer("Example: evaluate captions captions_val2014.json results.json --json");
  app.add_option("annotations", options.annotations,
                 "captions of people in COCO's JSON: \"images\" and \"annotations\"")
      ->required()
      ->check(some_name())
      ->type_name("ANNOTATIONS");
  app.add_option("results", options.results,
                 "captions of a model: a JSON list of {\"image_id\", \"caption\"}")
      ->required()
      ->check(some_name())
      ->type_name("RESULTS");
  app.add_flag("--json", options.json, "print one JSON object");
  app.add_option("--each", options.each_file, "write JSON lines: the scores of each picture")
      ->check(some_name())
      ->type_name("FILE");
  app.add_option("--meteor-jar", options.meteor_jar,
                 "meteor-1.5.jar with its folder data, to compute METEOR in Java")
      ->check(some_name())
      ->type_name("JAR");
  return run_program(app, argc, argv, [&] { return run(app, options); });
}

}  // namespace coca_examples
