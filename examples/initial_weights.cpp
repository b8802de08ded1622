#include "initial_weights.hpp"

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <system_error>

#include "coca/io/hugging_face_folder.hpp"
#include "coca/io/text_lines.hpp"

namespace coca_examples {

InitialWeights initial_weights(const TrainingRequest& request) {
  namespace fs = std::filesystem;
  const std::string& path = request.options.init_from;
  const auto folder = coca::find_hugging_face_folder(path);
  InitialWeights weights{coca::open_checkpoint(folder ? folder->weights : path)};
  weights.of_classifier = weights.checkpoint.contains("head.bias");
  weights.of_videos = weights.checkpoint.contains("video_head.bias");
  const fs::path names = (folder ? fs::path(path) : fs::path(path).parent_path()) / "classes.txt";
  std::error_code ignored;
  if ((weights.of_classifier || weights.of_videos) && fs::exists(names, ignored))
    weights.classes = coca::read_text_lines(names.string());
  return weights;
}

void tell_random(const std::vector<std::string>& names, const TrainingRequest& request) {
  constexpr std::size_t shown = 8;
  if (names.empty() || !request.events.on_note) return;
  std::string list;
  for (std::size_t i = 0; i < std::min(shown, names.size()); ++i)
    list += (list.empty() ? "" : ", ") + names[i];
  if (names.size() > shown) list += " and " + std::to_string(names.size() - shown) + " more";
  request.events.on_note(request.options.init_from + " has no " + list +
                         ": their values start at random");
}

}  // namespace coca_examples
