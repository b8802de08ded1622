#pragma once
/// @file
/// METEOR 1.5 through its original program (Denkowski and Lavie 2014), which runs in Java and is
/// asked over pipes as pycocoevalcap does. The program with its paraphrases is not part of this
/// library: `meteor-1.5.jar` and the folder `data` next to it.

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/evaluation/caption_words.hpp"

namespace coca {

/// METEOR of a corpus and of each of its captions, 0 to 1.
struct MeteorScore {
  double total = 0;
  std::vector<double> each{};
};

namespace detail {

/// A program that answers lines with lines.
class LineProgram {
 public:
  /// @throws Error if it cannot be started
  explicit LineProgram(const std::vector<std::string>& command) : name_(command.front()) {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
      throw Error("no pipe to " + name_ + " can be opened");
    std::vector<char*> arguments;
    for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    child_ = ::fork();
    if (child_ == 0) {
      ::dup2(ends[1], STDIN_FILENO);
      ::dup2(ends[1], STDOUT_FILENO);
      ::execvp(arguments[0], arguments.data());
      ::_exit(127);
    }
    ::close(ends[1]);
    socket_ = ends[0];
    if (child_ < 0) {
      ::close(socket_);
      throw Error(name_ + " cannot be started");
    }
    const timeval limit{.tv_sec = 300, .tv_usec = 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  }
  LineProgram(const LineProgram&) = delete;
  LineProgram& operator=(const LineProgram&) = delete;
  ~LineProgram() {
    ::close(socket_);
    ::kill(child_, SIGKILL);
    while (::waitpid(child_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }

  /// @throws Error if the program has ended
  void write(std::string line) {
    line += '\n';
    for (std::string_view rest = line; !rest.empty();) {
      const ssize_t sent = ::send(socket_, rest.data(), rest.size(), MSG_NOSIGNAL);
      if (sent < 0 && errno == EINTR) continue;
      if (sent <= 0) fail();
      rest.remove_prefix(static_cast<std::size_t>(sent));
    }
  }

  /// The next line. @throws Error if the program has ended or says nothing for five minutes
  std::string read() {
    constexpr std::size_t longest_line = 1 << 20;
    while (unread_.find('\n') == std::string::npos) {
      std::array<char, 4096> some{};
      const ssize_t got = ::recv(socket_, some.data(), some.size(), 0);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0 || unread_.size() > longest_line) fail();
      unread_.append(some.data(), static_cast<std::size_t>(got));
    }
    const std::size_t end = unread_.find('\n');
    std::string line = unread_.substr(0, end);
    unread_.erase(0, end + 1);
    return line;
  }

 private:
  [[noreturn]] void fail() const {
    throw Error(name_ + " did not answer: is it installed, and is the file what it should be?");
  }

  std::string name_;
  pid_t child_ = -1;
  int socket_ = -1;
  std::string unread_;
};

/// The tokens of a caption as pycocoevalcap sends them: it takes the protocol's separator only out
/// of candidates.
inline std::string meteor_text(const std::string& caption, bool is_candidate) {
  std::string text;
  for (const std::string& word : caption_words(caption)) {
    std::string kept = word;
    if (is_candidate)
      for (std::size_t at = 0; (at = kept.find("|||", at)) != std::string::npos;) kept.erase(at, 3);
    if (!kept.empty()) text += (text.empty() ? "" : " ") + kept;
  }
  return text;
}

/// The number that a line of METEOR is, white space around it aside. @throws Error if it is none
inline double meteor_number(const std::string& line) {
  constexpr const char* space = " \t\r\n";
  std::string_view number = line;
  number.remove_suffix(number.size() - (number.find_last_not_of(space) + 1));  // 0 if all is space
  number.remove_prefix(std::min(number.find_first_not_of(space), number.size()));
  const char* const end = number.data() + number.size();
  double value = 0;
  const auto [stop, error] = std::from_chars(number.data(), end, value);
  if (error != std::errc() || stop != end || !std::isfinite(value))
    throw Error("METEOR answered \"" + line.substr(0, 80) + "\", expected a score");
  return value;
}

}  // namespace detail

/// METEOR, computed by the program in `jar`.
/// @throws FileError     if there is no such file
/// @throws ArgumentError for no captions, or one without references
/// @throws Error         without Java, or if the program does not answer as METEOR 1.5 does
inline MeteorScore meteor(std::span<const JudgedCaption> captions, const std::string& jar) {
  detail::check_judged(captions);
  std::error_code unreachable;
  if (!std::filesystem::is_regular_file(jar, unreachable))
    throw FileError(jar, "there is no such file");
  detail::LineProgram program(
      {"java", "-jar", "-Xmx2G", jar, "-", "-", "-stdio", "-l", "en", "-norm"});
  std::string evaluate = "EVAL";
  for (const JudgedCaption& caption : captions) {
    std::string line = "SCORE";
    for (const std::string& reference : caption.references)
      line += " ||| " + detail::meteor_text(reference, false);
    program.write(line + " ||| " + detail::meteor_text(caption.candidate, true));
    evaluate += " ||| " + program.read();
  }
  program.write(evaluate);
  MeteorScore score;
  for (std::size_t i = 0; i < captions.size(); ++i)
    score.each.push_back(detail::meteor_number(program.read()));
  score.total = detail::meteor_number(program.read());
  return score;
}

}  // namespace coca
