#pragma once
/// @file
/// Videos to classify, from any of the layouts that exist; the content says which: folders of
/// classes, Kinetics' CSV, Moments in Time's files, and lines `path label`.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "coca/core/counted.hpp"
#include "coca/core/error.hpp"
#include "coca/data/class_names.hpp"
#include "coca/data/video_lists.hpp"
#include "coca/video/video_dataset.hpp"
#include "coca/video/video_folders.hpp"

namespace coca {

/// Where videos are listed, and where their files are.
struct VideoSource {
  std::string data{};    ///< a folder with one folder per class, or a list
  std::string folder{};  ///< of a list's files; empty: the list's own
  /// Names of the classes of a list that has only their numbers (read_class_names); empty: the
  /// numbers; of Moments in Time moments_categories.txt, by default that next to the list.
  std::string class_names{};
};

/// Videos with classes.
struct LabelledVideos {
  std::vector<std::string> classes{};  ///< names by number
  std::vector<ClassedVideo> videos{};
};

namespace detail {

/// Reads the lists of one source.
class VideoListReader {
 public:
  /// @param classes that the videos are of; empty: those of the list
  VideoListReader(const VideoSource& source, std::vector<std::string> classes)
      : source_(source), given_(!classes.empty()) {
    result_.classes = std::move(classes);
  }

  LabelledVideos read() {
    std::error_code ignored;
    if (std::filesystem::is_directory(source_.data, ignored))
      read_folders();
    else
      read_list(small_text(source_.data));
    if (result_.videos.empty()) throw FileError(source_.data, "lists no videos");
    return std::move(result_);
  }

 private:
  void read_list(const std::string& text) {
    if (begins_as_json(text))
      throw FileError(source_.data,
                      "holds JSON, expected a list of videos with classes: Kinetics' CSV, Moments "
                      "in Time's, or lines of a path and a number");
    const std::string_view first = std::string_view(text).substr(0, text.find('\n'));
    if (first.find("youtube_id") != std::string_view::npos)
      read_kinetics_list(text);
    else if (std::filesystem::path(source_.data).extension() == ".csv")
      read_moments_list(text);
    else
      read_numbered_list(text);
  }

  void read_folders() {
    const VideoFolders folders = list_video_folders(source_.data);
    std::vector<std::string> names = folders.classes;
    for (std::string& name : names) std::replace(name.begin(), name.end(), '_', ' ');
    set_classes(names);
    for (const ListedVideo& video : folders.videos)
      add(std::filesystem::path(source_.data) / video.file, number_of(names[video.label]));
  }

  void read_kinetics_list(const std::string& text) {
    const std::vector<KineticsClip> clips = read_kinetics(text, source_.data);
    if (!clips.empty() && clips.front().label.empty())
      throw FileError(source_.data,
                      "has no column \"label\": a list for tests, whose classes are not known");
    set_classes(kinetics_classes(clips));
    for (const KineticsClip& clip : clips) {
      const std::vector<std::string> files = kinetics_files(clip);
      const std::string found = find_video(folder(), files);
      // One that is missing is reported by the name that it should have.
      add(found.empty() ? std::filesystem::path(folder()) / files.front()
                        : std::filesystem::path(found),
          number_of(clip.label));
    }
  }

  void read_moments_list(const std::string& text) {
    const std::string path =
        !source_.class_names.empty()
            ? source_.class_names
            : (std::filesystem::path(source_.data).parent_path() / "moments_categories.txt")
                  .string();
    const std::vector<std::string> names = read_moments_categories(small_text(path), path);
    set_classes(names);
    for (const ListedVideo& video : read_moments(text, source_.data, names))
      add(std::filesystem::path(folder()) / video.file, number_of(names[video.label]));
  }

  void read_numbered_list(const std::string& text) {
    const std::vector<ListedVideo> videos = read_video_list(text, source_.data);
    std::size_t count = 0;
    for (const ListedVideo& video : videos) count = std::max(count, video.label + 1);
    if (!source_.class_names.empty())
      set_classes(read_class_names(source_.class_names, "").names);
    else if (!given_)
      for (std::size_t i = 0; i < count; ++i) result_.classes.push_back(std::to_string(i));
    for (const ListedVideo& video : videos) {
      if (video.label >= result_.classes.size())
        throw FileError(source_.data, printable(video.file, 60) + " is of class " +
                                          std::to_string(video.label) + ", but there are " +
                                          counted(result_.classes.size(), "class", "classes"));
      add(std::filesystem::path(folder()) / video.file, video.label);
    }
  }

  std::string folder() const {
    if (!source_.folder.empty()) return source_.folder;
    return std::filesystem::path(source_.data).parent_path().string();
  }

  /// The list's own classes, unless they are given.
  void set_classes(const std::vector<std::string>& names) {
    if (!given_) result_.classes = names;
    for (std::size_t i = 0; i < result_.classes.size(); ++i)
      numbers_.emplace(with_underscores(result_.classes[i]), i);
  }

  /// @throws FileError for a class that is not among those given
  std::size_t number_of(const std::string& name) const {
    const auto found = numbers_.find(with_underscores(name));
    if (found != numbers_.end()) return found->second;
    throw FileError(source_.data,
                    "has videos of \"" + printable(name, 40) + "\", which is none of the " +
                        counted(result_.classes.size(), "class", "classes") + " that are known");
  }

  void add(const std::filesystem::path& path, std::size_t label) {
    result_.videos.push_back({path.string(), static_cast<std::int32_t>(label)});
  }

  const VideoSource& source_;
  bool given_;
  LabelledVideos result_;
  std::map<std::string, std::size_t> numbers_;
};

}  // namespace detail

/// Reads a list of videos.
/// @param classes names by number, such as those of a trained model; empty: those of the list.
/// Names
///        are the same whether they have spaces or underscores
/// @throws FileError for what cannot be read, a class that is not among `classes`, and no videos
inline LabelledVideos read_labelled_videos(const VideoSource& source,
                                           std::vector<std::string> classes = {}) {
  return detail::VideoListReader(source, std::move(classes)).read();
}

}  // namespace coca
