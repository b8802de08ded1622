#include "command_line.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <memory>
#include <new>
#include <sstream>
#include <system_error>

#include "coca/backend/cpu/bounded_spinning.hpp"
#include "coca/backend/cpu/instruction_set.hpp"
#include "coca/core/counted.hpp"
#include "coca/core/utf8.hpp"
#include "coca/core/version.hpp"
#include "coca/io/atomic_file.hpp"
#include "coca/io/json_bytes.hpp"
#include "coca/text/gzip_text.hpp"
#include "picture_reading.hpp"

namespace coca_examples {

namespace {

/// --help without CLI11's notation for types and ranges, wrapped to the width of a page.
class HelpFormatter : public CLI::Formatter {
 public:
  HelpFormatter() { column_width(left); }

  std::string make_option_opts(const CLI::Option* option) const override {
    return option->get_type_name().empty()
               ? ""
               : " " + type_of(option) + (option->get_expected_max() > 1 ? "..." : "");
  }

  std::string make_option_desc(const CLI::Option* option) const override {
    const std::string value = option->get_default_str();
    return option->get_description() + (value.empty() ? "" : " (default: " + value + ")");
  }

  std::string make_option(const CLI::Option* option, bool is_positional) const override {
    std::string text = "  " + make_option_name(option, is_positional) + make_option_opts(option);
    if (text.size() >= left) text += '\n';
    std::size_t column = text.ends_with('\n') ? 0 : text.size();
    const auto indent = [&] { text += std::string(left - column, ' '), column = left; };
    indent();
    std::istringstream words(make_option_desc(option));
    for (std::string word; words >> word;) {
      if (column + word.size() > page) {
        text.back() = '\n';
        column = 0;
        indent();
      }
      text += word + ' ';
      column += word.size() + 1;
    }
    text.back() = '\n';
    return text;
  }

 private:
  static constexpr std::size_t left = 28, page = 100;

  /// Without the ranges that CLI11 appends.
  static std::string type_of(const CLI::Option* option) {
    const std::string type = option->get_type_name();
    return type.substr(0, type.find(':'));
  }
};

}  // namespace

void add_model_options(CLI::App& app, ModelOptions& options) {
  const char* group = "Model";
  app.add_option("--model", options.preset,
                 "name of a configuration, such as ViT-L-14 or coca_vit_b_32, a folder, or an "
                 "OpenCLIP configuration file (default: what fits the weights)")
      ->check(some_name())
      ->type_name("MODEL")
      ->group(group);
  app.add_option("--weights", options.weights,
                 "checkpoint (.safetensors, .pt, .bin), Hugging Face folder, or \"random\" to "
                 "try a model without any (default: the small included model)")
      ->check(some_name())
      ->type_name("FILE")
      ->group(group);
  app.add_option(
         "--tokenizer", options.tokenizer,
         "SentencePiece .model, tokenizer.json, bpe_simple_vocab .txt or .txt.gz, or merges.txt "
         "(default: the folder's, or else CLIP's)")
      ->check(some_name())
      ->type_name("FILE")
      ->group(group);
  app.add_option("--precision", options.precision, "precision of the weights: f32 or bf16")
      ->check(CLI::IsMember({"f32", "bf16"}))
      ->type_name("TYPE")
      ->capture_default_str()
      ->group(group);
  app.add_option("--threads", options.threads, "number of threads; 0: one per processor")
      ->check(whole_number(0, 1024))
      ->type_name("N")
      ->capture_default_str()
      ->group(group);
  app.add_option("--seed", options.seed, "seed of random weights and of sampling")
      ->check(whole_number())
      ->type_name("N")
      ->capture_default_str()
      ->group(group);
  app.add_flag("--open-clip-preprocessing", options.open_clip_preprocessing,
               "prepare pictures exactly as OpenCLIP does: ignore their EXIF orientation, "
               "and drop transparency instead of blending it over white")
      ->group(group);
  app.add_flag("--interpolate-positions", options.interpolate_positions,
               "accept weights that were trained on pictures of another size")
      ->group(group);
  app.add_flag("--truncated", picture_reading().truncated,
               "read the part that is there of JPEG and PNG pictures that are cut off, instead of "
               "refusing them")
      ->group(group);
}

std::vector<std::string> reversed_arguments(const CLI::App& app, int argc, char** argv) {
  std::vector<std::string> arguments;
  bool options = true;  // until "--"
  for (int i = 1; i < argc; ++i) {
    arguments.emplace_back(argv[i]);
    std::string& last = arguments.back();
    options = options && last != "--";
    if (!options || !last.starts_with("--") || last.find('=') + 1 != last.size()) continue;
    const CLI::Option* option = app.get_option_no_throw(last.substr(0, last.size() - 1));
    if (option == nullptr || option->get_items_expected_max() == 0) continue;  // a flag takes none
    last.pop_back();
    arguments.emplace_back();
  }
  std::reverse(arguments.begin(), arguments.end());
  return arguments;
}

namespace {

/// Descriptors 0 to 2 that were closed by the caller would be given to the next files that are
/// opened, and what is printed would end up in them.
void keep_standard_descriptors() {
  for (int descriptor = 0; descriptor <= 2; ++descriptor)
    if (::fcntl(descriptor, F_GETFD) < 0 && ::open("/dev/null", O_RDONLY) < 0) return;
}

/// Unknown arguments in their order (CLI11 reverses them), reported before a missing one: they are
/// likely to be that one, misspelt.
std::string complaint(const CLI::App& app, const CLI::ParseError& error) {
  const auto is = [&](CLI::ExitCodes code) {
    return error.get_exit_code() == static_cast<int>(code);
  };
  std::string unknown;
  for (const std::string& argument : app.remaining()) unknown += ' ' + argument;
  if (unknown.empty() || !(is(CLI::ExitCodes::RequiredError) || is(CLI::ExitCodes::ExtrasError)))
    return error.what();
  return "not expected:" + unknown;
}

/// What a bug report should include.
std::string version_text(const CLI::App& app) {
  const std::string libraries = coca::libraries();
  return app.get_name() + " of coca " + coca::version() + "\ncompiler: " + coca::compiler() +
         "\nlibraries: " + (libraries.empty() ? "none" : libraries) +
         "\ninstruction set: " + coca::to_string(coca::best_instruction_set());
}

/// @return false if --help or --version was given, and printed
bool parse(CLI::App& app, int argc, char** argv) {
  app.formatter(std::make_shared<HelpFormatter>());
  app.set_version_flag(
      "--version", [&app] { return version_text(app); },
      "print version, compiler, libraries and instruction set, and exit");
  try {
    app.parse(reversed_arguments(app, argc, argv));
    return true;
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() != 0)
      throw UsageError(complaint(app, error) + "; see " + app.get_name() + " --help");
    app.exit(error);  // prints the help or the version
    std::cout.flush();
    if (!std::cout) throw coca::FileError("standard output", "cannot be written");
    return false;
  }
}

}  // namespace

int run_program(CLI::App& app, int argc, char** argv, const std::function<bool()>& body) {
  coca::bound_spinning(argv);
  keep_standard_descriptors();
  std::signal(SIGXFSZ, SIG_IGN);  // a limit on file sizes becomes an error of the write
  std::signal(SIGPIPE, SIG_DFL);  // the reader has closed the pipe: end quietly
  const auto fail = [&](const std::string& problem, int status) {
    std::cerr << app.get_name() << ": " << problem << '\n';
    return status;
  };
  try {
    if (!parse(app, argc, argv)) return 0;
    const bool done = body();
    const std::string damaged = about_damaged(picture_reading().damaged);
    if (!damaged.empty()) std::cerr << app.get_name() << ": " << damaged << '\n';
    return done ? 0 : 1;
  } catch (const UsageError& error) {
    return fail(error.what(), 2);
  } catch (const std::bad_alloc&) {
    return fail("there is not enough memory", 1);
  } catch (const std::exception& error) {
    return fail(error.what(), 1);
  }
}

namespace {

/// Empty if the condition holds, otherwise what was expected and what was given.
std::string unless(bool holds, const std::string& expected, const std::string& text) {
  return holds ? "" : "expected " + expected + ", got " + (text.empty() ? "nothing" : text);
}

/// "0.5" or "1e-06".
std::string shortest(float value) {
  std::ostringstream text;
  text << value;
  return text.str();
}

}  // namespace

CLI::Validator finite_number(float least, float most) {
  return {[least, most](const std::string& text) {
            double value = 0;
            const bool number = CLI::detail::lexical_cast(text, value) && !std::isnan(value);
            if (!number || std::isinf(value)) return unless(false, "a number", text);
            if (value < least) return unless(false, "at least " + shortest(least), text);
            return unless(value <= most, "at most " + shortest(most), text);
          },
          ""};
}

CLI::Validator whole_number(std::uint64_t least, std::uint64_t most) {
  return {[least, most](const std::string& text) {
            const std::string digits = text.starts_with('-') ? text.substr(1) : text;
            if (digits.empty() || digits.find_first_not_of("0123456789") != std::string::npos)
              return unless(false, "a whole number", text);
            if (digits.size() > 1 && digits.starts_with('0'))
              return unless(false, "a whole number without leading zeros", text);
            std::uint64_t value = 0;
            const char* end = digits.data() + digits.size();
            const bool fits = std::from_chars(digits.data(), end, value).ec == std::errc();
            if (digits != text || (fits && value < least))
              return unless(false, "at least " + std::to_string(least), text);
            return unless(fits && value <= most, "at most " + std::to_string(most), text);
          },
          ""};
}

CLI::Validator utf8_text() {
  return {[](const std::string& text) {
            const std::size_t at = coca::find_invalid_utf8(text);
            return at == std::string::npos
                       ? std::string()
                       : "expected UTF-8 text, but byte " + std::to_string(at + 1) + " is not";
          },
          ""};
}

CLI::Validator some_name() {
  return {[](const std::string& text) { return unless(!text.empty(), "a name", text); }, ""};
}

void expect_writable(const std::string& path) {
  std::error_code ignored;
  if (!std::filesystem::is_fifo(path, ignored)) const coca::AtomicFile writable(path);
}

void print_line(const std::string& line) {
  ProgressBar::hide();
  errno = 0;
  std::cout << line << '\n' << std::flush;
  if (!std::cout) {
    const int reason = errno != 0 ? errno : EIO;
    throw coca::FileError("standard output",
                          "cannot be written: " + std::generic_category().message(reason));
  }
}

std::string to_line(const JsonLine& json) { return coca::to_json_text(json); }

JsonLine json_number(float value) {
  if (!std::isfinite(value)) return nullptr;
  char text[32];
  const char* end = std::to_chars(text, text + sizeof text, value).ptr;
  double shortest = 0;
  std::from_chars(text, end, shortest);
  return shortest;
}

JsonLine json_numbers(std::span<const float> values) {
  JsonLine numbers = JsonLine::array();
  for (const float value : values) numbers.push_back(json_number(value));
  return numbers;
}

std::string to_text(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

std::string about(const std::string& name, const std::string& sentence) {
  return sentence.starts_with(name) ? sentence : name + ": " + sentence;
}

std::vector<std::string> read_lines(const std::string& path) {
  std::string text = coca::read_text_or_gzip(path, coca::max_vocabulary_bytes);
  if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);  // byte order mark
  std::vector<std::string> lines;
  std::istringstream stream(text);
  std::size_t number = 0;
  for (std::string line; std::getline(stream, line);) {
    ++number;
    if (!coca::is_valid_utf8(line))
      throw coca::FileError(path, "line " + std::to_string(number) + " is not UTF-8 text");
    const std::size_t first = line.find_first_not_of(" \t\r");
    if (first == std::string::npos) continue;
    lines.push_back(line.substr(first, line.find_last_not_of(" \t\r") - first + 1));
  }
  if (lines.empty()) throw coca::FileError(path, "holds no line of text");
  return lines;
}

void print_note(const std::string& program, const std::string& sentence) {
  ProgressBar::hide();
  std::cerr << program << ": " << sentence << '\n';
}

void Failures::report(const std::string& path, const std::exception& problem) {
  report(about(path, problem.what()));
}

namespace {

constexpr std::size_t reported_failures = 10;

}  // namespace

void Failures::report(const std::string& sentence) {
  if (++count_ > reported_failures) return;
  print_note(program_, sentence);
}

Failures::~Failures() {
  if (count_ <= reported_failures) return;
  ProgressBar::hide();
  std::cerr << program_ << ": and " << coca::counted(count_ - reported_failures, "more failure")
            << '\n';
}

std::vector<Picture> read_pictures(const Model& model, std::span<const std::string> paths,
                                   Failures& failures) {
  std::vector<Picture> pictures;
  for (const std::string& path : paths) {
    try {
      pictures.push_back({path, model.read_pixels(path)});
    } catch (const coca::Error& error) {
      failures.report(path, error);
    }
  }
  return pictures;
}

}  // namespace coca_examples
