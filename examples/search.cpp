// Searches a folder of pictures by a text or by another picture.

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <iostream>

#include "coca/image/draw.hpp"
#include "coca/image/write_png.hpp"
#include "command_line.hpp"

using namespace coca_examples;

namespace {

struct Options {
  ModelOptions model;
  std::string folder;
  std::string query;
  std::string image;
  std::string index;
  std::string sheet;
  std::size_t top = 8;
  bool json = false;
};

std::string count(std::size_t number, const std::string& what) {
  return std::to_string(number) + " " + what;
}

/// The stored index. @throws coca::Error if it is damaged, with a remedy
coca::SearchIndex read_index(const std::string& path, const ModelInfo& info, bool own_path) {
  if (!std::filesystem::exists(path)) return {info.identity, info.embed_dim};
  try {
    return coca::SearchIndex::read(path, info.identity, info.embed_dim);
  } catch (const coca::Error& error) {
    throw coca::Error(std::string(error.what()) +
                      (own_path ? "; if it was an index, delete it and it is rebuilt, otherwise "
                                  "give --index another file"
                                : "; delete this file, and the index is rebuilt"));
  }
}

/// Reads the folder's index, embeds what has changed, and writes the index if anything has.
coca::SearchIndex open_index(Model& model, const Options& options, Failures& failures,
                             ProgressBar& progress) {
  const std::string path = options.index.empty()
                               ? (std::filesystem::path(options.folder) / ".coca_index").string()
                               : options.index;
  coca::SearchIndex index = read_index(path, model.info(), !options.index.empty());
  bool writable = true;
  const auto write = [&] {
    try {
      if (writable) index.write(path);
    } catch (const coca::FileError& error) {
      writable = false;
      failures.report(std::string(error.what()) + " (--index FILE keeps the index somewhere else)");
    }
  };
  using Clock = std::chrono::steady_clock;
  Clock::time_point saved = Clock::now();
  const coca::IndexUpdate update =
      model.update(index, options.folder, [&](std::size_t done, std::size_t all) {
        progress.show(done, all);
        if (done == all || Clock::now() - saved < std::chrono::minutes(1)) return;
        write();  // so that an hour's work survives Ctrl-C
        saved = Clock::now();
      });
  for (const std::string& problem : update.broken) failures.report(problem);
  if (index.size() == 0 && update.broken.empty())
    failures.report(options.folder + ": contains no picture (.jpg, .jpeg, .png or .webp)");
  if (update.embedded == 0 && update.removed == 0) return index;
  ProgressBar::hide();
  if (!options.json)
    std::cerr << "index: " << count(index.size(), "pictures, ")
              << count(update.embedded, "new or changed, ") << count(update.removed, "gone\n");
  write();
  return index;
}

/// The embedding of the query, if there is one.
coca::Embeddings embed_query(Model& model, const Options& options, bool asked) {
  if (!asked) return {};
  if (options.image.empty()) return model.embed_texts({&options.query, 1});
  const coca::Pixels pixels = model.read_pixels(options.image);
  return model.embed_images({&pixels, 1});
}

/// A line of text above a picture.
coca::Image with_title(const coca::Image& sheet, const std::string& title) {
  constexpr std::size_t strip = 44, margin = 20;
  coca::Image titled(sheet.width(), sheet.height() + strip, coca::ContactSheetOptions{}.background);
  std::copy(sheet.pixels().begin(), sheet.pixels().end(), titled.row(strip));
  coca::draw_text(titled, margin, margin, title, {.scale = 3});
  return titled;
}

void write_sheet(const Options& options, std::span<const coca::SearchHit> hits) {
  std::vector<coca::Image> images;
  std::vector<std::string> labels;
  for (const coca::SearchHit& hit : hits) {
    images.push_back(coca::read_image((std::filesystem::path(options.folder) / hit.path).string()));
    const std::string name = std::filesystem::path(hit.path).stem().string();
    labels.push_back(to_text(hit.similarity, 3) + " " + name);
  }
  const std::string title =
      options.image.empty() ? options.query
                            : "like " + std::filesystem::path(options.image).filename().string();
  const coca::Image sheet =
      coca::contact_sheet(images, labels, {.cell_size = 280, .max_caption_lines = 2});
  coca::write_png(options.sheet, with_title(sheet, title));
}

/// @return whether there is a query
bool is_asked(const CLI::App& app, const Options& options) {
  if (!options.query.empty() && !options.image.empty())
    throw UsageError("give a query or --image FILE, not both");
  if (app.count("query") != 0 && CLI::detail::trim_copy(options.query).empty())
    throw UsageError("the query is empty; leave it out to update only the index");
  const bool asked = !options.query.empty() || !options.image.empty();
  if (options.sheet.empty()) return asked;
  if (!asked) throw UsageError("--sheet needs a query or --image FILE");
  const std::string kind =
      CLI::detail::to_lower(std::filesystem::path(options.sheet).extension().string());
  for (const char* other : {".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".pdf"})
    if (kind == other) throw UsageError("--sheet is written as PNG, not as " + options.sheet);
  expect_writable(options.sheet);
  return asked;
}

bool run(const CLI::App& app, const Options& options) {
  const bool asked = is_asked(app, options);
  if (!std::filesystem::is_directory(options.folder))
    throw coca::FileError(options.folder, "is not a folder");
  const auto model = open_model(options.model);
  const coca::Embeddings query = embed_query(*model, options, asked);  // may fail, so done first
  ProgressBar progress("pictures");
  Failures failures(app.get_name());
  const coca::SearchIndex index = open_index(*model, options, failures, progress);
  if (!asked) return failures.none();
  const auto hits = index.search(query[0], options.top);
  for (const auto& [path, similarity] : hits) {
    const std::string full = (std::filesystem::path(options.folder) / path).string();
    if (options.json)
      print_line(to_line({{"image", full}, {"similarity", json_number(similarity)}}));
    else
      print_line((similarity < 0 ? "" : " ") + to_text(similarity, 3) + "  " + full);
  }
  if (!options.sheet.empty() && !hits.empty()) write_sheet(options, hits);
  return failures.none();
}

}  // namespace

int main(int argc, char* argv[]) {
  Options options;
  CLI::App app("Searches a folder of pictures by a text or by another picture.", "search");
  app.footer(
      "The folder's pictures are embedded once, into an index that is kept up to date from then "
      "on.\n\n"
      "Example: search ~/Pictures \"children at the sea\" --sheet found.png\n"
      "         search ~/Pictures --image photo.jpg --top 3 --json");
  app.add_option("folder", options.folder, "folder to search, with subfolders except hidden ones")
      ->required()
      ->check(some_name())
      ->type_name("DIRECTORY");
  app.add_option("query", options.query, "what to look for; if left out, only the index is updated")
      ->check(utf8_text())
      ->type_name("TEXT");
  app.add_option("--image", options.image, "look for pictures like this one")
      ->check(some_name())
      ->type_name("FILE");
  app.add_option("--top", options.top, "number of pictures to find")
      ->check(whole_number(1, 10000))
      ->type_name("N")
      ->capture_default_str();
  app.add_option("--sheet", options.sheet, "write the pictures found as one PNG")
      ->check(some_name())
      ->type_name("FILE");
  app.add_option("--index", options.index, "index file (default: .coca_index in the folder)")
      ->check(some_name())
      ->type_name("FILE");
  app.add_flag("--json", options.json, "print one JSON object per picture");
  add_model_options(app, options.model);
  return run_program(app, argc, argv, [&] { return run(app, options); });
}
