#pragma once
/// @file
/// VQA's questions as a data set: a record for each question, with what people answered and the
/// picture that it is about.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/data/dataset.hpp"
#include "coca/data/picture_pattern.hpp"
#include "coca/data/side_words.hpp"
#include "coca/data/vqa_files.hpp"
#include "coca/image/read_image.hpp"

namespace coca {

/// Where questions, their answers and their pictures are.
struct VqaFiles {
  std::string questions{};
  std::string annotations{};     ///< empty: answers are not known
  std::string picture_folder{};  ///< empty: the folder of the questions
  /// See PicturePattern; empty: COCO's, with the "data_subtype" of the questions.
  std::string picture_pattern{};
};

/// Records have the fields "question_id", "question" and may_flip_field; those of annotated
/// questions also "answers", a JSON list of texts, "answer", the most frequent, "question_type" and
/// "answer_type". With annotations, questions that have none are left out and counted.
class VqaDataset {
 public:
  /// @throws FileError for files that cannot be read, or without a name for their pictures;
  /// ArgumentError for a pattern that is none
  explicit VqaDataset(const VqaFiles& files)
      : folder_(files.picture_folder.empty() ? std::filesystem::path(files.questions).parent_path()
                                             : std::filesystem::path(files.picture_folder)),
        pattern_(pattern_of(files)) {
    std::vector<VqaQuestion> questions = read_vqa_questions(AnnotationFile(files.questions).text());
    if (files.annotations.empty()) {
      for (VqaQuestion& question : questions) entries_.push_back({std::move(question), {}});
      return;
    }
    join(files, std::move(questions),
         read_vqa_annotations(AnnotationFile(files.annotations).text()));
  }

  std::size_t size() const noexcept { return entries_.size(); }

  Record record(std::size_t index) const {
    const auto& [question, annotation] = at(index);
    Record record{pattern_(question.image_id), {}, std::nullopt, {}};
    record.fields["question_id"] = question.question_id;
    record.fields["question"] = question.question;
    bool may_flip = !names_a_side(question.question);
    if (annotation) {
      record.fields["answers"] = list_of(annotation->answers);
      record.fields["answer"] = annotation->answer;
      record.fields["question_type"] = annotation->question_type;
      record.fields["answer_type"] = annotation->answer_type;
      for (const std::string& answer : annotation->answers)
        may_flip = may_flip && !names_a_side(answer);
    }
    record.fields[may_flip_field] = may_flip ? "true" : "false";
    return record;
  }

  /// @throws FileError if the picture is missing, unreadable or no picture
  std::vector<std::uint8_t> read(std::size_t index) const {
    return detail::read_image_bytes((folder_ / pattern_(at(index).question.image_id)).string());
  }

  /// What has been left out.
  const std::vector<std::string>& notes() const noexcept { return notes_; }

 private:
  struct Entry {
    VqaQuestion question;
    std::optional<VqaAnnotation> annotation;
  };

  static PicturePattern pattern_of(const VqaFiles& files) {
    if (!files.picture_pattern.empty()) return PicturePattern(files.picture_pattern);
    const std::string subset =
        AnnotationFile(files.questions).text().text_member("data_subtype", "questions of VQA");
    if (subset.empty())
      throw FileError(files.questions,
                      "has no \"data_subtype\", which names COCO's pictures: give a pattern of "
                      "picture names, such as {}.png");
    if (subset.find_first_of("{}/") != subset.npos)
      throw FileError(files.questions, "its \"data_subtype\" is \"" +
                                           detail::printable(subset, 40) +
                                           "\", expected a name such as val2014");
    return PicturePattern("COCO_" + subset + "_{:012}.jpg");
  }

  void join(const VqaFiles& files, std::vector<VqaQuestion> questions,
            std::vector<VqaAnnotation> annotations) {
    std::map<std::string, VqaAnnotation> known;
    for (VqaAnnotation& annotation : annotations)
      known.emplace(annotation.question_id, std::move(annotation));
    std::size_t open = 0;
    for (VqaQuestion& question : questions) {
      auto node = known.extract(question.question_id);
      if (node.empty())
        ++open;
      else
        entries_.push_back({std::move(question), std::move(node.mapped())});
    }
    if (entries_.empty())
      throw FileError(files.annotations, "answers none of the questions of " + files.questions);
    note(files.questions, open, "questions have no answers and are left out");
    note(files.annotations, known.size(), "annotations are of no question and are not read");
  }

  void note(const std::string& path, std::size_t count, const std::string& what) {
    if (count != 0) notes_.push_back(path + ": " + std::to_string(count) + " " + what);
  }

  static std::string list_of(const std::vector<std::string>& texts) {
    return nlohmann::json(texts).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  }

  const Entry& at(std::size_t index) const {
    detail::check_record_index(index, entries_.size());
    return entries_[index];
  }

  std::filesystem::path folder_;
  PicturePattern pattern_;
  std::vector<Entry> entries_;
  std::vector<std::string> notes_;
};

static_assert(Dataset<VqaDataset>);

}  // namespace coca
