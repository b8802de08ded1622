// Writes frames of a video to standard output as packed RGB, for comparison with other decoders
// (see compare.sh).
//   video_frames count FILE       the number of frames, as text
//   video_frames all FILE         every frame, read through from the first to the last
//   video_frames seek FILE N...   these frames, each by a reader that was just opened

#include <charconv>
#include <coca/video/read_video.hpp>
#include <cstddef>
#include <exception>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

namespace {

void write(const coca::Image& image) {
  std::cout.write(reinterpret_cast<const char*>(image.data()),
                  static_cast<std::streamsize>(image.width() * image.height() * 3));
}

std::size_t number_of(std::string_view text) {
  std::size_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || stop != end)
    throw coca::ArgumentError("\"" + std::string(text) + "\" is not the number of a frame");
  return number;
}

void run(const std::string& command, const std::string& path,
         const std::vector<std::string>& numbers) {
  if (command == "count") {
    std::cout << coca::Video(path).frame_count() << '\n';
  } else if (command == "all") {
    coca::Video(path).for_each_frame([](std::size_t, const coca::Image& image) { write(image); });
  } else if (command == "seek") {
    for (const std::string& number : numbers)
      write(coca::Video(path).read(std::vector<std::size_t>{number_of(number)}).front());
  } else {
    throw coca::ArgumentError("\"" + command + "\" is not a command, expected count, all or seek");
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::cerr << "usage: video_frames count|all|seek FILE [N...]\n";
    return 2;
  }
  try {
    run(argv[1], argv[2], {argv + 3, argv + argc});
  } catch (const std::exception& error) {
    std::cerr << "video_frames: " << error.what() << '\n';
    return 1;
  }
  if (std::cout.flush()) return 0;
  std::cerr << "video_frames: standard output cannot be written\n";
  return 1;
}
