#pragma once
/// @file
/// Reading Python's pickles, protocols 0 to 5, as far as torch.save uses them
/// (https://github.com/python/cpython/blob/main/Lib/pickletools.py describes the opcodes). A pickle
/// is a program; here it can only create plain values and tensors: see pickle_calls.hpp.

#include <bit>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <unordered_map>
#include <utility>
#include <vector>

#include "coca/core/counted.hpp"
#include "coca/core/error.hpp"
#include "coca/io/checkpoint.hpp"
#include "coca/io/pickle_calls.hpp"
#include "coca/io/pickle_text.hpp"
#include "coca/io/pickle_value.hpp"

namespace coca {

/// Limits on a pickle.
struct PickleLimits {
  std::size_t max_values = 2'000'000;
  std::size_t max_depth = 1000;  ///< of containers under construction at the same time
};

namespace detail {

/// The stack machine. Each group of opcodes has a function that returns whether the opcode was its
/// own.
class Unpickler {
 public:
  Unpickler(const std::string& path, std::span<const std::byte> bytes, const PickleLimits& limits)
      : path_(path), input_(path, bytes), limits_(limits) {}

  PickleDocument run() {
    for (;;) {
      const auto opcode = static_cast<unsigned char>(input_.byte());
      if (opcode == '.') break;
      if (!push_number(opcode) && !push_text(opcode) && !push_container(opcode) &&
          !fill_container(opcode) && !use_memo(opcode) && !arrange_stack(opcode) && !call(opcode))
        fail("has the unknown opcode " + std::to_string(opcode));
    }
    document_.root = pop();
    document_.consumed = input_.position();
    return std::move(document_);
  }

 private:
  // clang-format off
  bool push_number(unsigned char opcode) {
    switch (opcode) {
      case 'N': return push(PickleNone{});
      case 0x88: return push(true);
      case 0x89: return push(false);
      case 'K': return push(std::int64_t{input_.number<std::uint8_t>()});
      case 'M': return push(std::int64_t{input_.number<std::uint16_t>()});
      case 'J': return push(std::int64_t{input_.number<std::int32_t>()});
      case 'G': return push_big_endian_double();
      case 0x8a: return push_long(input_.take(input_.number<std::uint8_t>()));
      case 0x8b: return push_long(input_.take(input_.number<std::uint32_t>()));
      case 'I':
      case 'L': return push_integer_line();
      case 'F': return push(parse_number<double>(input_.line()));
      default: return false;
    }
  }

  bool push_text(unsigned char opcode) {
    switch (opcode) {
      case 'X': return push(std::string(input_.take(input_.number<std::uint32_t>())));
      case 0x8c: return push(std::string(input_.take(input_.number<std::uint8_t>())));
      case 0x8d: return push(std::string(input_.take(input_.number<std::uint64_t>())));
      case 'V': return push(decode_unicode_escapes(input_.line()));
      // Python 2 strings: torch.load reads them as text too.
      case 'S': return push(decode_quoted(path_, input_.line()));
      case 'T': return push(std::string(input_.take(input_.number<std::uint32_t>())));
      case 'U': return push(std::string(input_.take(input_.number<std::uint8_t>())));
      case 'B': return push_bytes(input_.number<std::uint32_t>());
      case 'C': return push_bytes(input_.number<std::uint8_t>());
      case 0x8e:
      case 0x96: return push_bytes(input_.number<std::uint64_t>());
      default: return false;
    }
  }

  bool push_container(unsigned char opcode) {
    switch (opcode) {
      case ')': return push(PickleTuple{});
      case ']':
      case 0x8f: return push(PickleList{});
      case '}': return push(PickleDict{});
      case 't': return push(PickleTuple{pop_to_mark()});
      case 'l':
      case 0x91: return push(PickleList{pop_to_mark()});
      case 'd': return push(PickleDict{pairs(pop_to_mark())});
      case 0x85: return push(PickleTuple{pop_many(1)});
      case 0x86: return push(PickleTuple{pop_many(2)});
      case 0x87: return push(PickleTuple{pop_many(3)});
      default: return false;
    }
  }

  bool fill_container(unsigned char opcode) {
    switch (opcode) {
      case 'a': return append(pop_many(1));
      case 'e':
      case 0x90: return append(pop_to_mark());
      case 's': return set_items(pop_many(2));
      case 'u': return set_items(pop_to_mark());
      case 'b': return build();
      default: return false;
    }
  }

  bool use_memo(unsigned char opcode) {
    switch (opcode) {
      case 'p': return remember(line_index());
      case 'q': return remember(input_.number<std::uint8_t>());
      case 'r': return remember(input_.number<std::uint32_t>());
      case 0x94: return remember(memo_.size());
      case 'g': return recall(line_index());
      case 'h': return recall(input_.number<std::uint8_t>());
      case 'j': return recall(input_.number<std::uint32_t>());
      default: return false;
    }
  }

  bool arrange_stack(unsigned char opcode) {
    switch (opcode) {
      case '(': return push_mark();
      case '0': return pop_value_or_mark();
      case '1': return discard_to_mark();
      case '2': return push_ref(top());
      case 0x80: return check_protocol(input_.number<std::uint8_t>());
      case 0x95: return skip_frame();
      default: return false;
    }
  }

  bool call(unsigned char opcode) {
    switch (opcode) {
      case 'c': return push(read_global());
      case 0x93: return push_stack_global();
      case 'R':
      case 0x81: return call_with(pop_many(2));
      case 0x92: return call_with(pop_many(3));  // keyword arguments do not affect what is kept
      case 'i': return call_inst(read_global());
      case 'o': return call_object();
      case 'Q': return push(calls_.load_persistent(pop()));
      case 'P': fail("refers to outside data by text, which torch.save never does");
      case 0x82:
      case 0x83:
      case 0x84: fail("uses the extension registry, whose functions are not known here");
      default: return false;
    }
  }
  // clang-format on

  bool call_with(const std::vector<PickleRef>& operands) {
    return push(calls_.call(operands[0], arguments(operands[1])));
  }

  bool call_inst(const PickleGlobal& global) { return push(calls_.call(global, pop_to_mark())); }

  bool call_object() {
    const std::vector<PickleRef> operands = pop_to_mark();
    if (operands.empty()) fail("calls nothing");
    return push(calls_.call(operands[0], std::span(operands).subspan(1)));
  }

  PickleGlobal read_global() {
    const std::string_view module = input_.line();
    const std::string_view name = input_.line();
    return {std::string(module), std::string(name)};
  }

  bool push_stack_global() {
    const std::vector<PickleRef> operands = pop_many(2);
    const auto* module = document_.get<std::string>(operands[0]);
    const auto* name = document_.get<std::string>(operands[1]);
    if (module == nullptr || name == nullptr) fail("names a function by something other than text");
    calls_.charge_text(module->size() + name->size());
    return push(PickleGlobal{*module, *name});
  }

  std::span<const PickleRef> arguments(PickleRef ref) const {
    const auto* tuple = document_.get<PickleTuple>(ref);
    if (tuple == nullptr) fail("calls a function with something other than a tuple");
    return tuple->items;
  }

  /// Sets the state of an object. No object has state here, so there is nothing to set; but
  /// whatever would run code of an unknown class in Python is refused.
  bool build() {
    pop();
    const PickleRef target = top();
    if (const auto* global = document_.get<PickleGlobal>(target)) calls_.refuse(*global);
    if (document_.get<PickleObject>(target) == nullptr &&
        document_.get<PickleDict>(target) == nullptr &&
        document_.get<PickleTensor>(target) == nullptr)
      fail("sets the state of something that has none");
    return true;
  }

  bool append(const std::vector<PickleRef>& refs) {
    PickleValue& target = document_.values[top()];
    if (auto* list = std::get_if<PickleList>(&target)) {
      list->items.insert(list->items.end(), refs.begin(), refs.end());
    } else if (!std::holds_alternative<PickleObject>(target)) {
      fail("appends to something that is not a list");
    }
    return true;
  }

  bool set_items(const std::vector<PickleRef>& refs) {
    const auto items = pairs(refs);
    PickleValue& target = document_.values[top()];
    if (auto* dict = std::get_if<PickleDict>(&target)) {
      dict->items.insert(dict->items.end(), items.begin(), items.end());
    } else if (!std::holds_alternative<PickleObject>(target)) {
      fail("sets items of something that is not a dict");
    }
    return true;
  }

  std::vector<std::pair<PickleRef, PickleRef>> pairs(const std::vector<PickleRef>& refs) const {
    if (refs.size() % 2 != 0) fail("has a dict key without a value");
    std::vector<std::pair<PickleRef, PickleRef>> items;
    for (std::size_t i = 0; i < refs.size(); i += 2) items.emplace_back(refs[i], refs[i + 1]);
    return items;
  }

  bool push_bytes(std::uint64_t size) { return push(PickleBytes{std::string(input_.take(size))}); }

  bool push_big_endian_double() {
    std::uint64_t bits = 0;
    for (int i = 0; i < 8; ++i) bits = bits << 8 | input_.number<std::uint8_t>();
    return push(std::bit_cast<double>(bits));
  }

  bool push_long(std::string_view bytes) {
    if (bytes.size() > 8) return push(PickleBigInteger{std::string(bytes)});
    const bool negative = !bytes.empty() && (static_cast<unsigned char>(bytes.back()) & 0x80) != 0;
    std::uint64_t value = negative ? ~std::uint64_t{0} : 0;
    for (std::size_t i = bytes.size(); i-- > 0;)
      value = value << 8 | static_cast<unsigned char>(bytes[i]);
    return push(static_cast<std::int64_t>(value));
  }

  bool push_integer_line() {
    std::string_view line = input_.line();
    if (line == "00") return push(false);
    if (line == "01") return push(true);
    if (line.ends_with('L')) line.remove_suffix(1);
    return push(parse_number<std::int64_t>(line));
  }

  template <class T>
  T parse_number(std::string_view text) const {
    T value{};
    const char* end = text.data() + text.size();
    const auto result = std::from_chars(text.data(), end, value);
    if (result.ec != std::errc() || result.ptr != end) fail("has a malformed or too large number");
    return value;
  }

  std::uint64_t line_index() { return parse_number<std::uint64_t>(input_.line()); }

  bool check_protocol(unsigned protocol) const {
    if (protocol > 5) fail("is of protocol " + std::to_string(protocol) + ", 0 to 5 are known");
    return true;
  }

  bool remember(std::uint64_t index) {
    if (memo_.size() >= limits_.max_values) fail("remembers too many values");
    memo_[index] = top();
    return true;
  }

  bool skip_frame() {
    input_.number<std::uint64_t>();  // the frame's length is for readers of pipes; not checked
    return true;
  }

  bool discard_to_mark() {
    pop_to_mark();
    return true;
  }

  bool recall(std::uint64_t index) {
    const auto found = memo_.find(index);
    if (found == memo_.end()) fail("uses a value that it never stored");
    return push_ref(found->second);
  }

  bool push(PickleValue value) {
    if (document_.values.size() >= limits_.max_values)
      fail("has more than " + counted(limits_.max_values, "value"));
    document_.values.push_back(std::move(value));
    return push_ref(static_cast<PickleRef>(document_.values.size() - 1));
  }

  bool push_ref(PickleRef ref) {
    if (stack_.size() >= limits_.max_values) fail("puts too many values on its stack");
    stack_.push_back(ref);
    return true;
  }

  bool push_mark() {
    if (marks_.size() >= limits_.max_depth)
      fail("is nested deeper than " + std::to_string(limits_.max_depth) + " levels");
    marks_.push_back(stack_.size());
    return true;
  }

  /// Values below the last mark belong to a container that is still being collected.
  std::size_t floor() const { return marks_.empty() ? 0 : marks_.back(); }

  PickleRef top() const {
    if (stack_.size() <= floor()) fail("takes a value from an empty stack");
    return stack_.back();
  }

  PickleRef pop() {
    const PickleRef ref = top();
    stack_.pop_back();
    return ref;
  }

  std::vector<PickleRef> pop_many(std::size_t count) {
    if (stack_.size() - floor() < count) fail("takes a value from an empty stack");
    std::vector<PickleRef> refs(stack_.end() - static_cast<std::ptrdiff_t>(count), stack_.end());
    stack_.resize(stack_.size() - count);
    return refs;
  }

  std::vector<PickleRef> pop_to_mark() {
    if (marks_.empty()) fail("ends a container that it never began");
    std::vector<PickleRef> refs = pop_many(stack_.size() - marks_.back());
    marks_.pop_back();
    return refs;
  }

  bool pop_value_or_mark() {
    if (!marks_.empty() && stack_.size() == marks_.back())
      marks_.pop_back();
    else
      pop();
    return true;
  }

  [[noreturn]] void fail(const std::string& what) const {
    throw FileError(path_,
                    "the pickle " + what + " (byte " + std::to_string(input_.position()) + ")");
  }

  const std::string& path_;
  PickleInput input_;
  PickleLimits limits_;
  PickleDocument document_;
  PickleCalls calls_{path_, document_, limits_.max_values};
  std::vector<PickleRef> stack_;
  std::vector<std::size_t> marks_;
  std::unordered_map<std::uint64_t, PickleRef> memo_;
};

}  // namespace detail

/// Reads the pickle at the beginning of `bytes`; more may follow it.
/// @param path their name in messages
/// @throws FileError when it is damaged, costs more than the limits, or tries to call anything that
/// is not on the list of pickle_calls.hpp, whose name the message gives.
inline PickleDocument read_pickle(const std::string& path, std::span<const std::byte> bytes,
                                  const PickleLimits& limits = {}) {
  return detail::Unpickler(path, bytes, limits).run();
}

}  // namespace coca
