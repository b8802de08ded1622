#pragma once
/// @file
/// A page (HTML, with its pictures inside) of hits and misses of a retrieval run.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "coca/core/fixed_text.hpp"
#include "coca/core/utf8.hpp"
#include "coca/data/positives_file.hpp"
#include "coca/evaluation/retrieval_examples.hpp"
#include "coca/evaluation/retrieval_run.hpp"
#include "coca/image/image.hpp"
#include "coca/image/png.hpp"
#include "coca/image/resize.hpp"
#include "coca/io/base64.hpp"

namespace coca {

/// A picture, scaled down to fit a square, as the address of an img element.
/// @param side of the square, in pixels
inline std::string thumbnail_address(const Image& image, std::size_t side = 160) {
  const std::size_t longest = std::max(image.width(), image.height());
  const auto scaled = [&](std::size_t extent) {
    return std::max<std::size_t>(1, longest <= side ? extent : extent * side / longest);
  };
  const Image small = resize(image, scaled(image.width()), scaled(image.height()));
  return "data:image/png;base64," + to_base64(encode_png(small));
}

/// Text within HTML. Bytes that are not UTF-8 become "?".
inline std::string html_escaped(std::string_view text) {
  std::string escaped;
  for (std::size_t at; !text.empty(); text.remove_prefix(std::min(at + 1, text.size()))) {
    at = std::min(find_invalid_utf8(text), text.size());
    for (const char c : text.substr(0, at)) {
      if (c == '&')
        escaped += "&amp;";
      else if (c == '<')
        escaped += "&lt;";
      else if (c == '>')
        escaped += "&gt;";
      else if (c == '"')
        escaped += "&quot;";
      else
        escaped += c;
    }
    if (at < text.size()) escaped += '?';
  }
  return escaped;
}

namespace detail {

/// Writes the page piece by piece.
class RetrievalPage {
 public:
  /// @param thumbnail the address of a picture of the run, or nothing if it cannot be read
  RetrievalPage(const RetrievalRun& run, std::function<std::string(std::size_t)> thumbnail)
      : run_(run), thumbnail_(std::move(thumbnail)) {}

  /// Queries that are pictures, or texts, under a title.
  void add(const std::string& title, const std::vector<RetrievalExample>& examples,
           bool of_pictures) {
    if (examples.empty()) return;
    body_ += "<h2>" + html_escaped(title) + "</h2>\n";
    for (const RetrievalExample& example : examples) {
      body_ += "<div class=\"query\"><div>" + shown(example.query, of_pictures) + "<p>rank " +
               (example.rank == never_found ? "none" : std::to_string(example.rank + 1)) +
               right_text(example, of_pictures) + "</p></div><ol>\n";
      for (const Neighbour& neighbour : example.nearest)
        body_ += item(example, neighbour, !of_pictures);
      body_ += "</ol></div>\n";
    }
  }

  std::string html(const std::string& title, const std::vector<std::string>& figures) const {
    std::string page = "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>" +
                       html_escaped(title) + "</title><style>" + style() +
                       "</style></head><body>\n<h1>" + html_escaped(title) + "</h1>\n<pre>";
    for (const std::string& line : figures) page += html_escaped(line) + '\n';
    return page + "</pre>\n" + body_ + "</body></html>\n";
  }

 private:
  static std::string style() {
    return "body{font-family:sans-serif;margin:2em;max-width:70em}.query{display:flex;gap:2em;"
           "border-top:1px solid #ccc;padding:1em 0}.query>div{width:15em}ol{display:flex;"
           "flex-wrap:wrap;gap:1em;margin:0}li.right{color:#070;font-weight:bold}"
           "img{display:block;max-width:10em}";
  }

  /// A picture or a text.
  std::string shown(std::size_t number, bool is_picture) {
    if (!is_picture) return "<b>" + html_escaped(run_.texts[number]) + "</b>";
    const auto [known, is_new] = addresses_.try_emplace(number);
    if (is_new) known->second = thumbnail_(number);
    const std::string name = html_escaped(run_.pictures[number].file_name);
    return known->second.empty() ? name
                                 : "<img src=\"" + known->second + "\" alt=\"" + name + "\">";
  }

  /// The first right text of a picture.
  std::string right_text(const RetrievalExample& example, bool of_pictures) const {
    if (!of_pictures || example.right.empty()) return "";
    return "; right: " + html_escaped(run_.texts[example.right.front()]);
  }

  std::string item(const RetrievalExample& example, const Neighbour& neighbour, bool is_picture) {
    const auto& right = example.right;
    const bool is_right = std::find(right.begin(), right.end(), neighbour.number) != right.end();
    const std::string similarity = fixed_text(neighbour.similarity, 3);
    return std::string("<li") + (is_right ? " class=\"right\">" : ">") +
           shown(neighbour.number, is_picture) + ' ' + similarity + "</li>\n";
  }

  const RetrievalRun& run_;
  std::function<std::string(std::size_t)> thumbnail_;
  std::map<std::size_t, std::string> addresses_;
  std::string body_;
};

}  // namespace detail

/// The page of a run: the worst misses and some hits, both ways.
/// @param title     of the page
/// @param figures   lines of text at its top
/// @param thumbnail the address of a picture of the run (thumbnail_address()), or nothing
inline std::string retrieval_page(const RetrievalRun& run, const std::string& title,
                                  const std::vector<std::string>& figures,
                                  const std::function<std::string(std::size_t)>& thumbnail,
                                  const RetrievalExampleCounts& counts = {}) {
  const EmbeddingRows images{run.image_embeddings.values, run.image_embeddings.width};
  const EmbeddingRows texts{run.text_embeddings.values, run.text_embeddings.width};
  const RetrievalExamples of_images =
      retrieval_examples(images, texts, run.ranks.images, run.positives, counts);
  const RetrievalExamples of_texts = retrieval_examples(
      texts, images, run.ranks.texts, inverted(run.positives, run.texts.size()), counts);
  detail::RetrievalPage page(run, thumbnail);
  page.add("Pictures with another caption first", of_images.misses, true);
  page.add("Captions with another picture first", of_texts.misses, false);
  page.add("Pictures whose caption is first", of_images.hits, true);
  page.add("Captions whose picture is first", of_texts.hits, false);
  return page.html(title, figures);
}

}  // namespace coca
