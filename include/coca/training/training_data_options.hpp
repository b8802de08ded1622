#pragma once
/// @file
/// Options of a training run on its data: where pictures, captions and labels come from, and how
/// they are read.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "coca/data/augmentation.hpp"
#include "coca/data/folder_reading.hpp"
#include "coca/image/preprocess.hpp"
#include "coca/training/option_info.hpp"

namespace coca {

/// Where pictures and captions come from, and how they are shown.
struct TrainingData {
  std::vector<std::string> training{};    ///< caption files, shards or folders
  std::vector<std::string> validation{};  ///< the same, never trained on
  std::string image_key{};                ///< of caption files; empty: what is there
  std::string caption_key{};
  std::string label_key{};    ///< field that names the class of a picture
  std::string class_names{};  ///< file of the classes' names, of lists of videos with numbers
  std::vector<std::string> field_keys{};  ///< of caption files, see CaptionFileOptions
  std::string separator{};  ///< of tables: a character, or "tab"; empty: what their header shows
  std::vector<std::string> split{};             ///< of Karpathy's files; empty: train and restval
  std::vector<std::string> validation_split{};  ///< the same to validate on; empty: val
  FolderReading folders = FolderReading::automatic;  ///< what folders of pictures mean
  std::string image_folder{};  ///< start of their relative paths; empty: the file's folder
  std::vector<std::string> templates{"a photo of a {}."};  ///< captions of class folders
  std::vector<std::string> annotations{};  ///< answers of people to the questions of `training`
  std::vector<std::string> validation_annotations{};  ///< the same of `validation`
  std::string picture_pattern{};  ///< names of pictures by their ids; empty: COCO's
  std::string answers{};          ///< file of the answers to choose from; empty: frequent ones
  std::size_t answer_count = 9;   ///< questions that an answer must have without such a file
  std::string group_key{};        ///< pictures with equal values of it form a group
  std::size_t group_size = 16;    ///< most pictures of a group shown one after the other
  std::string flip_key{};         ///< pictures for which it is false are never mirrored
  std::string color_key{};        ///< for each picture, the strength of its colour changes
  double first_caption = 0;       ///< probability of the first of several captions, else any
  ResizeMode resize_mode = ResizeMode::shortest;
  std::uint64_t fill_color = 0;  ///< 0 to 255, around pictures of resize_mode longest
  bool augment = true;           ///< false: pictures are prepared as in evaluation
  AugmentationOptions augmentation{};
  bool truncated = false;           ///< the part that is there of truncated pictures is used
  std::size_t shrink_to = 0;        ///< see SampleOptions
  std::size_t cache_megabytes = 0;  ///< memory for caching decoded pictures
  std::size_t loader_threads = 2;   ///< threads that decode in the background
  std::size_t prefetch = 4;         ///< batches kept ready
};

namespace detail {

inline constexpr NamedChoice<ResizeMode> resize_choices[] = {{"shortest", ResizeMode::shortest},
                                                             {"longest", ResizeMode::longest},
                                                             {"squash", ResizeMode::squash}};
inline constexpr NamedChoice<FolderReading> folder_choices[] = {
    {"automatic", FolderReading::automatic},
    {"captions", FolderReading::captions},
    {"classes", FolderReading::classes}};

template <class Data, class Visitor>
void for_each_data_option(Data& data, Visitor&& visit) {
  const char* group = "Data";
  visit({"data",
         "what to train on: caption files (JSON, CSV, TSV), shards (.tar), folders, IDX files; of "
         "task video folders of classes, or lists",
         group},
        data.training);
  visit({"validation", "what to validate on: the same kinds of data", group}, data.validation);
  visit({"image_key", "column or key of the picture in caption files", group}, data.image_key);
  visit({"caption_key", "column or key of the caption in caption files", group}, data.caption_key);
  visit({"label_key", "column or key that names or numbers the class of a picture", group},
        data.label_key);
  visit({"class_names",
         "task video: file of the classes' names by number, for lists of paths and numbers "
         "(default: the numbers), or moments_categories.txt (default: next to the list)",
         group},
        data.class_names);
  visit({"annotations",
         "task vqa: what people answered (VQA's annotations), a file for each file of questions",
         group},
        data.annotations);
  visit({"validation_annotations", "the same of the questions to validate on", group},
        data.validation_annotations);
  visit(
      {"picture_pattern",
       "names of pictures by their ids, such as {}.png (default: COCO's, which the questions name)",
       group},
      data.picture_pattern);
  visit({"answers", "file of the answers to choose from, one per line (default: the frequent ones)",
         group},
        data.answers);
  visit({"answer_count", "how many questions an answer must have to be chosen from", group},
        data.answer_count);
  visit({"group_key",
         "column or key; pictures with the same value are often in one batch, as hard negatives",
         group},
        data.group_key);
  visit({"group_size", "most pictures of a group (see group_key) shown in a row", group},
        data.group_size);
  visit(
      {"flip_key", "column or key; pictures for which it is false or 0 are never mirrored", group},
      data.flip_key);
  visit({"color_key",
         "column or key; a number from 0 to 1 that scales color_jitter and grayscale of a picture",
         group},
        data.color_key);
  visit(
      {"separator",
       "separator of a table's fields: a character such as ; or |, or tab (default: what its first "
       "line shows)",
       group},
      data.separator);
  visit({"split",
         "splits to train on, of a file with splits such as Karpathy's (default: train restval)",
         group},
        data.split);
  visit({"validation_split", "splits to validate on, of a file with splits (default: val)", group},
        data.validation_split);
  visit({"folders",
         "how a folder of pictures is read; automatic: as captions if half of the pictures have a "
         ".txt, .caption or .json next to them, otherwise one class per subfolder",
         group},
        data.folders, folder_choices);
  visit({"image_folder", "base folder of paths in caption files and lists of videos", group},
        data.image_folder);
  visit({"templates", "captions of class folders; {} is the name of the class", group},
        data.templates);
  visit({"first_caption", "probability of using the first of several captions, else any", group},
        data.first_caption);
  visit({"resize_mode", "how pictures that are not square are resized", group}, data.resize_mode,
        resize_choices);
  visit({"fill_color", "gray level, 0 to 255, of the margins with resize_mode longest", group},
        data.fill_color);
  visit({"truncated", "use the part that is there of truncated JPEG and PNG pictures", group},
        data.truncated);
  visit({"shrink_to", "shrink pictures to this size when decoding them; 0: never", group},
        data.shrink_to);
  visit({"cache_megabytes", "memory for caching decoded pictures", group}, data.cache_megabytes);
  visit({"loader_threads", "threads that read pictures ahead", group}, data.loader_threads);
  visit({"prefetch", "batches prepared in advance", group}, data.prefetch);
}

}  // namespace detail

}  // namespace coca
