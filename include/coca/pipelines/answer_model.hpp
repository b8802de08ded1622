#pragma once
/// @file
/// What a folder of a trained model of questions, entailment or pairs of pictures says about it
/// beside its configuration: "task.json".

#include <array>
#include <span>
#include <string>

#include "coca/core/error.hpp"
#include "coca/io/json.hpp"

namespace coca {

/// Which model, and how its logits become probabilities.
struct AnswerModelDescription {
  std::string task{};                  ///< "vqa", "entailment" or "pairs"
  std::string answer_loss = "binary";  ///< of vqa: "binary" (sigmoid) or "softmax"
  std::string pair_head = "linear";    ///< of pairs: "linear" or "mlp"

  friend bool operator==(const AnswerModelDescription&, const AnswerModelDescription&) = default;

  /// Pictures that a text is about.
  std::size_t pictures() const { return task == "pairs" ? 2 : 1; }
  /// Whether the probabilities of all answers add up to 1.
  bool answers_compete() const { return task != "vqa" || answer_loss == "softmax"; }
};

/// The content of "task.json".
inline std::string to_text(const AnswerModelDescription& description) {
  nlohmann::ordered_json json{{"task", description.task}};
  if (description.task == "vqa") json["answer_loss"] = description.answer_loss;
  if (description.task == "pairs") json["pair_head"] = description.pair_head;
  return json.dump(2) + "\n";
}

namespace detail {

/// A text of an object that is one of some. @throws FileError for anything else
inline std::string choice_of(const Json& json, const std::string& path, const char* key,
                             std::span<const char* const> choices) {
  std::string names;
  for (const char* choice : choices) {
    if (json.contains(key) && json.at(key) == choice) return choice;
    names += (names.empty() ? "" : ", ") + std::string(choice);
  }
  throw FileError(
      path,
      "\"" + std::string(key) + "\" is " +
          (json.contains(key)
               ? printable(json.at(key).dump(-1, ' ', true, Json::error_handler_t::replace), 40)
               : "missing") +
          ", expected one of " + names);
}

}  // namespace detail

/// Reads such a file. @throws FileError if it cannot be read, or says something else
inline AnswerModelDescription read_answer_model(const std::string& path) {
  const Json json = read_json_file(path);
  if (!json.is_object()) throw FileError(path, "holds no JSON object");
  constexpr std::array tasks{"vqa", "entailment", "pairs"};
  constexpr std::array losses{"binary", "softmax"};
  constexpr std::array heads{"linear", "mlp"};
  AnswerModelDescription description;
  description.task = detail::choice_of(json, path, "task", tasks);
  if (description.task == "vqa")
    description.answer_loss = detail::choice_of(json, path, "answer_loss", losses);
  if (description.task == "pairs")
    description.pair_head = detail::choice_of(json, path, "pair_head", heads);
  return description;
}

}  // namespace coca
