#pragma once
/// @file
/// Reading what torch.save wrote
/// (https://github.com/pytorch/pytorch/blob/main/torch/serialization.py): a zip archive of a pickle
/// and raw storages, or, before 2020, five pickles and raw storages in a row. Nothing that a pickle
/// names is ever run: see pickle.hpp.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "coca/core/counted.hpp"
#include "coca/core/dtype.hpp"
#include "coca/core/error.hpp"
#include "coca/core/shape.hpp"
#include "coca/io/checkpoint.hpp"
#include "coca/io/json.hpp"
#include "coca/io/pickle.hpp"
#include "coca/io/zip_archive.hpp"

namespace coca {

namespace detail {

inline constexpr std::size_t max_torch_pickle = std::size_t{64} << 20;

/// A tensor of the state dict whose data has not been located yet.
struct TorchTensor {
  std::string name;
  PickleTensor tensor;
};

/// The dict of weights: the object itself, or the value of one of the usual keys of training
/// checkpoints. Everything else (optimizer state, epoch) is ignored.
inline const PickleDict& find_state_dict(const std::string& path, const PickleDocument& document) {
  const auto* dict = document.get<PickleDict>(document.root);
  if (dict == nullptr)
    throw FileError(path, "does not hold a state dict; save the model's state_dict()");
  constexpr int max_wrappers = 4;
  for (int level = 0; level < max_wrappers; ++level) {
    const PickleDict* inner = nullptr;
    for (const char* key : {"state_dict", "model_state_dict", "model"}) {
      const auto found = document.find(*dict, key);
      inner = found ? document.get<PickleDict>(*found) : nullptr;
      if (inner != nullptr) break;
    }
    if (inner == nullptr) break;
    dict = inner;
  }
  return *dict;
}

/// Removes the prefix that DistributedDataParallel and torch.compile add to every name.
inline void remove_wrapper_prefixes(std::vector<TorchTensor>& tensors) {
  bool removed = true;
  while (removed) {
    removed = false;
    for (const std::string_view prefix : {"module.", "_orig_mod."}) {
      if (!std::all_of(tensors.begin(), tensors.end(), [prefix](const TorchTensor& tensor) {
            return tensor.name.starts_with(prefix);
          }))
        continue;
      for (TorchTensor& tensor : tensors) tensor.name.erase(0, prefix.size());
      removed = true;
    }
  }
}

inline std::vector<TorchTensor> find_tensors(const std::string& path,
                                             const PickleDocument& document) {
  std::map<std::string, const PickleTensor*> found;
  for (const auto& [key, value] : find_state_dict(path, document).items) {
    const auto* name = document.get<std::string>(key);
    const auto* tensor = document.get<PickleTensor>(value);
    if (name != nullptr && tensor != nullptr) found[*name] = tensor;
  }
  if (found.empty()) throw FileError(path, "holds no tensors in its state dict");
  std::vector<TorchTensor> tensors;
  for (const auto& [name, tensor] : found) tensors.push_back({name, *tensor});
  remove_wrapper_prefixes(tensors);
  return tensors;
}

inline DType tensor_dtype(const std::string& path, const TorchTensor& tensor,
                          const PickleStorage& storage) {
  const std::string& type = tensor.tensor.type_override;
  const auto dtype = type.empty() ? storage.dtype : torch_dtype(type);
  if (!dtype)
    throw FileError(path, "tensor \"" + printable(tensor.name) + "\" has the element type " +
                              printable(type.empty() ? storage.type : type) +
                              ", which is not supported");
  return *dtype;
}

/// Bytes of a storage. The size of an untyped one is in bytes.
inline std::uint64_t storage_size(const std::string& path, const PickleStorage& storage) {
  if (!storage.dtype && !storage.type.ends_with(".UntypedStorage"))
    throw FileError(path, "storage \"" + printable(storage.key) + "\" is a " +
                              printable(storage.type) + ", which is not supported");
  const auto size = checked_product(storage.elements, storage.dtype ? size_of(*storage.dtype) : 1);
  if (!size) throw FileError(path, "storage \"" + printable(storage.key) + "\" is too large");
  return *size;
}

/// Where the bytes of a storage are.
struct StorageRange {
  std::shared_ptr<const StoredBytes> bytes;
  std::size_t begin = 0;
  std::size_t size = 0;
};

/// @throws FileError if the tensor does not lie inside its storage.
inline StoredTensor place_tensor(const std::string& path, const TorchTensor& tensor, DType dtype,
                                 const StorageRange& range) {
  const PickleTensor& view = tensor.tensor;
  if (view.shape.size() > Shape::max_rank)
    throw FileError(path, "tensor \"" + printable(tensor.name) + "\" has " +
                              std::to_string(view.shape.size()) + " dimensions, at most " +
                              std::to_string(Shape::max_rank) + " are supported");
  StoredTensor stored{dtype, {}, {}, range.begin, range.bytes};
  for (std::size_t axis = 0; axis < view.shape.size(); ++axis) {
    stored.shape.push_back(view.shape[axis]);
    stored.strides[axis] = view.strides[axis];
  }
  const auto offset = checked_product(view.offset, size_of(dtype));
  const auto begin = offset ? checked_sum(range.begin, *offset) : std::nullopt;
  const auto size = checked_byte_size(stored.shape, dtype);
  if (size && *size == 0) return stored;
  if (!begin)
    throw FileError(path, "tensor \"" + printable(tensor.name) + "\" begins outside its storage");
  stored.offset = *begin;
  check_tensor_inside(path, printable(tensor.name), stored, range.begin + range.size);
  return stored;
}

/// Locates the tensors' data through `locate`, which is called once for each storage.
template <class Locate>
Checkpoint::Tensors place_tensors(const std::string& path, const PickleDocument& document,
                                  Locate&& locate) {
  std::map<std::string, StorageRange> ranges;
  Checkpoint::Tensors placed;
  for (const TorchTensor& tensor : find_tensors(path, document)) {
    const auto& storage = *document.get<PickleStorage>(tensor.tensor.storage);
    const DType dtype = tensor_dtype(path, tensor, storage);
    auto found = ranges.find(storage.key);
    if (found == ranges.end()) found = ranges.emplace(storage.key, locate(storage)).first;
    if (found->second.size != storage_size(path, storage))
      throw FileError(path, "storage \"" + printable(storage.key) + "\" has " +
                                counted(found->second.size, "byte") + ", tensor \"" +
                                printable(tensor.name) + "\" expects " +
                                std::to_string(storage_size(path, storage)));
    placed.emplace(tensor.name, place_tensor(path, tensor, dtype, found->second));
  }
  return placed;
}

/// The zip container: `<any>/data.pkl`, `<any>/byteorder`, `<any>/data/<key>`.
class TorchZip {
 public:
  TorchZip(const std::string& path, std::shared_ptr<const StoredBytes> bytes)
      : path_(path),
        bytes_(std::move(bytes)),
        archive_(path, bytes_->bytes()),
        inflatable_(max_inflation(bytes_->bytes().size())) {
    for (const ZipMember& member : archive_.members())
      if (!members_.emplace(member.name, &member).second)
        throw FileError(path_, "holds \"" + printable(member.name) + "\" twice");
    find_folder();
    check_byte_order();
  }

  Checkpoint read() {
    const ZipMember& member = *find("data.pkl");
    const std::vector<std::byte> pickle = archive_.read(member, max_torch_pickle);
    const PickleDocument document = read_pickle(path_, pickle);
    return Checkpoint(path_, place_tensors(path_, document, [this](const PickleStorage& storage) {
                        return locate(storage);
                      }));
  }

 private:
  /// torch.save does not compress. Compressing afterwards saves little; a file that expands far
  /// more was made to exhaust memory.
  static std::uint64_t max_inflation(std::size_t archive_size) {
    constexpr std::uint64_t factor = 8;
    constexpr std::uint64_t always = std::uint64_t{16} << 20;
    return factor * archive_size + always;
  }

  const ZipMember* find(const std::string& name) const {
    const auto found = members_.find(folder_ + name);
    return found == members_.end() ? nullptr : found->second;
  }

  void find_folder() {
    constexpr std::string_view suffix = "/data.pkl";
    std::vector<std::string> folders;
    for (const auto& [name, member] : members_)
      if (name.ends_with(suffix) && name.find('/') == name.size() - suffix.size())
        folders.push_back(name.substr(0, name.size() - suffix.size() + 1));
    if (folders.empty())
      throw FileError(path_, "is a zip archive without a data.pkl, so not a PyTorch checkpoint");
    if (folders.size() > 1) throw FileError(path_, "holds more than one data.pkl");
    folder_ = folders.front();
    if (find("constants.pkl") != nullptr)
      throw FileError(path_, "is a TorchScript program; save its state_dict() with torch.save");
  }

  void check_byte_order() const {
    const ZipMember* member = find("byteorder");
    if (member == nullptr) return;
    const std::vector<std::byte> content = archive_.read(*member, 16);
    const std::string_view order(reinterpret_cast<const char*>(content.data()), content.size());
    if (order != "little")
      throw FileError(
          path_, "was saved with the byte order \"" + printable(order) + "\", expected \"little\"");
  }

  StorageRange locate(const PickleStorage& storage) {
    const ZipMember* member = find("data/" + storage.key);
    if (member == nullptr)
      throw FileError(path_, "lacks the storage \"" + printable(storage.key) + "\"");
    const std::uint64_t size = storage_size(path_, storage);
    if (member->size != size)
      throw FileError(path_, "storage \"" + printable(storage.key) + "\" has " +
                                 counted(member->size, "byte") + ", its pickle says " +
                                 std::to_string(size));
    if (member->stored)
      return {bytes_, archive_.data_offset(*member), static_cast<std::size_t>(size)};
    if (size > inflatable_)
      throw FileError(path_, "is compressed so strongly that it cannot hold weights: storage \"" +
                                 printable(storage.key) + "\" would inflate to " +
                                 counted(size, "byte"));
    inflatable_ -= size;
    auto content = std::make_shared<StoredBytes>(archive_.read(*member, size));
    return {std::move(content), 0, static_cast<std::size_t>(size)};
  }

  const std::string& path_;
  std::shared_ptr<const StoredBytes> bytes_;
  ZipArchive archive_;
  std::uint64_t inflatable_;
  std::map<std::string, const ZipMember*> members_;
  std::string folder_;
};

/// The container from before 2020. Pickles: magic number, protocol, system, object, storage keys;
/// then for each key the number of elements (int64) and the elements.
class TorchLegacy {
 public:
  TorchLegacy(const std::string& path, std::shared_ptr<const StoredBytes> bytes)
      : path_(path), bytes_(std::move(bytes)) {}

  Checkpoint read() {
    check_magic();
    check_system();
    const PickleDocument document = next_pickle();
    locate_storages(document, next_pickle());
    return Checkpoint(path_, place_tensors(path_, document, [this](const PickleStorage& storage) {
                        const auto found = ranges_.find(storage.key);
                        if (found == ranges_.end())
                          throw FileError(path_,
                                          "lacks the storage \"" + printable(storage.key) + "\"");
                        return found->second;
                      }));
  }

 private:
  PickleDocument next_pickle() {
    const auto rest = bytes_->bytes().subspan(position_);
    PickleDocument document =
        read_pickle(path_, rest.first(std::min(rest.size(), max_torch_pickle)));
    position_ += document.consumed;
    return document;
  }

  void check_magic() {
    constexpr std::string_view magic("\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", 10);
    constexpr std::int64_t protocol = 1001;
    const PickleDocument first = next_pickle();
    const auto* number = first.get<PickleBigInteger>(first.root);
    if (number == nullptr || number->bytes != magic)
      throw FileError(path_, "does not begin with the magic number of PyTorch");
    const PickleDocument second = next_pickle();
    const auto* version = second.get<std::int64_t>(second.root);
    if (version == nullptr || *version != protocol)
      throw FileError(path_, "is not of the protocol 1001 of PyTorch");
  }

  void check_system() {
    const PickleDocument document = next_pickle();
    const auto* system = document.get<PickleDict>(document.root);
    const auto found = system ? document.find(*system, "little_endian") : std::nullopt;
    const auto* little = found ? document.get<bool>(*found) : nullptr;
    if (little == nullptr || !*little)
      throw FileError(path_, "was not saved by a little-endian machine");
  }

  void locate_storages(const PickleDocument& document, const PickleDocument& keys) {
    std::map<std::string, const PickleStorage*> storages;
    for (const PickleValue& value : document.values)
      if (const auto* storage = std::get_if<PickleStorage>(&value))
        storages.emplace(storage->key, storage);
    const auto* list = keys.get<PickleList>(keys.root);
    if (list == nullptr) throw FileError(path_, "has no list of storages");
    for (const PickleRef item : list->items) {
      const auto* key = keys.get<std::string>(item);
      const auto found = key == nullptr ? storages.end() : storages.find(*key);
      if (found == storages.end())
        throw FileError(path_, "lists a storage that its object does not mention");
      if (!ranges_.emplace(*key, next_storage(*found->second)).second)
        throw FileError(path_, "lists storage \"" + printable(*key) + "\" twice");
    }
  }

  StorageRange next_storage(const PickleStorage& storage) {
    const auto bytes = bytes_->bytes();
    const auto fail = [&](const std::string& what) {
      throw FileError(path_, "storage \"" + printable(storage.key) + "\" " + what);
    };
    if (bytes.size() - position_ < sizeof(std::int64_t)) fail("is missing; the file is truncated");
    const auto elements = load_unaligned<std::int64_t>(bytes.data() + position_);
    position_ += sizeof elements;
    if (elements < 0 || static_cast<std::uint64_t>(elements) != storage.elements)
      fail("has " + counted(elements, "element") + ", its pickle says " +
           std::to_string(storage.elements));
    const std::uint64_t size = storage_size(path_, storage);
    if (size > bytes.size() - position_) fail("is truncated");
    const StorageRange range{bytes_, position_, static_cast<std::size_t>(size)};
    position_ += range.size;
    return range;
  }

  const std::string& path_;
  std::shared_ptr<const StoredBytes> bytes_;
  std::size_t position_ = 0;
  std::map<std::string, StorageRange> ranges_;
};

inline bool begins_as_zip(std::span<const std::byte> bytes) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return text.starts_with("PK\x03\x04") || text.starts_with("PK\x05\x06");
}

/// @param path their name in messages
inline Checkpoint parse_torch_checkpoint(const std::string& path,
                                         std::shared_ptr<const StoredBytes> bytes) {
  if (begins_as_zip(bytes->bytes())) return TorchZip(path, std::move(bytes)).read();
  return TorchLegacy(path, std::move(bytes)).read();
}

}  // namespace detail

/// Reads `.pt`, `.bin` and `.ckpt` files of torch.save: a state dict, or a dict that holds one
/// under "state_dict", "model_state_dict" or "model". "module." and "_orig_mod." are removed where
/// all names begin with them. Storages that are not compressed stay in the file until they are
/// requested.
/// @throws FileError if the file is damaged, or its pickle tries to call anything except what
/// rebuilds tensors and containers.
inline Checkpoint read_torch_checkpoint(const std::string& path) {
  return detail::parse_torch_checkpoint(path, std::make_shared<StoredBytes>(MappedFile(path)));
}

}  // namespace coca
