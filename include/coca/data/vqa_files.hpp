#pragma once
/// @file
/// VQA's files: questions, annotations with the answers of people, and results.
/// Source: https://visualqa.org/vqa_v2_data_format (version 2).

#include <algorithm>
#include <cstddef>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/data/annotation_json.hpp"
#include "coca/io/json.hpp"

namespace coca {

/// A question about a picture.
struct VqaQuestion {
  std::string question_id{};
  std::string image_id{};
  std::string question{};
};

/// What people answered.
struct VqaAnnotation {
  std::string question_id{};
  std::string image_id{};
  std::string question_type{};  ///< its first words, such as "how many"
  std::string answer_type{};    ///< "yes/no", "number" or "other"
  std::string answer{};         ///< "multiple_choice_answer": the most frequent
  std::vector<std::string> answers{};
};

/// What a model answered.
struct VqaResult {
  std::string question_id{};
  std::string answer{};
};

namespace detail {

/// Refuses the second row of a question.
class QuestionIds {
 public:
  std::string take(const AnnotationRow& row) {
    std::string id = row.id("question_id");
    if (!known_.insert(id).second)
      row.fail("an earlier row has the same question_id " + printable(id, 40));
    return id;
  }

 private:
  std::unordered_set<std::string> known_;
};

}  // namespace detail

/// @throws FileError for what cannot be read, and a question that occurs twice
inline std::vector<VqaQuestion> read_vqa_questions(const AnnotationText& file) {
  std::vector<VqaQuestion> questions;
  detail::QuestionIds ids;
  file.each_of("questions", "questions of VQA", [&](const AnnotationRow& row) {
    questions.push_back({ids.take(row), row.id("image_id"), row.text("question")});
  });
  return questions;
}

/// @throws FileError for what cannot be read, a question that occurs twice, or has no answers
inline std::vector<VqaAnnotation> read_vqa_annotations(const AnnotationText& file) {
  std::vector<VqaAnnotation> annotations;
  detail::QuestionIds ids;
  file.each_of("annotations", "answers of VQA", [&](const AnnotationRow& row) {
    VqaAnnotation annotation{ids.take(row),
                             row.id("image_id"),
                             row.text("question_type"),
                             row.text("answer_type"),
                             row.text("multiple_choice_answer"),
                             {}};
    const Json& answers = row.at("answers");
    if (!answers.is_array() || answers.empty())
      row.fail("\"answers\" is not a list of at least one answer");
    for (const Json& answer : answers) {
      if (!answer.is_object() || !answer.contains("answer"))
        row.fail("an answer has no \"answer\"");
      annotation.answers.push_back(row.text_of(answer.at("answer"), "answer"));
    }
    annotations.push_back(std::move(annotation));
  });
  return annotations;
}

/// @throws FileError for what cannot be read, and a question that is answered twice
inline std::vector<VqaResult> read_vqa_results(const AnnotationText& file) {
  std::vector<VqaResult> results;
  detail::QuestionIds ids;
  file.each("results of VQA", [&](const AnnotationRow& row) {
    results.push_back({ids.take(row), row.text("answer")});
  });
  return results;
}

/// Results as the evaluation server takes them; ids that are whole numbers are written as such.
inline std::string vqa_results_json(const std::vector<VqaResult>& results) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const VqaResult& result : results) {
    const std::string& id = result.question_id;
    const bool number = !id.empty() && id.size() < 19 && (id[0] != '0' || id == "0") &&
                        id.find_first_not_of("0123456789") == std::string::npos;
    nlohmann::ordered_json row;
    if (number)
      row["question_id"] = std::stoll(id);
    else
      row["question_id"] = id;
    row["answer"] = result.answer;
    list.push_back(std::move(row));
  }
  return list.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace coca
