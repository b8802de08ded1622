#pragma once
/// @file
/// The data of the tasks on questions, on entailment and on pairs of pictures, as options name it.

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "coca/core/counted.hpp"
#include "coca/core/error.hpp"
#include "coca/data/sentence_datasets.hpp"
#include "coca/data/vqa_dataset.hpp"
#include "coca/evaluation/vqa_answers.hpp"
#include "coca/io/json.hpp"
#include "coca/training/model_file.hpp"
#include "coca/training/training_options.hpp"
#include "coca/training/training_subject.hpp"

namespace coca {

/// The texts of a field that is a JSON list of them. @throws ArgumentError for anything else
inline std::vector<std::string> texts_of_list(const std::string& json) {
  const Json list = Json::parse(json, nullptr, false);
  const auto is_text = [](const Json& each) { return each.is_string(); };
  if (!list.is_array() || !std::all_of(list.begin(), list.end(), is_text))
    throw ArgumentError("\"" + detail::printable(json, 40) + "\" is no JSON list of texts");
  return list.get<std::vector<std::string>>();
}

/// "answers.txt", which read_vqa_answers() reads.
inline ModelFile answers_file(const std::vector<std::string>& answers) {
  std::string lines;
  for (const std::string& answer : answers) lines += answer + "\n";
  return {"answers.txt", lines};
}

namespace detail {

inline AnyDataset one_of(std::vector<AnyDataset> parts) {
  if (parts.size() == 1) return std::move(parts.front());
  return ConcatDataset(std::move(parts));
}

/// Files of questions, each with its answers.
inline TaskData open_questions(const std::vector<std::string>& questions,
                               const std::vector<std::string>& annotations,
                               const TrainingData& data) {
  if (questions.size() != annotations.size())
    throw ArgumentError("got " + counted(questions.size(), "file") + " of questions and " +
                        std::to_string(annotations.size()) +
                        " of annotations: give one of annotations for each (--annotations)");
  std::vector<AnyDataset> parts;
  for (std::size_t i = 0; i < questions.size(); ++i)
    parts.emplace_back(VqaDataset({.questions = questions[i],
                                   .annotations = annotations[i],
                                   .picture_folder = data.image_folder,
                                   .picture_pattern = data.picture_pattern}));
  return {one_of(std::move(parts)), 1, may_flip_field};
}

template <class Sentences>
TaskData open_sentences(const std::vector<std::string>& paths, const TrainingData& data,
                        std::size_t pictures) {
  std::vector<AnyDataset> parts;
  for (const std::string& path : paths) parts.emplace_back(Sentences(path, data.image_folder));
  return {one_of(std::move(parts)), pictures, may_flip_field};
}

/// The normalised answers that enough questions have.
inline std::vector<std::string> frequent_answers(const TaskData& data, std::size_t least) {
  std::vector<VqaAnnotation> annotations;
  for (std::size_t i = 0; i < data.records.size(); ++i) {
    VqaAnnotation annotation;
    annotation.answer = data.records.record(i).fields.at("answer");
    annotations.push_back(std::move(annotation));
  }
  std::vector<std::string> answers = vqa_answer_list(annotations, least).answers;
  if (answers.size() < 2)
    throw ArgumentError(std::to_string(answers.size()) + " answers are given to at least " +
                        std::to_string(least) +
                        " questions, expected at least two: lower answer_count, or give a file of "
                        "answers");
  return answers;
}

/// Opens some of the paths as a task's data.
inline TaskData open_task_data(const std::string& task, const std::vector<std::string>& paths,
                               const std::vector<std::string>& annotations,
                               const TrainingData& data) {
  if (paths.empty()) throw ArgumentError("there is no data to train on");
  if (task == "vqa") return open_questions(paths, annotations, data);
  if (task == "entailment") return open_sentences<EntailmentDataset>(paths, data, 1);
  return open_sentences<PicturePairDataset>(paths, data, 2);
}

}  // namespace detail

/// Whether a task reads questions or sentences about pictures, by the model's multimodal decoder.
inline bool reads_questions(const std::string& task) {
  return task == "vqa" || task == "entailment" || task == "pairs";
}

/// A subject with the data of such a task, and for questions the answers to choose from: those of a
/// file, or the frequent ones of the training data. That of other tasks is unchanged.
/// @throws FileError for files that cannot be read; ArgumentError for options that make no sense
inline TrainingSubject with_task_data(TrainingSubject subject, const TrainingOptions& options) {
  if (!reads_questions(options.task)) return subject;
  const TrainingData& data = options.data;
  subject.training_data =
      detail::open_task_data(options.task, data.training, data.annotations, data);
  if (!data.validation.empty())
    subject.validation_data =
        detail::open_task_data(options.task, data.validation, data.validation_annotations, data);
  if (options.task == "vqa")
    subject.answers = data.answers.empty()
                          ? detail::frequent_answers(*subject.training_data, data.answer_count)
                          : read_vqa_answers(data.answers).names();
  return subject;
}

}  // namespace coca
