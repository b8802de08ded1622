#pragma once
/// @file
/// One object of a configuration file, all of whose keys are accounted for: read, known to change
/// nothing, or refused by name.

#include <cstdint>
#include <initializer_list>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "coca/core/error.hpp"
#include "coca/io/json.hpp"

namespace coca::detail {

/// A key that is only supported at its default value.
struct DefaultOnly {
  const char* key;
  Json value;  ///< null if the default is absence
};

/// Keys whose value is null count as absent, as None does in OpenCLIP.
class ConfigSection {
 public:
  /// @param prefix such as "vision_cfg.", put before keys in messages
  /// @throws FileError if `object` is not a JSON object.
  ConfigSection(std::string path, std::string prefix, const Json& object)
      : path_(std::move(path)), prefix_(std::move(prefix)), object_(object) {
    if (!object_.is_object())
      throw FileError(
          path_, (prefix_.empty() ? "the configuration" : prefix_.substr(0, prefix_.size() - 1)) +
                     " is not a JSON object");
  }

  /// The value of a key, nullptr when it is absent.
  const Json* find(const char* key) {
    seen_.insert(key);
    const auto found = object_.find(key);
    return found == object_.end() || found->is_null() ? nullptr : &*found;
  }

  /// @throws FileError if the value is not an integer from `min` to `max`.
  int integer(const char* key, int silent, int min, int max) {
    const Json* value = find(key);
    return value == nullptr ? silent : to_integer(key, *value, min, max);
  }

  int required_integer(const char* key, int min, int max) {
    const Json* value = find(key);
    if (value == nullptr) fail(key, "is missing");
    return to_integer(key, *value, min, max);
  }

  bool boolean(const char* key, bool silent) {
    const Json* value = find(key);
    if (value == nullptr) return silent;
    if (!value->is_boolean()) fail(key, "must be true or false, not " + show(*value));
    return value->get<bool>();
  }

  /// A number from `min` to `max`.
  double real(const char* key, double silent, double min, double max) {
    const Json* value = find(key);
    if (value == nullptr) return silent;
    const double number = value->is_number() ? value->get<double>() : min - 1;
    if (!(number >= min && number <= max))
      fail(key, "is out of range: " + show(*value) + ", expected a number from " + show(Json(min)) +
                    " to " + show(Json(max)));
    return number;
  }

  /// Pictures and patches may be given as [height, width]; here they are square.
  int side(const char* key, int silent, int max) {
    const Json* value = find(key);
    if (value != nullptr && value->is_array()) {
      if (value->size() != 2 || value->at(0) != value->at(1))
        fail(key, "must be square, not " + show(*value));
      return to_integer(key, value->at(0), 1, max);
    }
    return integer(key, silent, 1, max);
  }

  /// Keys that do not change what is computed.
  void ignore(std::initializer_list<const char*> keys) { seen_.insert(keys.begin(), keys.end()); }

  /// Keys that would change what is computed in a way that is not supported.
  /// @throws FileError naming the key whose value is another.
  void require_default(const std::initializer_list<DefaultOnly>& keys) {
    for (const DefaultOnly& known : keys) {
      const Json* value = find(known.key);
      const bool empty = value == nullptr || (value->is_structured() && value->empty());
      if (!empty && *value != known.value) refuse(known.key);
    }
  }

  /// @throws FileError saying that the value of a key that is there is not supported.
  [[noreturn]] void refuse(const char* key) {
    fail(key, "is " + show(*find(key)) + ", which is not supported");
  }

  /// @throws FileError naming a key that was not read above and is not null.
  void finish() const {
    for (const auto& [key, value] : object_.items())
      if (!value.is_null() && seen_.find(key) == seen_.end())
        fail(printable(key, 60).c_str(),
             "is an unknown key; its value " + show(value) + " might change the model");
  }

  [[noreturn]] void fail(const char* key, const std::string& problem) const {
    throw FileError(path_, prefix_ + key + " " + problem);
  }

 private:
  static std::string show(const Json& value) {
    return printable(value.dump(-1, ' ', true, Json::error_handler_t::replace), 60);
  }

  int to_integer(const char* key, const Json& value, int min, int max) const {
    const bool fits =
        value.is_number_integer() &&
        (value.is_number_unsigned() ? value.get<std::uint64_t>() <= static_cast<std::uint64_t>(max)
                                    : value.get<std::int64_t>() >= min) &&
        value.get<std::int64_t>() >= min && value.get<std::int64_t>() <= max;
    if (!fits)
      fail(key, "must be an integer from " + std::to_string(min) + " to " + std::to_string(max) +
                    ", not " + show(value));
    return value.get<int>();
  }

  std::string path_;
  std::string prefix_;
  const Json& object_;
  std::set<std::string, std::less<>> seen_;
};

}  // namespace coca::detail
