#pragma once
/// @file
/// Every error that the library reports on purpose is an exception derived from coca::Error, whose
/// text is one readable sentence: what was given, what was expected, where.

#include <stdexcept>
#include <string>

namespace coca {

/// Base of all errors of the library.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// An argument or option that the call does not accept.
class ArgumentError : public Error {
 public:
  using Error::Error;
};

/// Tensors whose shapes do not match each other or the operation.
class ShapeError : public Error {
 public:
  using Error::Error;
};

/// A file that is missing, damaged, hostile, or cannot be written. The text begins with its path.
class FileError : public Error {
 public:
  /// @param path    the file (or a name for data in memory), which starts the message
  /// @param problem what is wrong with it
  FileError(const std::string& path, const std::string& problem)
      : Error(path + ": " + problem), path_(path) {}

  /// The file that the error is about.
  const std::string& path() const noexcept { return path_; }

 private:
  std::string path_;
};

/// The call needs an optional library that this build does not have.
class UnavailableError : public Error {
 public:
  using Error::Error;
};

}  // namespace coca
