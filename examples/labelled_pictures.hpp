#pragma once
/// @file
/// Pictures with classes, and what a model computes of them, for the subcommands of `evaluate` that
/// measure classifiers.

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "coca/data/dataset.hpp"
#include "coca/evaluation/classification.hpp"
#include "coca/pipelines/embedding_cache.hpp"
#include "coca/training/training_data.hpp"
#include "command_line.hpp"

namespace coca_examples {

/// Adds how labelled pictures are read: --label-key, --image-key and the like.
void add_labelled_data_options(CLI::App& app, coca::TrainingData& data);

/// Opens labelled pictures.
/// @param classes names by label
/// @param split   of files that have splits, where the options name none
coca::AnyDataset open_labelled(const std::vector<std::string>& paths, coca::TrainingData data,
                               const std::vector<std::string>& classes, const std::string& split);

/// The names of the classes of labelled pictures.
std::vector<std::string> classes_of(const std::vector<std::string>& paths,
                                    const coca::TrainingData& data);

/// What is computed of some pictures: a vector for each.
using PictureFunction = std::function<coca::Embeddings(std::span<const coca::Pixels>)>;

/// Computes the vectors of all pictures, in order; shows a progress bar.
/// @throws UsageError for a model that reads pictures as OpenCLIP does
coca::PictureEmbeddings compute_all(const coca::AnyDataset& data, const Model& model,
                                    const PictureFunction& compute);

/// The classes of pictures that were read. @throws coca::FileError for one without
std::vector<std::size_t> labels_of(const coca::AnyDataset& data,
                                   std::span<const std::size_t> pictures);

/// Reports each broken picture.
void report_broken(const coca::PictureEmbeddings& computed, Failures& failures);

/// Logits of pictures with their classes.
struct ClassifiedPictures {
  coca::AnyDataset data;
  std::vector<std::size_t> pictures{};  ///< their numbers in the data
  std::vector<float> logits{};          ///< [pictures, classes]
  std::vector<std::size_t> labels{};    ///< [pictures]
};

/// {"top_1": 0.9, "top_5": ..., "mean_per_class": ..., "classes": [{"class", "precision", ...}]}
JsonLine to_json(const coca::ClassificationScores& scores, std::span<const std::string> names);

/// "top-1 91.0 %, top-5 99.8 %, mean per class 90.9 %"
std::string to_text(const coca::ClassificationScores& scores);

/// Lines of an aligned table of the classes, the least recalled first.
/// @param most lines at most
std::vector<std::string> class_table(const coca::ClassificationScores& scores,
                                     std::span<const std::string> names, std::size_t most);

/// Where a report goes, who writes it, and how the pictures of mistakes are read.
struct ReportPlace {
  std::string folder;
  std::string program;  ///< for notes
  coca::ReadOptions reading{};
};

/// Makes the folder of a report, if there is to be one, before the work.
/// @throws coca::FileError if it cannot be made or written to
void prepare_report(const std::string& folder);

/// Writes classes.csv; confusion.csv and confusion.png, unless there are too many classes
/// (coca::most_confused_classes), which a note says; and, if there are mistakes, mistakes.png: the
/// most confident ones.
void write_classification_report(const ReportPlace& place, const ClassifiedPictures& classified,
                                 const coca::ClassificationScores& scores,
                                 std::span<const std::string> names);

}  // namespace coca_examples
