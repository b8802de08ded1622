#pragma once
/// @file
/// Training options as JSON: one flat object, one key per option.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <set>
#include <string>
#include <type_traits>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/core/nearest_names.hpp"
#include "coca/io/json.hpp"
#include "coca/training/training_options.hpp"

namespace coca {

namespace detail {

/// Writes values into a JSON object.
struct OptionWriter {
  nlohmann::ordered_json& json;

  template <class T>
  void operator()(const OptionInfo& info, const T& value) const {
    json[info.name] = value;
  }
  void operator()(const OptionInfo& info, const Range& value) const {
    json[info.name] = {value.low, value.high};
  }
  template <class E, std::size_t n>
  void operator()(const OptionInfo& info, const E& value,
                  const NamedChoice<E> (&choices)[n]) const {
    json[info.name] = choice_name(value, choices);
  }
};

/// Reads the values that a JSON object has, and leaves the others.
class OptionReader {
 public:
  OptionReader(const Json& json, std::string path) : json_(json), path_(std::move(path)) {}

  template <class T>
  void operator()(const OptionInfo& info, T& value) {
    if (const Json* found = find(info)) read(info, *found, value);
  }
  template <class E, std::size_t n>
  void operator()(const OptionInfo& info, E& value, const NamedChoice<E> (&choices)[n]) {
    const Json* found = find(info);
    if (found == nullptr) return;
    std::string names;
    for (const NamedChoice<E>& choice : choices) {
      if (*found == choice.name) return void(value = choice.value);
      names += (names.empty() ? "" : ", ") + std::string(choice.name);
    }
    refuse(info, *found, "one of " + names);
  }

  /// @throws FileError naming a key that is not an option.
  void finish() const {
    for (const auto& [key, value] : json_.items())
      if (known_.count(key) == 0)
        throw FileError(
            path_, "\"" + printable(key, 60) + "\" is not a training option" + suggestion(key));
  }

 private:
  std::string suggestion(const std::string& key) const {
    const std::vector<std::string> nearest =
        nearest_names(key.substr(0, 60), {known_.begin(), known_.end()});
    return nearest.empty() ? "" : "; did you mean " + alternatives(nearest) + "?";
  }

  const Json* find(const OptionInfo& info) {
    known_.insert(info.name);
    const auto found = json_.find(info.name);
    return found == json_.end() ? nullptr : &*found;
  }

  [[noreturn]] void refuse(const OptionInfo& info, const Json& value,
                           const std::string& expected) const {
    throw FileError(path_,
                    std::string(info.name) + " is " +
                        printable(value.dump(-1, ' ', true, Json::error_handler_t::replace), 60) +
                        ", expected " + expected);
  }

  void read(const OptionInfo& info, const Json& json, bool& value) const {
    if (!json.is_boolean()) refuse(info, json, "true or false");
    value = json.get<bool>();
  }
  void read(const OptionInfo& info, const Json& json, double& value) const {
    if (!json.is_number() || !std::isfinite(json.get<double>())) refuse(info, json, "a number");
    value = json.get<double>();
  }
  void read(const OptionInfo& info, const Json& json, std::string& value) const {
    if (!json.is_string()) refuse(info, json, "a text");
    value = json.get<std::string>();
  }
  void read(const OptionInfo& info, const Json& json, Range& value) const {
    if (!json.is_array() || json.size() != 2 || !json[0].is_number() || !json[1].is_number())
      refuse(info, json, "two numbers, [low, high]");
    value = {json[0].get<double>(), json[1].get<double>()};
  }
  void read(const OptionInfo& info, const Json& json, std::vector<std::string>& value) const {
    const Json list = json.is_string() ? Json::array({json}) : json;
    if (!list.is_array()) refuse(info, json, "a text or a list of texts");
    for (const Json& item : list)
      if (!item.is_string()) refuse(info, json, "a text or a list of texts");
    value = list.get<std::vector<std::string>>();
  }
  template <class Integer>
  requires std::is_integral_v<Integer>
  void read(const OptionInfo& info, const Json& json, Integer& value) const {
    constexpr auto largest = static_cast<std::uint64_t>(std::numeric_limits<Integer>::max());
    if (!json.is_number_unsigned() || json.get<std::uint64_t>() > largest)
      refuse(info, json, "a whole number of at least 0");
    value = json.get<Integer>();
  }

  const Json& json_;
  std::string path_;
  std::set<std::string, std::less<>> known_;
};

}  // namespace detail

/// All options as one object, in the order of for_each_option.
inline nlohmann::ordered_json to_json(const TrainingOptions& options) {
  nlohmann::ordered_json json = nlohmann::ordered_json::object();
  for_each_option(options, detail::OptionWriter{json});
  return json;
}

/// Applies the options in an object; others are unchanged.
/// @param path the object's name in messages
/// @throws FileError naming a key that is unknown or has an invalid value.
inline void read_options(const Json& json, const std::string& path, TrainingOptions& options) {
  if (!json.is_object()) throw FileError(path, "holds no JSON object of training options");
  detail::OptionReader reader(json, path);
  for_each_option(options, reader);
  reader.finish();
}

/// Applies the options in a JSON file. @throws FileError like read_json_file and read_options.
inline void read_options_file(const std::string& path, TrainingOptions& options) {
  read_options(read_json_file(path), path, options);
}

}  // namespace coca
