#pragma once
/// @file
/// What the command lines of all programs share.

#include <CLI/CLI.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "coca/io/json.hpp"
#include "model.hpp"
#include "progress_bar.hpp"

namespace coca_examples {

/// Adds --model, --weights and everything else that chooses a model.
void add_model_options(CLI::App& app, ModelOptions& options);

/// The command line, last argument first, as CLI11 wants it. It takes the next argument for a value
/// that is empty in "--text=", so such an argument becomes two.
std::vector<std::string> reversed_arguments(const CLI::App& app, int argc, char** argv);

/// Parses the command line, runs `body`, and reports what went wrong in one sentence on standard
/// error.
/// @param body returns whether everything was done
/// @return exit status: 0 success, 1 something failed, 2 invalid command line
int run_program(CLI::App& app, int argc, char** argv, const std::function<bool()>& body);

/// Accepts numbers that a float holds: CLI11 reads "nan", "inf" and 1e300.
CLI::Validator finite_number(float least = std::numeric_limits<float>::lowest(),
                             float most = std::numeric_limits<float>::max());

/// Accepts whole numbers in digits: CLI11 turns -1 into 18446744073709551615, cuts what is too
/// long, and reads 010 as 8.
CLI::Validator whole_number(std::uint64_t least = 0,
                            std::uint64_t most = std::numeric_limits<std::uint64_t>::max());

/// An upper bound for numbers of words, labels and tokens.
inline constexpr std::uint64_t many = 1'000'000;

/// Accepts UTF-8.
CLI::Validator utf8_text();

/// Accepts anything that is not empty: `--weights "$FILE"` with FILE unset is not the default.
CLI::Validator some_name();

/// Reports before the work what would otherwise fail after it. Pipes are not tried: their readers
/// would notice. @throws coca::FileError if a file cannot be written
void expect_writable(const std::string& path);

/// Prints a line, unbuffered. @throws coca::FileError if standard output cannot be written
void print_line(const std::string& line);

/// JSON whose keys stay in the order of insertion.
using JsonLine = nlohmann::ordered_json;

/// A JSON object as one line; names that are not UTF-8 as coca::to_json_text() writes them.
std::string to_line(const JsonLine& json);

/// Prints a note on standard error that is not a failure.
void print_note(const std::string& program, const std::string& sentence);

/// The shortest decimal that reads back as this float, as a JSON number.
JsonLine json_number(float value);

/// The values of an embedding.
JsonLine json_numbers(std::span<const float> values);

/// "0.1235", for people.
std::string to_text(double value, int digits = 4);

/// The sentence prefixed with a name, unless it already begins with it.
std::string about(const std::string& name, const std::string& sentence);

/// The lines of a text file that are not blank.
/// @throws coca::FileError if it is missing, not UTF-8, or has no such line
std::vector<std::string> read_lines(const std::string& path);

/// A picture named on the command line.
struct Picture {
  std::string path;
  coca::Pixels pixels{};
};

/// Failures that do not stop a program: the other pictures are still done. The first ten are
/// reported on standard error, the others counted.
class Failures {
 public:
  explicit Failures(std::string program) : program_(std::move(program)) {}
  Failures(const Failures&) = delete;
  Failures& operator=(const Failures&) = delete;
  ~Failures();  ///< reports how many there were beyond the first ten

  /// Reports on standard error what failed.
  /// @param path named before the problem, unless that begins with it
  void report(const std::string& path, const std::exception& problem);
  void report(const std::string& sentence);

  bool none() const noexcept { return count_ == 0; }
  const std::string& program() const noexcept { return program_; }

 private:
  std::string program_;
  std::size_t count_ = 0;
};

/// Reads some pictures, leaving out and reporting those that cannot be read.
std::vector<Picture> read_pictures(const Model& model, std::span<const std::string> paths,
                                   Failures& failures);

}  // namespace coca_examples
