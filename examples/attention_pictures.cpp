#include "attention_pictures.hpp"

#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include "coca/image/draw.hpp"
#include "coca/image/resize.hpp"
#include "coca/image/write_png.hpp"

namespace coca_examples {

namespace fs = std::filesystem;

namespace {

/// A word of a caption and the mean attention of the tokens that it is made of.
struct Word {
  std::string text;
  std::vector<float> weights;  ///< [side, side]
  std::size_t tokens = 0;
};

/// Joins tokens into words: a new word starts where decoding puts a space.
std::vector<Word> to_words(const coca::AnyTokenizer& tokenizer, const coca::Caption& caption,
                           const std::vector<coca::AttentionMap>& maps) {
  std::vector<Word> words;
  std::string before;
  for (std::size_t i = 0; i < maps.size(); ++i) {
    const std::int32_t id = caption.ids[i + 1];  // the start token has no map
    if (id == tokenizer.end_id()) break;
    const std::string text = tokenizer.decode({caption.ids.data() + 1, i + 1});
    const std::string added = text.substr(std::min(before.size(), text.size()));
    const bool new_word = words.empty() || before.ends_with(' ') || added.starts_with(' ');
    if (new_word) words.push_back({{}, std::vector<float>(maps[i].weights.size(), 0)});
    Word& word = words.back();
    for (const char c : added)
      if (c != ' ') word.text += c;
    for (std::size_t k = 0; k < word.weights.size(); ++k) word.weights[k] += maps[i].weights[k];
    ++word.tokens;
    before = text;
  }
  for (Word& word : words)
    for (float& weight : word.weights) weight /= static_cast<float>(word.tokens);
  return words;
}

/// A part of a file name.
std::string file_name_of(std::string_view word) {
  std::string name;
  for (const char c : word.substr(0, 40))
    name += std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  return name;
}

/// The overlay with its word in a strip below.
coca::Image with_label(const coca::Image& overlay, const std::string& word) {
  constexpr coca::TextStyle style{.scale = 3};
  const std::size_t strip = 40;
  coca::Image labelled(overlay.width(), overlay.height() + strip, coca::Rgb{250, 250, 248});
  std::copy_n(overlay.data(), overlay.pixels().size(), labelled.data());
  const std::size_t width = std::min(coca::text_width(word, style.scale), labelled.width());
  coca::draw_text(labelled, static_cast<std::ptrdiff_t>((labelled.width() - width) / 2),
                  static_cast<std::ptrdiff_t>(overlay.height() + 9), word, style);
  return labelled;
}

/// Enlarged for viewing.
coca::Image enlarged(const coca::Image& image) {
  constexpr std::size_t comfortable = 448;
  const std::size_t factor = std::max<std::size_t>(1, comfortable / image.width());
  return coca::resize(image, image.width() * factor, image.height() * factor);
}

}  // namespace

AttentionPictures::AttentionPictures(std::string folder) : folder_(std::move(folder)) {
  if (folder_.empty()) return;
  fs::path existing = fs::absolute(folder_);
  std::error_code ignored;
  while (!fs::exists(existing, ignored) && existing.has_relative_path())
    existing = existing.parent_path();
  const std::string problem = "pictures cannot be written there: " + existing.string();
  if (!fs::is_directory(existing, ignored))
    throw coca::FileError(folder_, problem + " is not a folder");
  if (::access(existing.c_str(), W_OK | X_OK) != 0)
    throw coca::FileError(folder_, problem + ": " + std::generic_category().message(errno));
}

std::string AttentionPictures::unused_name(const std::string& path) {
  const std::string file = fs::path(path).filename().string();
  std::string name = file;
  for (std::size_t number = 2; !used_.insert(name).second; ++number)
    name = file + "." + std::to_string(number);
  return name;
}

std::vector<std::string> AttentionPictures::write(Model& model, const Picture& picture,
                                                  const coca::Caption& caption) {
  std::error_code error;
  fs::create_directories(folder_, error);
  if (error) throw coca::FileError(folder_, "the folder cannot be created: " + error.message());
  const auto maps = model.attention_maps(picture.pixels, caption.ids);
  const std::vector<Word> words = to_words(model.info().tokenizer, caption, maps);
  const coca::Image image = enlarged(model.to_image(picture.pixels));
  const std::string name = unused_name(picture.path);
  std::vector<std::string> paths;
  for (const Word& word : words) {
    const std::string number = (paths.size() < 9 ? "0" : "") + std::to_string(paths.size() + 1);
    const std::size_t side = maps.front().side;
    const coca::Image overlay = coca::heat_overlay(image, word.weights, side, side);
    paths.push_back(
        (fs::path(folder_) / (name + "." + number + "." + file_name_of(word.text) + ".png"))
            .string());
    coca::write_png(paths.back(), with_label(overlay, word.text));
  }
  return paths;
}

}  // namespace coca_examples
