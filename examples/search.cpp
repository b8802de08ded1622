// Searches a folder of pictures by a text or by another picture.

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <iostream>

#include "coca/core/digest.hpp"
#include "coca/image/draw.hpp"
#include "coca/image/write_png.hpp"
#include "command_line.hpp"
#include "picture_reading.hpp"

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

/// What to do about a file that is not an index.
std::string what_helps(bool chosen) {
  return chosen ? "; if it was an index, delete it and it is rebuilt, otherwise give --index "
                  "another file"
                : "; delete this file, and the index is rebuilt";
}

/// A file next to `path` only for the index of this model.
std::string own_path(const std::string& path, const ModelInfo& info) {
  coca::Digest digest;
  digest.add_text(info.identity);
  return path + '-' + digest.text();
}

/// Where the index of this model is, or will be: an index of another model is kept, and this one
/// has its own file next to it. @throws coca::Error with what to do if a file is damaged
std::string index_path(const Options& options, const ModelInfo& info) {
  const bool chosen = !options.index.empty();
  const std::string path =
      chosen ? options.index : (std::filesystem::path(options.folder) / ".coca_index").string();
  if (!std::filesystem::exists(path)) return path;
  try {
    return coca::SearchIndex::is_of(path, info.identity) ? path : own_path(path, info);
  } catch (const coca::Error& error) {
    throw coca::Error(error.what() + what_helps(chosen));
  }
}

/// The index as it was left.
coca::SearchIndex read_index(const Options& options, const std::string& path,
                             const ModelInfo& info) {
  if (!std::filesystem::exists(path)) return {info.identity, info.embed_dim};
  try {
    return coca::SearchIndex::read(path, info.identity, info.embed_dim);
  } catch (const coca::Error& error) {
    throw coca::Error(error.what() + what_helps(!options.index.empty()));
  }
}

/// Reports how the index has changed, and what it leaves out.
void report(const Options& options, const coca::SearchIndex& index,
            const coca::IndexUpdate& update) {
  if (options.json) return;
  ProgressBar::hide();
  std::cerr << "index: " << count(index.size(), "pictures, ")
            << count(update.embedded, "new or changed, ") << count(update.removed, "gone");
  if (const std::size_t broken = update.broken.size() + update.known_broken; broken != 0)
    std::cerr << ", " << count(broken, "that cannot be read");
  std::string left_out;
  for (const auto& [reason, number] : update.left_out)
    left_out +=
        (left_out.empty() ? "; left out: " : ", ") + reason + " (" + std::to_string(number) + ")";
  std::cerr << left_out << '\n';
}

/// Writes an index; a failure is reported only once.
class IndexWriter {
 public:
  IndexWriter(std::string path, Failures& failures) : path_(std::move(path)), failures_(failures) {}

  void write(const coca::SearchIndex& index) {
    try {
      if (writable_) index.write(path_);
    } catch (const coca::FileError& error) {
      writable_ = false;
      failures_.report(std::string(error.what()) +
                       " (--index FILE keeps the index somewhere else)");
    }
    saved_ = Clock::now();
  }

  /// So that Ctrl-C does not lose an hour's work.
  void write_each_minute(const coca::SearchIndex& index) {
    if (Clock::now() - saved_ >= std::chrono::minutes(1)) write(index);
  }

 private:
  using Clock = std::chrono::steady_clock;
  std::string path_;
  Failures& failures_;
  bool writable_ = true;
  Clock::time_point saved_ = Clock::now();
};

/// Reads the folder's index, embeds what has changed, and writes it where anything has.
/// @param failures what decides the exit status; failures of pictures only if there is no query, or
///                 no picture to be found
coca::SearchIndex open_index(Model& model, const Options& options, bool asked, Failures& failures) {
  ProgressBar progress("pictures");
  const std::string path = index_path(options, model.info());
  coca::SearchIndex index = read_index(options, path, model.info());
  IndexWriter writer(path, failures);
  const coca::IndexUpdate update =
      model.update(index, options.folder, [&](std::size_t done, std::size_t all) {
        progress.show(done, all);
        if (done != all) writer.write_each_minute(index);
      });
  Failures pictures(failures.program());
  for (const std::string& problem : update.broken)
    (asked && index.size() != 0 ? pictures : failures).report(problem);
  if (index.size() == 0 && update.broken.empty())
    failures.report(options.folder + ": contains no picture " +
                    (update.known_broken == 0 ? "(JPEG, PNG or WebP)" : "that can be read"));
  if (update.changed || !asked || index.size() == 0) report(options, index, update);
  if (update.changed) writer.write(index);
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
    images.push_back(coca::read_image((std::filesystem::path(options.folder) / hit.path).string(),
                                      picture_reading().options()));
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
  const coca::Embeddings query = embed_query(*model, options, asked);  // may fail: before the work
  Failures failures(app.get_name());
  const coca::SearchIndex index = open_index(*model, options, asked, failures);
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
  app.add_option(
         "--index", options.index,
         "index file (default: .coca_index in the folder); the index of another model is kept, "
         "and this model's written next to it")
      ->check(some_name())
      ->type_name("FILE");
  app.add_flag("--json", options.json, "print one JSON object per picture");
  add_model_options(app, options.model);
  return run_program(app, argc, argv, [&] { return run(app, options); });
}
