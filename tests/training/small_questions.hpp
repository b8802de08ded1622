#pragma once
/// @file
/// Questions and sentences about 16 drawn pictures, in the formats of VQA, SNLI-VE and NLVR2.

#include <array>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "coca/training/question_data.hpp"
#include "training/small_run.hpp"

namespace coca::testing {

/// A folder with pictures and lists of what is asked and said about them. Picture i shows shape i %
/// 4 in colour i / 4.
class SmallQuestions {
 public:
  static constexpr std::size_t pictures = 16;
  static constexpr std::array<const char*, 4> shapes{"circle", "square", "cross", "stripes"};
  static constexpr std::array<const char*, 4> colors{"red", "green", "blue", "yellow"};

  SmallQuestions() {
    constexpr std::array<Rgb, 4> paints{Rgb{220, 30, 30}, Rgb{20, 160, 40}, Rgb{30, 60, 220},
                                        Rgb{240, 210, 30}};
    for (std::size_t i = 0; i < pictures; ++i) {
      const Image drawn = draw_shape(i % 4, paints[i / 4]);
      write_png(folder_.path(std::to_string(i) + ".png"), drawn);
      write_png(folder_.path("s-" + std::to_string(i) + "-0-img0.png"), drawn);
      write_png(folder_.path("s-" + std::to_string(i) + "-0-img1.png"),
                draw_shape((i + 1) % 4, paints[i / 4]));
    }
    write_questions();
    write_sentences();
    write_pairs();
  }

  const coca_test::TemporaryFolder& folder() const { return folder_; }

  /// Quick options of a task without augmentation.
  TrainingOptions options(const std::string& task, const std::string& name = "run") const {
    TrainingOptions options;
    options.task = task;
    options.data.training =
        options.data.validation = {folder_.path(task == "vqa"          ? "questions.json"
                                                : task == "entailment" ? "sentences.jsonl"
                                                                       : "pairs.json")};
    if (task == "vqa")
      options.data.annotations =
          options.data.validation_annotations = {folder_.path("annotations.json")};
    options.data.answer_count = 4;  // as many questions as each answer has
    options.data.picture_pattern = "{}.png";
    options.data.augment = false;
    options.data.loader_threads = 1;
    options.data.cache_megabytes = 16;
    options.step.batch_size = 8;
    options.step.steps = 12;
    options.step.learning_rate = 2e-3;
    options.step.weight_decay = 0;
    options.threads = 1;
    options.validation_steps = 6;
    options.picture_count = 2;
    options.output = folder_.path(name);
    return options;
  }

  TrainingSubject subject(const TrainingOptions& options) const {
    return with_task_data({.config = tiny_config, .tokenizer = tiny_tokenizer()}, options);
  }

 private:
  // "a" asks for the shape, "the" for the colour.
  void write_questions() {
    nlohmann::json questions = nlohmann::json::array(), annotations = nlohmann::json::array();
    for (std::size_t i = 0; i < 2 * pictures; ++i) {
      const std::size_t picture = i / 2;
      const bool shape = i % 2 == 0;
      const std::string answer = shape ? shapes[picture % 4] : colors[picture / 4];
      questions.push_back(
          {{"question_id", i}, {"image_id", picture}, {"question", shape ? "a" : "the"}});
      nlohmann::json people = nlohmann::json::array();
      for (std::size_t p = 0; p < 10; ++p)
        people.push_back({{"answer", p == 9 ? "other" : answer}, {"answer_id", p}});
      annotations.push_back({{"question_id", i},
                             {"image_id", picture},
                             {"question_type", shape ? "a" : "the"},
                             {"answer_type", "other"},
                             {"multiple_choice_answer", answer},
                             {"answers", people}});
    }
    folder_.write("questions.json", nlohmann::json{{"questions", questions}}.dump());
    folder_.write("annotations.json", nlohmann::json{{"annotations", annotations}}.dump());
  }

  void write_sentences() {
    std::string lines;
    for (std::size_t i = 0; i < 3 * pictures; ++i) {
      const std::size_t picture = i / 3, relation = i % 3;  // the shape, another, nothing said
      const std::string said = relation == 2 ? "a" : shapes[(picture + relation) % 4];
      const char* const label = relation == 0   ? "entailment"
                                : relation == 1 ? "contradiction"
                                                : "neutral";
      lines += nlohmann::json{{"pairID", std::to_string(i)},
                              {"Flickr30K_ID", std::to_string(picture)},
                              {"sentence2", said},
                              {"gold_label", label}}
                   .dump() +
               "\n";
      // SNLI-VE's pictures are JPEG by name; the reader goes by content.
      std::filesystem::copy_file(folder_.path(std::to_string(picture) + ".png"),
                                 folder_.path(std::to_string(picture) + ".jpg"),
                                 std::filesystem::copy_options::overwrite_existing);
    }
    folder_.write("sentences.jsonl", lines);
  }

  // "a circle": one of the two pictures shows it.
  void write_pairs() {
    std::string lines;
    for (std::size_t i = 0; i < pictures; ++i)
      for (std::size_t s = 0; s < 2; ++s) {
        const bool is_true = s == 0;
        lines +=
            nlohmann::json{{"identifier", "s-" + std::to_string(i) + "-0-" + std::to_string(s)},
                           {"sentence", std::string("a ") + shapes[(i + (is_true ? 0 : 2)) % 4]},
                           {"label", is_true ? "True" : "False"}}
                .dump() +
            "\n";
      }
    folder_.write("pairs.json", lines);
  }

  coca_test::TemporaryFolder folder_;
};

}  // namespace coca::testing
