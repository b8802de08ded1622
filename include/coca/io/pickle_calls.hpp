#pragma once
/// @file
/// The closed list of functions and classes that a pickle may call, and the results of their calls.
/// None of them is called: a call becomes a plain value. Every other call is refused by name.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "coca/core/dtype.hpp"
#include "coca/core/error.hpp"
#include "coca/io/json.hpp"
#include "coca/io/pickle_value.hpp"

namespace coca::detail {

enum class PickleCallee {
  rebuild_tensor,
  rebuild_parameter,
  rebuild_from_type,
  reconstructor,
  mapping,
  sequence,
  opaque,
  refused
};

struct PickleCalleeName {
  std::string_view name;
  PickleCallee callee;
};

/// Found in what torch.save writes for state dicts and for common training checkpoints.
inline constexpr std::array pickle_callees = {
    PickleCalleeName{"torch._utils._rebuild_tensor", PickleCallee::rebuild_tensor},
    PickleCalleeName{"torch._utils._rebuild_tensor_v2", PickleCallee::rebuild_tensor},
    PickleCalleeName{"torch._utils._rebuild_tensor_v3", PickleCallee::rebuild_tensor},
    PickleCalleeName{"torch._utils._rebuild_parameter", PickleCallee::rebuild_parameter},
    PickleCalleeName{"torch._utils._rebuild_parameter_with_state", PickleCallee::rebuild_parameter},
    PickleCalleeName{"torch._tensor._rebuild_from_type_v2", PickleCallee::rebuild_from_type},
    PickleCalleeName{"copyreg._reconstructor", PickleCallee::reconstructor},
    PickleCalleeName{"copy_reg._reconstructor", PickleCallee::reconstructor},
    PickleCalleeName{"collections.OrderedDict", PickleCallee::mapping},
    PickleCalleeName{"collections.defaultdict", PickleCallee::mapping},
    PickleCalleeName{"collections.Counter", PickleCallee::mapping},
    PickleCalleeName{"builtins.dict", PickleCallee::mapping},
    PickleCalleeName{"torch.Size", PickleCallee::sequence},
    PickleCalleeName{"builtins.list", PickleCallee::sequence},
    PickleCalleeName{"builtins.tuple", PickleCallee::sequence},
    PickleCalleeName{"builtins.set", PickleCallee::sequence},
    PickleCalleeName{"builtins.frozenset", PickleCallee::sequence},
    PickleCalleeName{"__builtin__.set", PickleCallee::sequence},
    PickleCalleeName{"__builtin__.frozenset", PickleCallee::sequence},
    PickleCalleeName{"collections.deque", PickleCallee::sequence},
    PickleCalleeName{"torch.device", PickleCallee::opaque},
    PickleCalleeName{"torch.dtype", PickleCallee::opaque},
    PickleCalleeName{"torch.serialization._get_layout", PickleCallee::opaque},
    PickleCalleeName{"torch.torch_version.TorchVersion", PickleCallee::opaque},
    PickleCalleeName{"numpy.dtype", PickleCallee::opaque},
    PickleCalleeName{"numpy.ndarray", PickleCallee::opaque},
    PickleCalleeName{"numpy.core.multiarray.scalar", PickleCallee::opaque},
    PickleCalleeName{"numpy._core.multiarray.scalar", PickleCallee::opaque},
    PickleCalleeName{"numpy.core.multiarray._reconstruct", PickleCallee::opaque},
    PickleCalleeName{"numpy._core.multiarray._reconstruct", PickleCallee::opaque},
    PickleCalleeName{"numpy.core.numeric._frombuffer", PickleCallee::opaque},
    PickleCalleeName{"numpy._core.numeric._frombuffer", PickleCallee::opaque},
    PickleCalleeName{"_codecs.encode", PickleCallee::opaque},
    PickleCalleeName{"argparse.Namespace", PickleCallee::opaque},
    PickleCalleeName{"builtins.bytearray", PickleCallee::opaque},
    PickleCalleeName{"__builtin__.bytearray", PickleCallee::opaque},
    PickleCalleeName{"__builtin__.complex", PickleCallee::opaque},
    PickleCalleeName{"builtins.bytes", PickleCallee::opaque},
    PickleCalleeName{"__builtin__.bytes", PickleCallee::opaque},
    PickleCalleeName{"builtins.complex", PickleCallee::opaque},
    PickleCalleeName{"builtins.range", PickleCallee::opaque},
    PickleCalleeName{"builtins.slice", PickleCallee::opaque},
    PickleCalleeName{"datetime.datetime", PickleCallee::opaque},
    PickleCalleeName{"datetime.date", PickleCallee::opaque},
    PickleCalleeName{"datetime.timedelta", PickleCallee::opaque},
    PickleCalleeName{"pathlib.Path", PickleCallee::opaque},
    PickleCalleeName{"pathlib.PosixPath", PickleCallee::opaque},
    PickleCalleeName{"pathlib.PurePosixPath", PickleCallee::opaque},
    PickleCalleeName{"pathlib.WindowsPath", PickleCallee::opaque},
    PickleCalleeName{"pathlib.PureWindowsPath", PickleCallee::opaque},
};

inline std::string full_name(const PickleGlobal& global) {
  return global.module + "." + global.name;
}

inline PickleCallee find_callee(const PickleGlobal& global) {
  const std::string name = full_name(global);
  for (const PickleCalleeName& known : pickle_callees)
    if (known.name == name) return known.callee;
  return PickleCallee::refused;
}

/// The element type of a typed storage class or a torch dtype, given by its full name.
inline std::optional<DType> torch_dtype(std::string_view name) {
  struct Known {
    std::string_view name;
    DType dtype;
  };
  constexpr std::array known = {
      Known{"torch.DoubleStorage", DType::F64},    Known{"torch.float64", DType::F64},
      Known{"torch.FloatStorage", DType::F32},     Known{"torch.float32", DType::F32},
      Known{"torch.HalfStorage", DType::F16},      Known{"torch.float16", DType::F16},
      Known{"torch.BFloat16Storage", DType::BF16}, Known{"torch.bfloat16", DType::BF16},
      Known{"torch.LongStorage", DType::I64},      Known{"torch.int64", DType::I64},
      Known{"torch.IntStorage", DType::I32},       Known{"torch.int32", DType::I32},
      Known{"torch.ShortStorage", DType::I16},     Known{"torch.int16", DType::I16},
      Known{"torch.CharStorage", DType::I8},       Known{"torch.int8", DType::I8},
      Known{"torch.ByteStorage", DType::U8},       Known{"torch.uint8", DType::U8},
      Known{"torch.BoolStorage", DType::BOOL},     Known{"torch.bool", DType::BOOL}};
  for (const Known& entry : known)
    if (entry.name == name) return entry.dtype;
  return std::nullopt;
}

/// Turns calls and persistent ids into values.
class PickleCalls {
 public:
  /// @param max_copied items of containers that calls may copy altogether
  PickleCalls(const std::string& path, const PickleDocument& document, std::size_t max_copied)
      : path_(path), document_(document), copies_left_(max_copied) {}

  /// @throws FileError if the callee is not on the list.
  PickleValue call(PickleRef callee, std::span<const PickleRef> arguments) {
    const auto* global = document_.get<PickleGlobal>(callee);
    if (global == nullptr)
      throw FileError(path_, "the pickle calls something that is not a function");
    return call(*global, arguments);
  }

  PickleValue call(const PickleGlobal& global, std::span<const PickleRef> arguments) {
    switch (find_callee(global)) {
      case PickleCallee::rebuild_tensor:
        return rebuild_tensor(global, arguments);
      case PickleCallee::rebuild_parameter:
        return rebuild_parameter(global, arguments);
      case PickleCallee::rebuild_from_type:
        return rebuild_from_type(global, arguments);
      case PickleCallee::reconstructor:
        return reconstruct(global, arguments);
      case PickleCallee::mapping:
        return make_mapping(arguments);
      case PickleCallee::sequence:
        return make_sequence(arguments);
      case PickleCallee::opaque:
        charge_text(global.module.size() + global.name.size());
        return PickleObject{full_name(global)};
      case PickleCallee::refused:
        break;
    }
    refuse(global);
  }

  /// Counts what is copied: a small pickle could otherwise copy one large container, or text, any
  /// number of times. @throws FileError if it is too much
  void charge(std::size_t items) {
    if (items > copies_left_) throw FileError(path_, "the pickle copies too many values");
    copies_left_ -= items;
  }
  void charge_text(std::size_t bytes) { charge(1 + bytes / sizeof(PickleValue)); }

  /// The persistent id ("storage", type, key, location, number of elements) of torch.save.
  PickleValue load_persistent(PickleRef id) {
    const auto* tuple = document_.get<PickleTuple>(id);
    if (tuple == nullptr || tuple->items.size() < 5) fail_persistent();
    const auto& items = tuple->items;
    const auto* kind = document_.get<std::string>(items[0]);
    const auto* type = document_.get<PickleGlobal>(items[1]);
    const auto* key = document_.get<std::string>(items[2]);
    const auto* elements = document_.get<std::int64_t>(items[4]);
    if (kind == nullptr || *kind != "storage" || type == nullptr || key == nullptr ||
        elements == nullptr || *elements < 0)
      fail_persistent();
    if (items.size() > 5 && document_.get<PickleNone>(items[5]) == nullptr)
      throw FileError(path_, "storage \"" + printable(*key) +
                                 "\" is a view of another storage, which is not supported");
    charge_text(key->size() + type->module.size() + type->name.size());
    const std::string name = full_name(*type);
    return PickleStorage{*key, name, torch_dtype(name), static_cast<std::uint64_t>(*elements)};
  }

  [[noreturn]] void refuse(const PickleGlobal& global) const {
    throw FileError(path_, "the pickle tries to call " + printable(full_name(global)) +
                               ", which no weights need; nothing of it was run");
  }

 private:
  PickleValue rebuild_tensor(const PickleGlobal& global, std::span<const PickleRef> arguments) {
    if (arguments.size() < 4 || document_.get<PickleStorage>(arguments[0]) == nullptr)
      fail_arguments(global);
    PickleTensor tensor;
    tensor.storage = arguments[0];
    tensor.offset = size(global, arguments[1]);
    tensor.shape = sizes(global, arguments[2]);
    tensor.strides = sizes(global, arguments[3]);
    if (tensor.shape.size() != tensor.strides.size()) fail_arguments(global);
    if (global.name == "_rebuild_tensor_v3") {
      const auto* dtype =
          arguments.size() > 6 ? document_.get<PickleGlobal>(arguments[6]) : nullptr;
      if (dtype == nullptr) fail_arguments(global);
      charge_text(dtype->module.size() + dtype->name.size());
      tensor.type_override = full_name(*dtype);
    }
    return tensor;
  }

  PickleValue rebuild_parameter(const PickleGlobal& global, std::span<const PickleRef> arguments) {
    const auto* tensor = arguments.empty() ? nullptr : document_.get<PickleTensor>(arguments[0]);
    if (tensor == nullptr) fail_arguments(global);
    charge(2 * tensor->shape.size());
    charge_text(tensor->type_override.size());
    return *tensor;
  }

  /// (function, type, arguments, state): a tensor with attributes, which are dropped.
  PickleValue rebuild_from_type(const PickleGlobal& global, std::span<const PickleRef> arguments) {
    if (arguments.size() < 3) fail_arguments(global);
    const auto* inner = document_.get<PickleGlobal>(arguments[0]);
    const auto* inner_arguments = document_.get<PickleTuple>(arguments[2]);
    if (inner == nullptr || inner_arguments == nullptr) fail_arguments(global);
    switch (find_callee(*inner)) {
      case PickleCallee::rebuild_tensor:
        return rebuild_tensor(*inner, inner_arguments->items);
      case PickleCallee::rebuild_parameter:
        return rebuild_parameter(*inner, inner_arguments->items);
      default:
        refuse(*inner);
    }
  }

  /// (class, base, state): how Python creates plain objects in protocols 0 and 1.
  PickleValue reconstruct(const PickleGlobal& global, std::span<const PickleRef> arguments) {
    const auto* type = arguments.empty() ? nullptr : document_.get<PickleGlobal>(arguments[0]);
    if (type == nullptr) fail_arguments(global);
    switch (find_callee(*type)) {
      case PickleCallee::mapping:
        return PickleDict{};
      case PickleCallee::sequence:
        return PickleList{};
      case PickleCallee::opaque:
        charge_text(type->module.size() + type->name.size());
        return PickleObject{full_name(*type)};
      default:
        refuse(*type);
    }
  }

  /// OrderedDict takes pairs or nothing; the argument of defaultdict creates missing values.
  PickleValue make_mapping(std::span<const PickleRef> arguments) {
    PickleDict dict;
    if (arguments.empty()) return dict;
    if (const auto* other = document_.get<PickleDict>(arguments[0])) {
      charge(other->items.size());
      return *other;
    }
    charge(items(arguments[0]).size());
    for (const PickleRef entry : items(arguments[0])) {
      const std::span<const PickleRef> pair = items(entry);
      if (pair.size() == 2) dict.items.emplace_back(pair[0], pair[1]);
    }
    return dict;
  }

  PickleValue make_sequence(std::span<const PickleRef> arguments) {
    if (arguments.empty()) return PickleList{};
    const std::span<const PickleRef> from = items(arguments[0]);
    charge(from.size());
    return PickleTuple{{from.begin(), from.end()}};
  }

  /// Items of a tuple or list; none of anything else.
  std::span<const PickleRef> items(PickleRef ref) const {
    if (const auto* tuple = document_.get<PickleTuple>(ref)) return tuple->items;
    if (const auto* list = document_.get<PickleList>(ref)) return list->items;
    return {};
  }

  std::uint64_t size(const PickleGlobal& global, PickleRef ref) const {
    const auto* value = document_.get<std::int64_t>(ref);
    if (value == nullptr || *value < 0) fail_arguments(global);
    return static_cast<std::uint64_t>(*value);
  }

  std::vector<std::uint64_t> sizes(const PickleGlobal& global, PickleRef ref) {
    const std::span<const PickleRef> refs = items(ref);
    charge(refs.size());
    std::vector<std::uint64_t> values;
    for (const PickleRef item : refs) values.push_back(size(global, item));
    return values;
  }

  [[noreturn]] void fail_arguments(const PickleGlobal& global) const {
    throw FileError(path_, "the pickle gives " + full_name(global) +
                               " other arguments than a storage, an offset, a shape and strides");
  }
  [[noreturn]] void fail_persistent() const {
    throw FileError(path_, "the pickle refers to outside data that is not a tensor storage");
  }

  const std::string& path_;
  const PickleDocument& document_;
  std::size_t copies_left_;
};

}  // namespace coca::detail
