#include "encoding_options.hpp"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "coca/core/error.hpp"
#include "command_line.hpp"

namespace coca_examples {

void add_encoding_options(CLI::App& app, EncodingOptions& options) {
  app.add_option("--batch", options.batch, "pictures encoded together")
      ->check(whole_number(1, 1024))
      ->type_name("N")
      ->capture_default_str();
  app.add_option("--cache", options.cache,
                 "folder of embeddings, which later runs with the same model and data read")
      ->check(some_name())
      ->type_name("FOLDER");
}

void make_cache_folder(const EncodingOptions& options) {
  if (options.cache.empty()) return;
  std::error_code error;
  std::filesystem::create_directories(options.cache, error);
  if (error) throw coca::FileError(options.cache, "cannot be made: " + error.message());
}

std::string cache_file(const EncodingOptions& options, std::string name) {
  if (options.cache.empty()) return "";
  std::replace(name.begin(), name.end(), '/', '_');
  return (std::filesystem::path(options.cache) / (name + ".safetensors")).string();
}

}  // namespace coca_examples
