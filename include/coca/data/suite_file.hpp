#pragma once
/// @file
/// A suite of zero-shot evaluations: a JSON list of data sets with their options, such as those of
/// the CoCa paper's Table 4:
///
/// @code{.json}
/// [{"name": "imagenet1k", "data": "imagenet/val", "names": "imagenet1k.csv", "templates":
/// "imagenet"},
///  {"name": "imagenet-a", "data": "imagenet-a", "names": "imagenet1k.csv", "classes":
///  "imagenet_a.txt"},
///  {"name": "imagenetv2", "data": "imagenetv2", "names": "imagenet1k.csv", "labels": "number"},
///  {"name": "objectnet", "data": "objectnet/images", "labels": "objectnet.csv", "crop_border": 2}]
/// @endcode

#include <array>
#include <cstddef>
#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/data/annotation_json.hpp"
#include "coca/data/labelled_pictures.hpp"
#include "coca/text/prompt_template.hpp"

namespace coca {

/// A data set of a suite.
struct SuiteEntry {
  LabelledSource source{};
  std::vector<std::string>
      templates{};              ///< texts, files and names of templates; empty: the default
  std::size_t crop_border = 0;  ///< pixels cut off at each edge
};

namespace detail {

/// Reads one row of a suite.
class SuiteRow {
 public:
  /// @param folder where relative paths begin
  SuiteRow(const AnnotationRow& row, std::filesystem::path folder)
      : row_(row), folder_(std::move(folder)) {}

  /// @throws FileError for a key that is unknown or missing, and values of another kind
  SuiteEntry read() const {
    row_.expect_keys(keys);
    SuiteEntry entry;
    LabelledSource& source = entry.source;
    source.name = row_.text("name");
    if (source.name.empty()) row_.fail("\"name\" is empty");
    source.data = path("data", row_.text("data"));
    if (row_.has("names")) source.names = path("names", row_.text("names"));
    if (row_.has("classes")) source.classes = path("classes", row_.text("classes"));
    if (row_.has("labels")) source.labels = labels(row_.text("labels"));
    if (row_.has("image_key")) source.table.image_key = row_.text("image_key");
    if (row_.has("label_key")) source.table.caption_key = row_.text("label_key");
    if (row_.has("image_folder"))
      source.table.image_folder = path("image_folder", row_.text("image_folder"));
    if (row_.has("templates")) entry.templates = templates();
    if (row_.has("crop_border")) entry.crop_border = border();
    return entry;
  }

 private:
  static constexpr std::array<std::string_view, 10> keys{
      "name",    "data",      "names",        "templates", "labels",
      "classes", "image_key", "image_folder", "label_key", "crop_border"};

  std::string path(const char* key, const std::string& text) const {
    if (text.empty()) row_.fail(std::string("\"") + key + "\" is empty");
    return (folder_ / text).string();
  }

  std::string labels(const std::string& text) const {
    return text == "folder" || text == "number" ? text : path("labels", text);
  }

  /// One text, or a list of texts.
  std::vector<std::string> templates() const {
    const Json& value = row_.at("templates");
    std::vector<std::string> texts;
    if (value.is_array())
      for (const Json& text : value) texts.push_back(row_.text_of(text, "templates"));
    else
      texts.push_back(row_.text_of(value, "templates"));
    if (texts.empty()) row_.fail("\"templates\" is empty");
    for (std::string& text : texts)
      if (text != "imagenet" && text != "simple" && !is_prompt_template(text))
        text = path("templates", text);
    return texts;
  }

  std::size_t border() const {
    const Json& value = row_.at("crop_border");
    if (!value.is_number_unsigned() || value.get<std::size_t>() > 1'000'000)
      row_.fail("\"crop_border\" is not a number of pixels");
    return value.get<std::size_t>();
  }

  const AnnotationRow& row_;
  std::filesystem::path folder_;
};

}  // namespace detail

/// Reads a suite. Relative paths begin in the folder of the file.
/// @throws FileError for anything else, an unknown key, and a name that occurs twice
inline std::vector<SuiteEntry> parse_suite(const AnnotationText& file) {
  const std::filesystem::path folder = std::filesystem::path(file.path()).parent_path();
  std::vector<SuiteEntry> entries;
  std::set<std::string> names;
  file.each("data sets of a suite", [&](const AnnotationRow& row) {
    SuiteEntry entry = detail::SuiteRow(row, folder).read();
    if (!names.insert(entry.source.name).second)
      row.fail("an earlier data set has the same name \"" +
               detail::printable(entry.source.name, 40) + '"');
    entries.push_back(std::move(entry));
  });
  if (entries.empty()) throw FileError(file.path(), "lists no data sets");
  return entries;
}

}  // namespace coca
