#pragma once
/// @file
/// A lexer in the manner of lex: of several patterns the one that matches the longest piece counts,
/// of equally long ones the first. Patterns are compiled to one automaton, whose deterministic form
/// is built while it is used.

#include <algorithm>
#include <cstddef>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/core/utf8.hpp"
#include "coca/text/unicode.hpp"

namespace coca {

namespace detail {

/// A set of characters: ranges, and classes that Unicode defines.
struct CharacterSet {
  std::vector<CodePointRange> ranges{};
  bool letters = false;  ///< and what stands inside words: combining marks, soft hyphens
  bool digits = false;   ///< decimal
  bool negated = false;

  bool contains(char32_t c) const {
    const bool inside =
        in_ranges(c, ranges) || (letters && is_word_letter(c)) || (digits && is_decimal_digit(c));
    return inside != negated;
  }

 private:
  static bool is_word_letter(char32_t c) {
    const bool symbol = (c >= 0x20D0 && c <= 0x20FF) || (c >= 0xFE00 && c <= 0xFE0F);
    return c == 0xAD || is_letter(c) || (c >= 0x300 && !symbol && is_mark(c));
  }
};

/// States of a nondeterministic automaton, as Thompson builds them.
struct PatternState {
  std::vector<std::size_t> silent{};  ///< reached without a character
  CharacterSet set{};                 ///< characters that lead to `next`
  std::size_t next = none;
  std::size_t pattern = none;  ///< that ends here

  static constexpr std::size_t none = std::numeric_limits<std::size_t>::max();
};

/// Translates patterns to states.
class PatternCompiler {
 public:
  explicit PatternCompiler(std::vector<PatternState>& states) : states_(states) {}

  /// Adds a pattern after the state `start`. @throws ArgumentError if it cannot be read
  void add(std::string_view pattern, std::size_t number, std::size_t start) {
    source_ = decode_utf8(pattern);
    place_ = 0;
    const Piece whole = alternatives();
    if (place_ != source_.size()) refuse();
    states_[start].silent.push_back(whole.begin);
    states_[whole.end].pattern = number;
  }

 private:
  static constexpr std::size_t max_copies = 1000;

  struct Piece {
    std::size_t begin;
    std::size_t end;
  };

  std::size_t state() {
    states_.emplace_back();
    return states_.size() - 1;
  }

  void link(std::size_t from, std::size_t to) { states_[from].silent.push_back(to); }

  char32_t peek() const { return place_ < source_.size() ? source_[place_] : U'\0'; }

  bool take(char32_t c) {
    if (peek() != c || place_ >= source_.size()) return false;
    ++place_;
    return true;
  }

  void expect(char32_t c) {
    if (!take(c)) refuse();
  }

  [[noreturn]] void refuse() const {
    throw ArgumentError("the pattern \"" + encode_utf8(source_) + "\" cannot be read from \"" +
                        encode_utf8(source_.substr(place_)) + '"');
  }

  Piece alternatives() {
    const Piece all{state(), state()};
    do {
      const Piece one = sequence();
      link(all.begin, one.begin);
      link(one.end, all.end);
    } while (take(U'|'));
    return all;
  }

  Piece sequence() {
    Piece all{state(), 0};
    all.end = all.begin;
    while (place_ < source_.size() && peek() != U'|' && peek() != U')') {
      const Piece next = repeated();
      link(all.end, next.begin);
      all.end = next.end;
    }
    return all;
  }

  Piece repeated() {
    const std::size_t first = place_;
    const Piece piece = atom();
    if (take(U'*')) return optional(looped(piece));
    if (take(U'+')) return looped(piece);
    if (take(U'?')) return optional(piece);
    return take(U'{') ? copies(piece, first) : piece;
  }

  /// As many copies as the braces say of the atom that begins at `first`. @param piece one of them
  Piece copies(Piece piece, std::size_t first) {
    const std::size_t least = number();
    const std::size_t most = take(U',') ? number() : least;
    if (most == 0 || most > max_copies || least > most) refuse();
    expect(U'}');
    const std::size_t after = place_;
    for (std::size_t i = 1; i < most; ++i) {  // the atom is read again for each copy
      place_ = first;
      const Piece copy = i < least ? atom() : optional(atom());
      link(piece.end, copy.begin);
      piece.end = copy.end;
    }
    place_ = after;
    return least == 0 ? optional(piece) : piece;
  }

  Piece looped(Piece piece) {
    link(piece.end, piece.begin);
    return piece;
  }

  Piece optional(Piece piece) {
    const Piece wrapped{state(), state()};
    link(wrapped.begin, piece.begin);
    link(piece.end, wrapped.end);
    link(wrapped.begin, wrapped.end);
    return wrapped;
  }

  std::size_t number() {
    const auto is_digit = [this] { return peek() >= U'0' && peek() <= U'9'; };
    if (!is_digit()) refuse();
    std::size_t value = 0;
    while (is_digit())
      value = std::min<std::size_t>(10 * value + (source_[place_++] - U'0'), max_copies + 1);
    return value;
  }

  Piece atom() {
    if (take(U'(')) {
      const Piece inner = alternatives();
      expect(U')');
      return inner;
    }
    const Piece piece{state(), state()};
    states_[piece.begin].next = piece.end;
    states_[piece.begin].set = take(U'[') ? set_in_brackets() : one_character();
    return piece;
  }

  CharacterSet one_character() {
    CharacterSet set;
    add_to(set, false);
    return set;
  }

  CharacterSet set_in_brackets() {
    CharacterSet set{.negated = take(U'^')};
    while (!take(U']')) add_to(set, true);
    return set;
  }

  /// A character, or a class: `\\L` letters, `\\D` decimal digits; in brackets also a range.
  void add_to(CharacterSet& set, bool bracketed) {
    const bool escaped = take(U'\\');
    if (place_ >= source_.size()) refuse();
    const char32_t c = source_[place_++];
    const bool range = bracketed && !escaped && place_ + 1 < source_.size() && peek() == U'-' &&
                       source_[place_ + 1] != U']';
    if (escaped && c == U'L')
      set.letters = true;
    else if (escaped && c == U'D')
      set.digits = true;
    else
      set.ranges.push_back({c, range ? source_[++place_] : c});
    if (range) ++place_;
  }

  std::vector<PatternState>& states_;
  std::u32string source_;
  std::size_t place_ = 0;
};

}  // namespace detail

/// Finds which of some patterns a text begins with. Patterns know characters, `(a|b)`, `[a-z]`,
/// `[^a-z]`, `*`, `+`, `?`, `{2}`, `{2,4}` (1 to 1000 copies at most), and the classes `\\L`
/// (letters, marks, soft hyphens) and `\\D` (decimal digits); a backslash makes any other character
/// plain.
///
/// An object remembers what it has seen, so that each thread needs its own.
class LongestMatch {
 public:
  /// What a text begins with.
  struct Match {
    std::size_t pattern = none;  ///< number of the pattern, or none
    std::size_t length = 0;      ///< characters
  };

  static constexpr std::size_t none = detail::PatternState::none;
  /// Characters that a match may have: no text takes more than linear time.
  static constexpr std::size_t max_length = 1000;

  /// @throws ArgumentError for a pattern that cannot be read
  explicit LongestMatch(const std::vector<std::string>& patterns) : states_(1) {
    detail::PatternCompiler compiler(states_);
    for (std::size_t i = 0; i < patterns.size(); ++i) compiler.add(patterns[i], i, 0);
    forget();
  }

  /// The longest match at the start of a text, of the first pattern that has it; it may be empty.
  Match operator()(std::u32string_view text) {
    if (steps_ > max_steps) forget();
    Match match{sets_[first]->pattern, 0};
    std::size_t set = first;
    for (std::size_t i = 0; i < std::min(text.size(), max_length); ++i) {
      set = next(set, text[i]);
      if (sets_[set]->states.empty()) break;
      if (sets_[set]->pattern != none) match = {sets_[set]->pattern, i + 1};
    }
    return match;
  }

 private:
  /// States of the patterns that are reached together.
  struct Set {
    std::vector<std::size_t> states{};
    std::size_t pattern = none;
    std::unordered_map<char32_t, std::size_t> next{};
  };

  static constexpr std::size_t first = 0;
  static constexpr std::size_t max_steps = 200'000;

  void forget() {
    sets_.clear();
    numbers_.clear();
    steps_ = 0;
    number_of({0});
  }

  std::size_t next(std::size_t set, char32_t c) {
    const auto known = sets_[set]->next.find(c);
    if (known != sets_[set]->next.end()) return known->second;
    std::vector<std::size_t> reached;
    for (const std::size_t state : sets_[set]->states)
      if (states_[state].next != none && states_[state].set.contains(c))
        reached.push_back(states_[state].next);
    ++steps_;
    const std::size_t number = number_of(std::move(reached));
    sets_[set]->next.emplace(c, number);
    return number;
  }

  /// The number of the set of some states and of those that they silently lead to.
  std::size_t number_of(std::vector<std::size_t> states) {
    std::vector<bool> present(states_.size());
    for (const std::size_t state : states) present[state] = true;
    for (std::size_t i = 0; i < states.size(); ++i)
      for (const std::size_t state : states_[states[i]].silent)
        if (!present[state]) {
          present[state] = true;
          states.push_back(state);
        }
    std::sort(states.begin(), states.end());
    states.erase(std::unique(states.begin(), states.end()), states.end());
    const auto [found, fresh] = numbers_.try_emplace(states, sets_.size());
    if (!fresh) return found->second;
    auto set = std::make_unique<Set>(Set{.states = std::move(states)});
    for (const std::size_t state : set->states)
      set->pattern = std::min(set->pattern, states_[state].pattern);
    sets_.push_back(std::move(set));
    return sets_.size() - 1;
  }

  std::vector<detail::PatternState> states_;
  std::vector<std::unique_ptr<Set>> sets_;
  std::map<std::vector<std::size_t>, std::size_t> numbers_;
  std::size_t steps_ = 0;
};

}  // namespace coca
