#pragma once
/// @file
/// How pictures are encoded by `evaluate zero-shot` and `evaluate retrieval`: how many together,
/// and where their embeddings are kept.

#include <CLI/CLI.hpp>
#include <cstddef>
#include <string>

namespace coca_examples {

struct EncodingOptions {
  std::size_t batch = 32;  ///< pictures encoded together
  std::string cache{};     ///< folder of embeddings; empty: none are kept
};

/// Adds --batch and --cache.
void add_encoding_options(CLI::App& app, EncodingOptions& options);

/// Makes the folder of embeddings, if there is to be one. @throws coca::FileError if it cannot be
/// made
void make_cache_folder(const EncodingOptions& options);

/// The file of that name in the folder of embeddings, with "_" for "/"; empty without a folder.
std::string cache_file(const EncodingOptions& options, std::string name);

}  // namespace coca_examples
