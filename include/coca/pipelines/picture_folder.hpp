#pragma once
/// @file
/// The pictures of a folder and its subfolders, under the names that the user sees there, and a
/// count of the files left out.

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

#include "coca/core/error.hpp"
#include "coca/image/read_image.hpp"

namespace coca {

/// What tells that a file has changed.
struct FileState {
  std::uint64_t size = 0;     ///< bytes
  std::int64_t modified = 0;  ///< ticks of the file system's clock
  friend bool operator==(const FileState&, const FileState&) = default;
};

/// The content of a folder.
struct PictureFolder {
  /// By names relative to the folder, byte for byte as they are there: of a symbolic link its own
  /// name, not that of its target, whose state it has.
  std::map<std::string, FileState> pictures{};
  /// How many files and folders were left out, by the reason: "linked folders", "GIF pictures".
  std::map<std::string, std::size_t> left_out{};
};

namespace detail {

/// Folders of other programs: previews of pictures stored elsewhere, and deleted files.
inline bool is_foreign_folder(std::string_view name) {
  constexpr std::array<std::string_view, 10> foreign{
      "@eaDir",    "@__thumb",     "@Recycle",   "@Recently-Snapshot",        "#recycle",
      "#snapshot", "$RECYCLE.BIN", "lost+found", "System Volume Information", "__MACOSX"};
  return std::find(foreign.begin(), foreign.end(), name) != foreign.end();
}

/// A name that says JPEG, PNG or WebP; whether that is true shows when it is read.
inline bool has_picture_ending(const std::filesystem::path& path) {
  std::string ending = path.extension().string();
  for (char& letter : ending)
    letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  constexpr std::array<std::string_view, 4> known{".jpg", ".jpeg", ".png", ".webp"};
  return std::find(known.begin(), known.end(), ending) != known.end();
}

/// The name of a picture format that read_image() does not read, by a file's first bytes.
inline std::optional<std::string> other_picture_format(std::string_view head) {
  const std::string_view brand = head.size() < 12 ? "" : head.substr(4, 8);
  if (head.starts_with("GIF8")) return "GIF";
  if (head.starts_with("BM")) return "BMP";
  if (head.starts_with(std::string_view("II*\0", 4)) ||
      head.starts_with(std::string_view("MM\0*", 4)))
    return "TIFF or raw";
  if (brand == "ftypavif" || brand == "ftypavis") return "AVIF";
  for (const char* heif : {"ftypheic", "ftypheix", "ftyphevc", "ftypmif1", "ftypmsf1"})
    if (brand == heif) return "HEIF";
  if (brand.starts_with("JXL ") || head.starts_with("\xFF\x0A")) return "JPEG XL";
  if (brand.starts_with("jP  ")) return "JPEG 2000";
  if (head.starts_with("8BPS")) return "Photoshop";
  return std::nullopt;
}

/// The first bytes of a file; nothing if it cannot be opened.
/// @throws FileError if the process has too many files open: that says nothing about the file
inline std::optional<std::string> file_head(const std::filesystem::path& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"),
                                                             &std::fclose);
  if (!file && (errno == EMFILE || errno == ENFILE))
    throw FileError(path.string(), std::generic_category().message(errno));
  if (!file) return std::nullopt;
  std::array<char, 64> head{};
  return std::string(head.data(), std::fread(head.data(), 1, head.size(), file.get()));
}

/// Why a file whose name does not say JPEG, PNG or WebP is left out; nothing for a picture.
inline std::optional<std::string> reason_against(const std::filesystem::path& path) {
  const std::optional<std::string> head = file_head(path);
  if (!head) return "files that cannot be opened";
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(head->data());
  if (is_image({bytes, head->size()})) return std::nullopt;
  const auto format = other_picture_format(*head);
  return format ? *format + " pictures" : "files that are no pictures";
}

/// One walk through a folder.
class PictureFolderWalk {
 public:
  using Known = std::function<bool(const std::string& name, const FileState& state)>;

  PictureFolderWalk(const std::string& folder, const Known& is_known)
      : folder_(folder), is_known_(is_known) {}

  PictureFolder run() {
    std::error_code error;
    if (!std::filesystem::is_directory(folder_, error))
      throw FileError(folder_.string(), "is not a folder");
    Iterator entry(folder_, std::filesystem::directory_options::skip_permission_denied, error);
    if (error) throw FileError(folder_.string(), error.message());
    for (; entry != Iterator(); entry.increment(error)) visit(entry);
    // If a step fails the walk ends, and pictures after it would seem to be gone.
    if (error) throw FileError(folder_.string(), error.message());
    return std::move(found_);
  }

 private:
  using Iterator = std::filesystem::recursive_directory_iterator;

  void leave_out(Iterator& entry, const std::string& reason) {
    entry.disable_recursion_pending();
    ++found_.left_out[reason];
  }

  void visit(Iterator& entry) {
    const std::string name = entry->path().filename().string();
    std::error_code error;
    if (name.starts_with(".coca_index")) return;
    if (name.starts_with('.')) return leave_out(entry, "hidden files or folders");
    if (entry->is_directory(error)) return visit_folder(entry, name);
    if (entry->is_symlink(error) && !entry->exists(error))
      return leave_out(entry, "links that lead nowhere");
    if (!entry->is_regular_file(error)) return leave_out(entry, "files that are no pictures");
    const auto size = entry->file_size(error);
    if (error) return;  // it was removed meanwhile
    const auto modified = entry->last_write_time(error);
    if (error) return;
    const FileState state{size, static_cast<std::int64_t>(modified.time_since_epoch().count())};
    const std::string path = entry->path().lexically_relative(folder_).generic_string();
    if (!has_picture_ending(name) && !is_known_(path, state))
      if (const auto reason = reason_against(entry->path())) return leave_out(entry, *reason);
    found_.pictures[path] = state;
  }

  void visit_folder(Iterator& entry, const std::string& name) {
    std::error_code error;
    if (is_foreign_folder(name)) return leave_out(entry, "folders of previews or deleted files");
    if (entry->is_symlink(error)) return leave_out(entry, "linked folders");
    if (::access(entry->path().c_str(), R_OK | X_OK) != 0 && errno == EACCES)
      leave_out(entry, "folders that cannot be opened");
  }

  std::filesystem::path folder_;
  const Known& is_known_;
  PictureFolder found_;
};

}  // namespace detail

/// Finds the pictures of a folder: JPEG, PNG and WebP files, recognised by name, or else by their
/// first bytes. Hidden files and folders, linked folders (which may lead in circles), and folders
/// where other programs keep previews (`@eaDir` and the like) are left out, and counted.
/// @param is_known whether a file without a picture's extension is known to be a picture, and need
///                 not be opened again
/// @throws FileError if the folder cannot be read
inline PictureFolder read_picture_folder(
    const std::string& folder,
    const std::function<bool(const std::string& name, const FileState& state)>& is_known = {}) {
  const detail::PictureFolderWalk::Known nothing = [](const auto&, const auto&) { return false; };
  return detail::PictureFolderWalk(folder, is_known ? is_known : nothing).run();
}

}  // namespace coca
