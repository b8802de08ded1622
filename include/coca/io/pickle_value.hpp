#pragma once
/// @file
/// The content of a pickle, as plain data. Nothing here can run code.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "coca/core/dtype.hpp"
#include "coca/core/error.hpp"

namespace coca {

/// Index of a value in its PickleDocument. Values refer to each other by index, because a pickle
/// may share values and even create a list that contains itself.
using PickleRef = std::uint32_t;

struct PickleNone {};

/// An integer beyond 64 bits: two's complement, least significant byte first.
struct PickleBigInteger {
  std::string bytes;
};

struct PickleBytes {
  std::string bytes;
};

struct PickleTuple {
  std::vector<PickleRef> items;
};

/// A list or a set.
struct PickleList {
  std::vector<PickleRef> items;
};

/// A dict or a variant of it (OrderedDict, defaultdict), in insertion order.
struct PickleDict {
  std::vector<std::pair<PickleRef, PickleRef>> items;
};

/// A function or class, known by name only.
struct PickleGlobal {
  std::string module;
  std::string name;
};

/// A block of numbers stored outside the pickle.
struct PickleStorage {
  std::string key;
  std::string type;            ///< as the pickle calls it, such as "torch.HalfStorage"
  std::optional<DType> dtype;  ///< absent if the type is not supported
  std::uint64_t elements = 0;
};

/// A view of a PickleStorage. Offset, sizes and strides are not negative.
struct PickleTensor {
  PickleRef storage = 0;
  std::string type_override;  ///< a dtype, if the storage is untyped
  std::uint64_t offset = 0;   ///< in elements
  std::vector<std::uint64_t> shape;
  std::vector<std::uint64_t> strides;
};

/// An instance of a harmless class whose content is not needed here (a date, a path, a scalar).
struct PickleObject {
  std::string type;
};

using PickleValue = std::variant<PickleNone, bool, std::int64_t, double, std::string,
                                 PickleBigInteger, PickleBytes, PickleTuple, PickleList, PickleDict,
                                 PickleGlobal, PickleStorage, PickleTensor, PickleObject>;

/// All values of one pickle.
struct PickleDocument {
  std::vector<PickleValue> values;
  PickleRef root = 0;
  std::size_t consumed = 0;  ///< bytes up to the end of the pickle

  const PickleValue& operator[](PickleRef ref) const { return values[ref]; }

  /// The value as one of the types above, nullptr if it has another type.
  template <class T>
  const T* get(PickleRef ref) const {
    return std::get_if<T>(&values[ref]);
  }

  /// The value of a string key; the last one if it occurs several times.
  std::optional<PickleRef> find(const PickleDict& dict, const std::string& key) const {
    for (auto item = dict.items.rbegin(); item != dict.items.rend(); ++item) {
      const auto* text = get<std::string>(item->first);
      if (text != nullptr && *text == key) return item->second;
    }
    return std::nullopt;
  }
};

}  // namespace coca
