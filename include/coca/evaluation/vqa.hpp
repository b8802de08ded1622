#pragma once
/// @file
/// Accuracy of answers to questions about pictures, as VQA's official script computes it, and what
/// a classifier over answers is trained on: a list of answers, and how right each of them is.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/data/vqa_files.hpp"
#include "coca/evaluation/vqa_answer.hpp"

namespace coca {

/// Accuracies, 0 to 1. Questions without answer are left out and counted.
struct VqaScores {
  double overall = 0;
  std::map<std::string, double> by_answer_type{};
  std::map<std::string, double> by_question_type{};
  std::vector<std::pair<std::string, double>> each{};  ///< question_id and accuracy
  std::size_t unanswered = 0;                          ///< questions without result
  std::size_t unknown = 0;                             ///< results without question
};

namespace detail {

/// The mean over `annotators` of min(1, agreeing others / 3), where `matches` of them agree.
inline double vqa_agreement(std::size_t matches, std::size_t annotators) {
  const auto share = [](std::size_t others) {
    return std::min(1.0, static_cast<double>(others) / 3);
  };
  const auto agreeing = static_cast<double>(matches);
  const auto all = static_cast<double>(annotators);
  const double own = matches == 0 ? 0 : agreeing * share(matches - 1);
  return (own + (all - agreeing) * share(matches)) / all;
}

/// A mean that grows.
struct RunningMean {
  double sum = 0;
  std::size_t count = 0;

  void add(double value) {
    sum += value;
    ++count;
  }
  double mean() const { return count == 0 ? 0 : sum / static_cast<double>(count); }
};

inline std::map<std::string, double> means_of(const std::map<std::string, RunningMean>& groups) {
  std::map<std::string, double> means;
  for (const auto& [name, group] : groups) means.emplace(name, group.mean());
  return means;
}

}  // namespace detail

/// The accuracy of an answer, 0 to 1: the mean over the annotators of min(1, m / 3), with m the
/// number of other annotators who gave this answer. Answers are normalised, unless all annotators
/// wrote the same: then "Yes" is wrong where they wrote "yes".
/// @throws ArgumentError for no annotators
inline double vqa_accuracy(const std::string& answer, std::span<const std::string> annotators) {
  if (annotators.empty()) throw ArgumentError("the accuracy of an answer needs answers of people");
  std::vector<std::string> known;
  for (const std::string& given : annotators) known.push_back(trimmed_vqa_answer(given));
  std::string text = trimmed_vqa_answer(answer);
  if (std::count(known.begin(), known.end(), known.front()) !=
      static_cast<std::ptrdiff_t>(known.size())) {
    for (std::string& given : known) given = normalized_vqa_answer(given);
    text = normalized_vqa_answer(text);
  }
  const auto matches = std::count(known.begin(), known.end(), text);
  return detail::vqa_agreement(static_cast<std::size_t>(matches), known.size());
}

/// Accuracies of results.
/// @throws ArgumentError if no question has a result
inline VqaScores vqa_scores(std::span<const VqaAnnotation> annotations,
                            std::span<const VqaResult> results) {
  std::unordered_map<std::string, std::string> answers;
  for (const VqaResult& result : results) answers.emplace(result.question_id, result.answer);
  VqaScores scores;
  detail::RunningMean overall;
  std::map<std::string, detail::RunningMean> by_answer, by_question;
  for (const VqaAnnotation& annotation : annotations) {
    const auto answer = answers.find(annotation.question_id);
    if (answer == answers.end()) {
      ++scores.unanswered;
      continue;
    }
    const double accuracy = vqa_accuracy(answer->second, annotation.answers);
    answers.erase(answer);
    overall.add(accuracy);
    by_answer[annotation.answer_type].add(accuracy);
    by_question[annotation.question_type].add(accuracy);
    scores.each.emplace_back(annotation.question_id, accuracy);
  }
  if (overall.count == 0) throw ArgumentError("none of the questions has a result");
  scores.overall = overall.mean();
  scores.by_answer_type = detail::means_of(by_answer);
  scores.by_question_type = detail::means_of(by_question);
  scores.unknown = answers.size();
  return scores;
}

/// A percentage with two decimals, as the official script rounds it.
inline double vqa_percent(double accuracy) { return std::nearbyint(accuracy * 10000) / 100; }

/// The answers that a classifier knows.
/// Source: https://github.com/hengyuan-hu/bottom-up-attention-vqa
struct VqaAnswerList {
  std::vector<std::string> answers{};              ///< the most frequent first, then by text
  std::map<std::string, std::size_t> questions{};  ///< how many questions have each
};

/// The normalised most frequent answers of questions, without commas, that at least `least`
/// questions have.
inline VqaAnswerList vqa_answer_list(std::span<const VqaAnnotation> annotations,
                                     std::size_t least) {
  VqaAnswerList list;
  for (const VqaAnnotation& annotation : annotations) {
    std::string answer = normalized_vqa_answer(annotation.answer);
    std::erase(answer, ',');
    if (!answer.empty()) ++list.questions[answer];
  }
  std::erase_if(list.questions, [&](const auto& entry) { return entry.second < least; });
  for (const auto& [answer, count] : list.questions) list.answers.push_back(answer);
  std::stable_sort(list.answers.begin(), list.answers.end(), [&](const auto& a, const auto& b) {
    return list.questions.at(a) > list.questions.at(b);
  });
  return list;
}

/// How the answers of people become those of the list.
enum class VqaMatching {
  normalized,  ///< "two" counts for "2"
  as_written,  ///< as in bottom-up-attention-vqa, where "two" is another answer
};

/// Soft targets of a question: how right each answer of the list is, 0 to 1, by the accuracy
/// formula; answers of nobody, and those outside of the list, have none. Empty: no answer of the
/// list is right.
inline std::map<std::size_t, double> vqa_targets(
    const VqaAnnotation& annotation, const std::unordered_map<std::string, std::size_t>& places,
    VqaMatching matching = VqaMatching::normalized) {
  std::map<std::string, std::size_t> counts;
  for (const std::string& answer : annotation.answers)
    ++counts[matching == VqaMatching::normalized ? normalized_vqa_answer(answer) : answer];
  std::map<std::size_t, double> targets;
  for (const auto& [answer, count] : counts) {
    const auto place = places.find(answer);
    const double score = detail::vqa_agreement(count, annotation.answers.size());
    if (place != places.end() && score > 0) targets.emplace(place->second, score);
  }
  return targets;
}

}  // namespace coca
