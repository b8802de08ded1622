// Embeds pictures and texts in a shared space, where matching ones are near each other.

#include <algorithm>
#include <iostream>
#include <limits>

#include "coca/core/counted.hpp"
#include "coca/io/npy.hpp"
#include "command_line.hpp"

using namespace coca_examples;

namespace {

struct Options {
  ModelOptions model;
  std::vector<std::string> pictures;
  std::vector<std::string> texts;
  std::string texts_file;
  std::string npy;
  bool json = false;
};

/// A row of the result: what was embedded, and the embedding (empty if that failed).
struct Row {
  JsonLine source;
  std::string name;
  std::vector<float> values{};
};

void print(const Options& options, Row row) {
  if (options.json) {
    row.source["embedding"] = json_numbers(row.values);
    return print_line(to_line(row.source));
  }
  std::string line = row.name + ":";
  constexpr std::size_t shown = 6;
  for (std::size_t i = 0; i < std::min(shown, row.values.size()); ++i)
    line += (row.values[i] < 0 ? " " : "  ") + to_text(row.values[i]);
  print_line(line + " ... (" + coca::counted(row.values.size(), "number") + ")");
}

/// Computes and prints a row; a failure is reported and leaves it empty.
/// @param compute returns the embedding; may add to what JSON says of the source
Row embed(const Options& options, Row row, Failures& failures,
          const std::function<coca::Embeddings(JsonLine&)>& compute) {
  try {
    row.values = compute(row.source).values;
  } catch (const coca::Error& error) {
    failures.report(row.name, error);
    return row;
  }
  print(options, row);
  return row;
}

/// The similarity of each text to each picture, for people to read.
void print_similarities(std::span<const Row> pictures, std::span<const Row> texts) {
  for (const Row& picture : pictures) {
    if (picture.values.empty() || texts.empty()) continue;
    print_line("\n" + picture.name + " is");
    for (const Row& text : texts) {
      if (text.values.empty()) continue;
      const float similarity = coca::similarity(picture.values, text.values);
      print_line((similarity < 0 ? " " : "  ") + to_text(similarity, 3) + "  near \"" + text.name +
                 "\"");
    }
  }
}

/// All rows, pictures first; rows that failed are NaN, so that the others keep their row numbers.
void write(const std::string& path, std::span<const Row> rows, std::size_t width) {
  std::vector<float> values;
  for (const Row& row : rows)
    for (std::size_t i = 0; i < width; ++i)
      values.push_back(row.values.empty() ? std::numeric_limits<float>::quiet_NaN()
                                          : row.values[i]);
  coca::write_npy(path, values, coca::Shape{rows.size(), width});
}

bool run(const CLI::App& app, Options options) {
  if (!options.texts_file.empty())
    for (std::string& line : read_lines(options.texts_file))
      options.texts.push_back(std::move(line));
  const std::size_t all = options.pictures.size() + options.texts.size();
  if (all == 0) throw UsageError("give pictures, --text or --texts-file");
  if (!options.npy.empty()) expect_writable(options.npy);
  const auto model = open_model(options.model);
  ProgressBar progress("rows");
  Failures failures(app.get_name());
  std::vector<Row> rows;
  for (const std::string& path : options.pictures) {
    rows.push_back(embed(options, {{{"image", path}}, path}, failures, [&](JsonLine&) {
      const coca::Pixels pixels = model->read_pixels(path);
      return model->embed_images({&pixels, 1});
    }));
    progress.show(rows.size(), all);
  }
  for (const std::string& text : options.texts) {
    rows.push_back(embed(options, {{{"text", text}}, text}, failures, [&](JsonLine& source) {
      if (options.json) source["tokens"] = model->encode(text);
      return model->embed_texts({&text, 1});
    }));
    progress.show(rows.size(), all);
  }
  if (!options.json)
    print_similarities(std::span(rows).first(options.pictures.size()),
                       std::span(rows).subspan(options.pictures.size()));
  if (!options.npy.empty()) write(options.npy, rows, model->info().embed_dim);
  return failures.none();
}

}  // namespace

int main(int argc, char* argv[]) {
  Options options;
  CLI::App app("Embeds pictures and texts; the dot product of two embeddings is their similarity.",
               "embed");
  app.footer(
      "Example: embed photo.jpg --text \"a cat\" --text \"a dog\"\n"
      "         embed --json --npy embeddings.npy *.jpg --texts-file lines.txt");
  app.add_option("pictures", options.pictures, "JPEG, PNG or WebP files")
      ->check(some_name())
      ->type_name("PICTURE");
  app.add_option("--text", options.texts, "a text to embed; may be repeated")
      ->check(utf8_text())
      ->type_name("TEXT")
      ->allow_extra_args(false);
  app.add_option("--texts-file", options.texts_file, "UTF-8 file with one text per line")
      ->check(some_name())
      ->type_name("FILE");
  app.add_option(
         "--npy", options.npy,
         "write float32 [rows, width] for NumPy: pictures, then texts; rows that failed are NaN")
      ->check(some_name())
      ->type_name("FILE");
  app.add_flag("--json", options.json, "print one JSON object per row, with the whole embedding");
  add_model_options(app, options.model);
  return run_program(app, argc, argv, [&] { return run(app, options); });
}
