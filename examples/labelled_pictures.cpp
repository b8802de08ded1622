#include "labelled_pictures.hpp"

#include <algorithm>
#include <filesystem>
#include <numeric>
#include <system_error>

#include "coca/data/loader.hpp"
#include "coca/evaluation/classification_report.hpp"
#include "coca/image/read_image.hpp"
#include "coca/image/write_png.hpp"
#include "coca/io/atomic_file.hpp"
#include "progress_bar.hpp"

namespace coca_examples {

namespace fs = std::filesystem;

void add_labelled_data_options(CLI::App& app, coca::TrainingData& data) {
  const auto add = [&](const char* name, std::string& value, const char* type,
                       const char* description) {
    app.add_option(name, value, description)->check(some_name())->type_name(type)->group("Data");
  };
  add("--label-key", data.label_key, "KEY",
      "column or JSON key of a picture's class (default: class folders use the folder's name, "
      "shards the number in .cls, IDX files the number in their labels)");
  add("--image-key", data.image_key, "KEY",
      "column or JSON key of the picture's path (default: filepath, image, file_name, ...)");
  add("--image-folder", data.image_folder, "FOLDER",
      "base folder of relative paths (default: the list's folder)");
  add("--separator", data.separator, "CHARACTER",
      "separator of a table's fields, such as ; or |, or tab (default: found in its first line)");
}

namespace {

coca::AnyDataset open_pictures(const std::vector<std::string>& paths, coca::TrainingData data,
                               const std::string& split) {
  if (!data.label_key.empty()) data.field_keys = {data.label_key};
  if (!split.empty() && data.split.empty()) data.split = {split};
  data.folders = coca::FolderReading::classes;
  coca::DataOptions reading = coca::data_options(data);
  reading.captions.captions_required = false;
  return coca::open_datasets(paths, reading);
}

}  // namespace

coca::AnyDataset open_labelled(const std::vector<std::string>& paths, coca::TrainingData data,
                               const std::vector<std::string>& classes, const std::string& split) {
  return coca::LabelledDataset(open_pictures(paths, data, split), data.label_key, classes);
}

std::vector<std::string> classes_of(const std::vector<std::string>& paths,
                                    const coca::TrainingData& data) {
  return coca::class_names(open_pictures(paths, data, "train"), data.label_key);
}

namespace {

coca::LoaderOptions loading_of(const Model& model) {
  const ModelInfo& info = model.info();
  if (info.open_clip_preprocessing)
    throw UsageError(
        "--open-clip-preprocessing reads one picture at a time; it is not available "
        "for the pictures of a data set");
  coca::LoaderOptions loading;
  loading.order = {.batch_size = 16, .shuffle = false, .drop_last = false};
  loading.replace_broken = false;
  loading.sample.preprocess = info.preprocessing;
  loading.sample.max_pixels = info.reading.max_pixels;
  loading.sample.truncated = info.reading.truncated;
  loading.sample.damaged = info.reading.damaged;
  return loading;
}

/// The pictures of a batch, one by one.
std::vector<coca::Pixels> pixels_of(const coca::PixelBatch& batch) {
  std::vector<coca::Pixels> all;
  const std::size_t size = batch.channels * batch.height * batch.width;
  for (std::size_t i = 0; i < batch.batch; ++i) {
    const auto first = batch.values.begin() + static_cast<std::ptrdiff_t>(i * size);
    all.push_back({batch.channels,
                   batch.height,
                   batch.width,
                   {first, first + static_cast<std::ptrdiff_t>(size)}});
  }
  return all;
}

}  // namespace

coca::PictureEmbeddings compute_all(const coca::AnyDataset& data, const Model& model,
                                    const PictureFunction& compute) {
  coca::Loader loader(data, loading_of(model));
  coca::PictureEmbeddings all;
  ProgressBar progress("pictures");
  std::size_t done = 0;
  for (std::size_t i = 0; i < loader.batches_per_epoch(); ++i) {
    const coca::Batch batch = loader.next();
    done += batch.size() + batch.skipped.size();
    for (const coca::SkippedPicture& picture : batch.skipped)
      all.broken[picture.index] = picture.name + ": " + picture.reason;
    if (batch.size() != 0) {
      const coca::Embeddings some = compute(pixels_of(batch.pixels));
      all.embeddings.values.insert(all.embeddings.values.end(), some.values.begin(),
                                   some.values.end());
      all.embeddings.width = some.width;
      all.embeddings.count += some.count;
      all.read.insert(all.read.end(), batch.indices.begin(), batch.indices.end());
    }
    progress.show(done, data.size());
  }
  if (all.read.empty())
    throw coca::Error("none of the pictures can be read" +
                      (all.broken.empty() ? "" : "; the first: " + all.broken.begin()->second));
  return all;
}

std::vector<std::size_t> labels_of(const coca::AnyDataset& data,
                                   std::span<const std::size_t> pictures) {
  std::vector<std::size_t> labels;
  for (const std::size_t picture : pictures) {
    const coca::Record record = data.record(picture);
    if (!record.label || *record.label < 0)
      throw coca::FileError(record.name, "has no class; --label-key names the column that has it");
    labels.push_back(static_cast<std::size_t>(*record.label));
  }
  return labels;
}

void report_broken(const coca::PictureEmbeddings& computed, Failures& failures) {
  for (const auto& [number, reason] : computed.broken) failures.report(reason);
}

JsonLine to_json(const coca::ClassificationScores& scores, std::span<const std::string> names) {
  JsonLine json{{"top_1", scores.top_1}};
  if (scores.top_5) json["top_5"] = *scores.top_5;
  json["mean_per_class"] = scores.mean_per_class;
  json["classes"] = JsonLine::array();
  for (std::size_t c = 0; c < names.size(); ++c) {
    const coca::ClassScores& own = scores.classes[c];
    json["classes"].push_back({{"class", names[c]},
                               {"precision", own.precision},
                               {"recall", own.recall},
                               {"f1", own.f1},
                               {"count", own.count}});
  }
  return json;
}

std::string to_text(const coca::ClassificationScores& scores) {
  const auto percent = [](double share) { return to_text(100 * share, 2) + " %"; };
  return "top-1 " + percent(scores.top_1) +
         (scores.top_5 ? ", top-5 " + percent(*scores.top_5) : "") + ", mean per class " +
         percent(scores.mean_per_class);
}

std::vector<std::string> class_table(const coca::ClassificationScores& scores,
                                     std::span<const std::string> names, std::size_t most) {
  std::vector<std::size_t> order(names.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return scores.classes[a].recall < scores.classes[b].recall;
  });
  order.resize(std::min(order.size(), most));
  const auto right = [](const std::string& text, std::size_t width) {
    return std::string(width - std::min(width, text.size()), ' ') + text;
  };
  std::vector<std::string> lines{"precision  recall      F1  pictures  class"};
  for (const std::size_t c : order) {
    const coca::ClassScores& own = scores.classes[c];
    lines.push_back(right(to_text(100 * own.precision, 1), 9) +
                    right(to_text(100 * own.recall, 1), 8) + right(to_text(100 * own.f1, 1), 8) +
                    right(std::to_string(own.count), 10) + "  " + names[c]);
  }
  return lines;
}

namespace {

/// The most confident mistakes, each with what it was taken for.
/// @param reading how their files were read when they were classified
void write_mistakes(const std::string& path, const ClassifiedPictures& classified,
                    std::span<const std::string> names, const coca::ReadOptions& reading) {
  constexpr std::size_t most = 24;
  std::vector<coca::Image> pictures;
  std::vector<std::string> texts;
  for (const coca::Mistake& mistake :
       coca::classification_mistakes(classified.logits, classified.labels, names.size())) {
    if (pictures.size() == most) break;
    const std::size_t picture = classified.pictures[mistake.picture];
    pictures.push_back(coca::read_image(classified.data.read(picture),
                                        classified.data.record(picture).name, reading));
    texts.push_back(coca::mistake_text(mistake, names));
  }
  if (pictures.empty()) return;
  coca::write_png(path, coca::contact_sheet(pictures, texts, {.columns = 6, .cell_size = 160}));
}

}  // namespace

void prepare_report(const std::string& folder) {
  if (folder.empty()) return;
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) throw coca::FileError(folder, "cannot be created: " + error.message());
  expect_writable((fs::path(folder) / "classes.csv").string());
}

void write_classification_report(const ReportPlace& place, const ClassifiedPictures& classified,
                                 const coca::ClassificationScores& scores,
                                 std::span<const std::string> names) {
  const auto path = [&](const char* name) { return (fs::path(place.folder) / name).string(); };
  coca::write_file_atomically(path("classes.csv"),
                              std::string_view(coca::classes_csv(scores, names)));
  if (names.size() > coca::most_confused_classes) {
    print_note(place.program, "no confusion.csv and confusion.png of " +
                                  std::to_string(names.size()) + " classes, only of up to " +
                                  std::to_string(coca::most_confused_classes));
  } else {
    coca::write_file_atomically(path("confusion.csv"),
                                std::string_view(coca::confusion_csv(scores.confusion, names)));
    coca::write_png(path("confusion.png"), coca::confusion_picture(scores, names));
  }
  write_mistakes(path("mistakes.png"), classified, names, place.reading);
}

}  // namespace coca_examples
