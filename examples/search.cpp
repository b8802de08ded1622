// Searches folders of pictures by texts and by other pictures.

#include <algorithm>
#include <charconv>
#include <chrono>
#include <filesystem>
#include <iostream>
#include <limits>

#include "coca/core/counted.hpp"
#include "coca/core/digest.hpp"
#include "coca/image/draw.hpp"
#include "coca/image/write_png.hpp"
#include "coca/pipelines/combined_query.hpp"
#include "command_line.hpp"
#include "picture_reading.hpp"

using namespace coca_examples;

namespace {

struct Options {
  ModelOptions model;
  std::string folder;
  std::vector<std::string> more_folders;
  std::string query;
  std::string image;
  std::vector<std::string> added;
  std::vector<std::string> subtracted;
  std::string index;
  std::string index_precision = "f32";
  std::string sheet;
  std::size_t top = 8;
  float threshold = std::numeric_limits<float>::lowest();
  float duplicates = 0;  ///< least similarity of pictures that are listed as alike; 0: none are
  bool json = false;
};

std::string count(std::size_t number, const std::string& what) {
  return std::to_string(number) + " " + what;
}

/// A folder with its index.
struct IndexedFolder {
  std::string path;
  coca::SearchIndex index;
};

/// A picture found, by its path.
struct Found {
  std::string path;
  float similarity = 0;
};

/// A part of the query: a text, or the path of a picture.
struct Term {
  std::string content;
  bool is_picture = false;
  float weight = 1;
};

/// "0.5*people", "people", "dog.jpg": a file of that name is a picture.
Term term_of(const std::string& text, float sign) {
  Term term{text, false, 1};
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, term.weight);
  if (error == std::errc{} && stop != end && *stop == '*' && term.weight > 0)
    term.content.assign(stop + 1, end);
  else
    term.weight = 1;
  term.weight *= sign;
  if (CLI::detail::trim_copy(term.content).empty())
    throw UsageError("\"" + text + "\" is an empty part of a query");
  std::error_code ignored;
  term.is_picture = std::filesystem::is_regular_file(term.content, ignored);
  return term;
}

std::vector<Term> terms_of(const Options& options) {
  std::vector<Term> terms;
  if (!options.query.empty()) terms.push_back({options.query});
  if (!options.image.empty()) terms.push_back({options.image, true});
  for (const std::string& text : options.added) terms.push_back(term_of(text, 1));
  for (const std::string& text : options.subtracted) terms.push_back(term_of(text, -1));
  return terms;
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
std::string index_path(const Options& options, const std::string& folder, const ModelInfo& info) {
  const bool chosen = !options.index.empty();
  const std::string path =
      chosen ? options.index : (std::filesystem::path(folder) / ".coca_index").string();
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
  const auto precision = options.index_precision == "f16" ? coca::IndexPrecision::float16
                                                          : coca::IndexPrecision::float32;
  if (!std::filesystem::exists(path)) return {info.identity, info.embed_dim, precision};
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
            << count(update.embedded, "new or changed, ");
  if (update.recognised != 0) std::cerr << count(update.recognised, "recognised, ");
  std::cerr << count(update.removed, "gone");
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
    const Clock::time_point start = Clock::now();
    try {
      if (writable_) index.write(path_);
    } catch (const coca::FileError& error) {
      writable_ = false;
      failures_.report(std::string(error.what()) +
                       " (--index FILE keeps the index somewhere else)");
    }
    saved_ = Clock::now();
    pause_ = std::max<Clock::duration>(std::chrono::minutes(1), 20 * (saved_ - start));
  }

  /// So that Ctrl-C does not lose an hour's work: each minute, or less often if that took long.
  void write_now_and_then(const coca::SearchIndex& index) {
    if (Clock::now() - saved_ >= pause_) write(index);
  }

 private:
  using Clock = std::chrono::steady_clock;
  std::string path_;
  Failures& failures_;
  bool writable_ = true;
  Clock::time_point saved_ = Clock::now();
  Clock::duration pause_ = std::chrono::minutes(1);
};

/// Reads the folder's index, embeds what has changed, and writes it where anything has.
/// @param failures what decides the exit status; failures of pictures only if there is no query, or
///                 no picture to be found
coca::SearchIndex open_index(Model& model, const Options& options, const std::string& folder,
                             bool asked, Failures& failures) {
  ProgressBar progress("pictures");
  const std::string path = index_path(options, folder, model.info());
  coca::SearchIndex index = read_index(options, path, model.info());
  IndexWriter writer(path, failures);
  const coca::IndexUpdate update =
      model.update(index, folder, [&](std::size_t done, std::size_t all) {
        progress.show(done, all);
        if (done != all) writer.write_now_and_then(index);
      });
  Failures pictures(failures.program());
  for (const std::string& problem : update.broken)
    (asked && index.size() != 0 ? pictures : failures).report(problem);
  if (index.size() == 0 && update.broken.empty())
    failures.report(folder + ": contains no picture " +
                    (update.known_broken == 0 ? "(JPEG, PNG or WebP)" : "that can be read"));
  if (update.changed || !asked || index.size() == 0) report(options, index, update);
  if (update.changed) writer.write(index);
  return index;
}

/// The embedding of the query.
std::vector<float> embed_query(Model& model, const std::vector<Term>& terms) {
  coca::Embeddings all{{}, 0, model.info().embed_dim};
  std::vector<float> weights;
  for (const Term& term : terms) {
    coca::Embeddings one;
    if (term.is_picture) {
      const coca::Pixels pixels = model.read_pixels(term.content);
      one = model.embed_images({&pixels, 1});
    } else {
      one = model.embed_texts({&term.content, 1});
    }
    all.values.insert(all.values.end(), one.values.begin(), one.values.end());
    ++all.count;
    weights.push_back(term.weight);
  }
  if (terms.size() == 1 && weights[0] > 0) return all.values;
  try {
    return coca::combined_query(all, weights);
  } catch (const coca::ArgumentError& error) {
    throw UsageError(error.what());
  }
}

/// The most similar pictures of all folders, best first.
std::vector<Found> search_all(const std::vector<IndexedFolder>& folders,
                              const std::vector<float>& query, const Options& options) {
  std::vector<Found> found;
  for (const auto& [folder, index] : folders)
    for (const auto& [name, similarity] : index.search(query, options.top, options.threshold))
      found.push_back({(std::filesystem::path(folder) / name).string(), similarity});
  std::stable_sort(found.begin(), found.end(),
                   [](const Found& a, const Found& b) { return a.similarity > b.similarity; });
  found.resize(std::min(found.size(), options.top));
  return found;
}

/// A line of text above a picture.
coca::Image with_title(const coca::Image& sheet, const std::string& title) {
  constexpr std::size_t strip = 44, margin = 20;
  coca::Image titled(sheet.width(), sheet.height() + strip, coca::ContactSheetOptions{}.background);
  std::copy(sheet.pixels().begin(), sheet.pixels().end(), titled.row(strip));
  coca::draw_text(titled, margin, margin, title, {.scale = 3});
  return titled;
}

/// "a beach + dog.jpg - 0.5 people"
std::string title_of(const std::vector<Term>& terms) {
  std::string title;
  for (const Term& term : terms) {
    if (term.weight < 0)
      title += title.empty() ? "- " : " - ";
    else if (!title.empty())
      title += " + ";
    const float weight = std::abs(term.weight);
    if (weight != 1) title += to_text(weight, 2) + " ";
    title += term.is_picture ? "like " + std::filesystem::path(term.content).filename().string()
                             : term.content;
  }
  return title;
}

void write_sheet(const Options& options, const std::vector<Term>& terms,
                 std::span<const Found> found) {
  std::vector<coca::Image> images;
  std::vector<std::string> labels;
  for (const Found& hit : found) {
    images.push_back(coca::read_image(hit.path, picture_reading().options()));
    const std::string name = std::filesystem::path(hit.path).stem().string();
    labels.push_back(to_text(hit.similarity, 3) + " " + name);
  }
  const std::string title = title_of(terms);
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
  const bool combined = !options.added.empty() || !options.subtracted.empty();
  const bool searches = !options.query.empty() || !options.image.empty() || combined;
  if (searches && options.duplicates > 0)
    throw UsageError("--duplicates compares the pictures with each other; leave out the query");
  if (!searches && app.count("--threshold") != 0)
    throw UsageError("--threshold needs a query or --image FILE");
  const bool asked = searches || options.duplicates > 0;
  if (options.sheet.empty()) return asked;
  if (!searches) throw UsageError("--sheet needs a query or --image FILE");
  const std::string kind =
      CLI::detail::to_lower(std::filesystem::path(options.sheet).extension().string());
  for (const char* other : {".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".pdf"})
    if (kind == other) throw UsageError("--sheet is written as PNG, not as " + options.sheet);
  expect_writable(options.sheet);
  return asked;
}

/// Prints the pairs of pictures of one folder that are alike.
void print_duplicates(const IndexedFolder& folder, const Options& options) {
  ProgressBar progress("pictures");
  std::vector<coca::SimilarPair> pairs = folder.index.similar_pairs(
      options.duplicates, [&](std::size_t done, std::size_t all) { progress.show(done, all); });
  ProgressBar::hide();
  std::stable_sort(pairs.begin(), pairs.end(),
                   [](const auto& a, const auto& b) { return a.similarity > b.similarity; });
  const auto full = [&](const std::string& name) {
    return (std::filesystem::path(folder.path) / name).string();
  };
  for (const auto& [first, second, similarity] : pairs)
    if (options.json)
      print_line(to_line({{"image", full(first)},
                          {"other", full(second)},
                          {"similarity", json_number(similarity)}}));
    else
      print_line(" " + to_text(similarity, 3) + "  " + full(first) + "  " + full(second));
}

void print_found(const Options& options, const std::vector<Found>& found) {
  for (const auto& [path, similarity] : found)
    if (options.json)
      print_line(to_line({{"image", path}, {"similarity", json_number(similarity)}}));
    else
      print_line((similarity < 0 ? "" : " ") + to_text(similarity, 3) + "  " + path);
}

std::vector<std::string> folders_of(const Options& options) {
  std::vector<std::string> folders{options.folder};
  folders.insert(folders.end(), options.more_folders.begin(), options.more_folders.end());
  for (const std::string& folder : folders)
    if (!std::filesystem::is_directory(folder)) throw coca::FileError(folder, "is not a folder");
  if (folders.size() > 1 && !options.index.empty())
    throw UsageError("--index is the file of one folder; with --folder each has its own");
  return folders;
}

bool run(const CLI::App& app, const Options& options) {
  const bool asked = is_asked(app, options);
  const std::vector<std::string> paths = folders_of(options);
  const std::vector<Term> terms = terms_of(options);
  const auto model = open_model(options.model);
  std::vector<float> query;  // may fail: before the work
  if (!terms.empty()) query = embed_query(*model, terms);
  Failures failures(app.get_name());
  std::vector<IndexedFolder> folders;
  for (const std::string& path : paths)
    folders.push_back({path, open_index(*model, options, path, asked, failures)});
  if (options.duplicates > 0)
    for (const IndexedFolder& folder : folders) print_duplicates(folder, options);
  if (terms.empty()) return failures.none();
  const std::vector<Found> found = search_all(folders, query, options);
  print_found(options, found);
  if (!options.sheet.empty() && !found.empty()) write_sheet(options, terms, found);
  return failures.none();
}

}  // namespace

int main(int argc, char* argv[]) {
  Options options;
  CLI::App app("Searches folders of pictures by texts and by other pictures.", "search");
  app.footer(
      "The folder's pictures are embedded once, into an index that is kept up to date from then "
      "on.\n\n"
      "Example: search ~/Pictures \"children at the sea\" --sheet found.png\n"
      "         search ~/Pictures --image photo.jpg --top 3 --json\n"
      "         search ~/Pictures \"a beach\" --add dog.jpg --subtract \"0.5*people\"\n"
      "         search ~/Pictures --duplicates 0.95");
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
  app.add_option("--add", options.added,
                 "add to the query: a text, or a picture if a file has that name; 0.5*TERM counts "
                 "half; may be repeated")
      ->check(utf8_text())
      ->type_name("TERM")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app.add_option("--subtract", options.subtracted, "take away from the query, in the same way")
      ->check(utf8_text())
      ->type_name("TERM")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app.add_option("--folder", options.more_folders, "search this folder too; may be repeated")
      ->check(some_name())
      ->type_name("DIRECTORY")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app.add_option("--threshold", options.threshold, "find only pictures at least so similar")
      ->check(finite_number(-1, 1))
      ->type_name("N");
  app.add_option("--duplicates", options.duplicates,
                 "list pairs of pictures of a folder that are at least so similar, such as 0.95")
      ->check(finite_number(0.01f, 1))
      ->type_name("N");
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
  app.add_option("--index-precision", options.index_precision,
                 "how a new index keeps embeddings: f32, or f16 in half the space")
      ->check(CLI::IsMember({"f32", "f16"}))
      ->type_name("TYPE")
      ->capture_default_str();
  app.add_flag("--json", options.json, "print one JSON object per picture");
  add_model_options(app, options.model);
  return run_program(app, argc, argv, [&] { return run(app, options); });
}
