#pragma once
/// @file
/// The words of captions as pycocoevalcap counts them: tokens of the Penn Treebank as Stanford's
/// PTBTokenizer 3.4.1 finds them with `-preserveLines -lowerCase`, without those of punctuation.
///
/// What counts as a token was found out by running that program. Two things differ on purpose: line
/// breaks of any kind within a caption are spaces (there they would shift all later captions to
/// other pictures), and a caption does not depend on the one after it (there "etc." at the end has
/// a second period, which is not a word anyway, if the next caption begins with a capital).

#include <algorithm>
#include <array>
#include <cstddef>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "coca/core/utf8.hpp"
#include "coca/text/longest_match.hpp"
#include "coca/text/unicode.hpp"

namespace coca {

namespace detail {

/// A kind of token.
struct PtbRule {
  std::string pattern;
  std::size_t rest = 0;  ///< characters at the end that are not of the token: they are read again
  std::string text{};    ///< what it becomes; empty: itself
};

/// Letters whose case does not matter: "[Cc][Aa]..." of "ca...".
inline std::string any_case(std::string_view word) {
  std::string pattern;
  for (const char c : word) {
    const bool letter = c >= 'a' && c <= 'z';
    if (letter) pattern += {'[', static_cast<char>(c - 'a' + 'A'), c, ']'};
    if (!letter) pattern += c;
  }
  return pattern;
}

inline const std::string ptb_apostrophe = "(['\u2019\u0092]|&apos;)";

/// Words, and what apostrophes do to them.
inline std::vector<PtbRule> ptb_word_rules() {
  const std::string inner = "(['\u2019\u0092`\u2018\u201B\u0091]|&apos;)";
  const std::string word = "([\\L\\D]*\\L[\\L\\D]*([.!?]\\L[\\L\\D]*)*|[\\L\\D]+(_[\\L\\D]+)+)";
  return {
      // Two words in one: the first, and how many letters of the second are left.
      {any_case("cannot"), 3},
      {any_case("(gon|got|wan)na"), 2},
      {any_case("gotta"), 2},
      {any_case("(lem|gim)me"), 2},
      {any_case("'tis"), 2},
      {any_case("'twas"), 3},
      {any_case("more'n"), 2},
      // A word before n't, 's, 're, which are words themselves.
      {"[A-Za-z\u00AD]*[A-MO-Za-mo-z]\u00AD*[Nn]['\u2019\u0092`\u2018\u201B\u0091][Tt]", 3},
      {word + "['\u2019\u0092]" + any_case("(s|m|d)"), 2},
      {word + "['\u2019\u0092]" + any_case("(re|ve|ll)"), 3},
      {"[Nn]" + inner + "[Tt]", 0, "n't"},
      {ptb_apostrophe + "[Ss][^A-Za-z]", 1, "'s"},
      {ptb_apostrophe + "[Mm][^A-Za-z]", 1, "'m"},
      {ptb_apostrophe + "[Dd][^A-Za-z]", 1, "'d"},
      {ptb_apostrophe + any_case("re") + "[^A-Za-z]", 1, "'re"},
      {ptb_apostrophe + any_case("ve") + "[^A-Za-z]", 1, "'ve"},
      {ptb_apostrophe + any_case("ll") + "[^A-Za-z]", 1, "'ll"},
      {any_case("y") + ptb_apostrophe + "\\L", 1},
      // Apostrophes that belong to a word.
      {any_case("(d|o|l|n)") + inner + "\\L\\L[\\L\\D]*"},
      {"[A-Za-z]+[AEIOUaeiou]" + inner + "[AEIOUaeiou]\\L*"},
      {any_case("(d|l|j)") + ptb_apostrophe},
      {any_case("(c'mon|s'mores)")},
      {any_case("(somethin|dunkin|ol)") + ptb_apostrophe},
      {any_case("o") + ptb_apostrophe + any_case("clock")},
      {ptb_apostrophe + any_case("(cause|em|till?)")},
      {ptb_apostrophe + any_case("n") + ptb_apostrophe},
      {ptb_apostrophe + any_case("n") + "[ \n]", 1},
      {any_case("(c'est|e'er|nor'easter)")},
      {ptb_apostrophe + "[2-9]0[Ss]"},
      {ptb_apostrophe + "[0-9][0-9][ \n\u00A0]", 1},
      {word},
  };
}

/// Abbreviations, whose period belongs to them.
inline std::vector<PtbRule> ptb_abbreviation_rules() {
  const std::string period = "\\.";
  const std::string numbered = any_case("(ca|figs?|prop|nos?|art|bldg|pp|op)") + period;
  return {
      {any_case("(jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec|mon|tues?|wed|thu|thurs|fri)") +
       period},
      {any_case("(ala|ariz|calif|colo|conn|ct|dak|fla|ga|ind|kans?|ky|la|md|mich|minn|mo|mont|"
                "neb|nev|okla|pa|penn|tenn|va|vt|wisc?|wyo)") +
       period},
      {"([A]" + any_case("z") + "|A" + any_case("rk") + "|D" + any_case("el") + "|I" +
       any_case("ll") + "|M" + any_case("(ass|iss)") + "|O" + any_case("re") + "|T" +
       any_case("ex") + "|W" + any_case("ash") + ")" + period},
      {any_case("(jr|sr|bros|ed\\.d|ph\\.d|blvd|rd|esq|inc|cos?|corp|pp?t[ye]s?|ltd|plc|bancorp|"
                "dept|bhd|assn|univ|intl|sys|invt|elec|natl|mfg|mtg)") +
       period},
      {any_case("(tel|est|ext|sq|etc|al|seq|bldg|vs|alex|wm|jos|cie|cf|treas|a\\.k\\.a)") + period},
      {any_case("(mr|mrs|ms|drs?|profs?|sens?|reps?|attys?|lt|col|gen|messrs|govs?|adm|rev|maj|sgt|"
                "cpl|pvt|capt|ste?|ave|pres|lieut|hon|brig|co?mdr|pfc|spc|supts?|det|mt|ft|adj|adv|"
                "asst|assoc|ens|insp|mlle|mme|msgr|sfc)") +
       period},
      {numbered + "[0-9]", 1},  // of these only before a number
      {numbered + "[ \u00A0][0-9]", 2},
      {"[A-Za-z](\\.[A-Za-z])+"},
      {"[A-Za-z](\\.[A-Za-z])*\\."},
  };
}

/// Numbers, compounds, and addresses.
inline std::vector<PtbRule> ptb_compound_rules() {
  const std::string number = "(\\D+|\\D*([.,:\u00AD\u066B\u066C]\\D+)+)";
  const std::string part = "[A-Za-z0-9]+(-[A-Za-z]+){0,2}";
  const std::string host = "[^ \n\t\"<>|(){}.\u00A0]+";
  const std::string path = "(/[^ \n\t\"<>|()]+[^ \n\t\"<>|.!?(){},-])?";
  return {
      {"\\D{1,2}[-/]\\D{1,2}[-/]\\D{2,4}"},
      {"[-+]?" + number},
      {"(\\D{1,4}[- \u00A0])?\\D{1,4}(\\\\?/|\u2044)\\D{1,4}"},
      {"(\\([0-9]{2,3}\\)[ \u00A0]?|(\\+\\+?)?([0-9]{2,4}[- \u00A0])?[0-9]{2,4}[- \u00A0])"
       "[0-9]{3,4}[- \u00A0]?[0-9]{3,5}"},
      {"((\\+\\+?)?[0-9]{2,4}\\.)?[0-9]{2,4}\\.[0-9]{3,4}\\.[0-9]{3,5}"},
      {"[\\L0-9][\\L0-9.,_\u00AD]*(-([\\L0-9\u00AD]+|[A-Za-z](\\.[A-Za-z])+\\.))+"},
      {part + "(\\\\?/" + part + "){1,2}"},
      {"[A-Z]+(([+&]|&amp;)[A-Z]+)+"},
      {"[CcFf]#|[Cc]\\+\\+"},
      {"https?://[^ \n\t\"<>|()]+[^ \n\t\"<>|.!?(){},-]"},
      {"www\\.([^ \n\t\"<>|.!?(){},]+\\.)+[a-zA-Z]{2,4}" + path},
      {"([^ \n\t\"`'<>|.!?(){},_:$@-]+\\.)+(com|net|org|edu)" + path},
      {"<?[a-zA-Z0-9][^ \n\t\"<>|()\u00A0]*@(" + host + "\\.)*" + host + ">?"},
      {"@[a-zA-Z_][a-zA-Z_0-9]*"},
      {"#\\L+"},
      {"[\u207A\u207B\u208A\u208B]?([\u2070\u00B9\u00B2\u00B3\u2074-\u2079]+|[\u2080-\u2089]+)"},
      {"<([!?][A-Za-z-][^>\n]*|/?[A-Za-z][A-Za-z0-9:._-]*([ ]+([A-Za-z][A-Za-z0-9:.-]*|"
       "[A-Za-z][A-Za-z0-9:.-]*[ ]*=[ ]*('[^'\n]*'|\"[^\"\n]*\")))*[ ]*/?)>"},
  };
}

/// Punctuation, symbols and money.
inline std::vector<PtbRule> ptb_symbol_rules() {
  return {
      {"&(MD|mdash|ndash);|[\u0096\u0097\u2013\u2014\u2015]|-{2,4}", 0, "--"},
      {"-----+|##+"},
      {"&amp;", 0, "&"},
      {"&lt;", 0, "<"},
      {"&gt;", 0, ">"},
      {"&quot;|\"|[\u0093\u0094\u201C\u201D\u00AB\u00BB]|''|``", 0, "''"},
      {"['\u0091\u0092\u2018\u2019\u201B\u2039\u203A]|&apos;", 0, "'"},
      {"&nbsp;", 0, "..."},  // no word
      {"&#[0-9]+;|&(HT|TL|UR|LR|QC|QL|QR|odq|cdq);"},
      {"(&[aeiouAEIOU]" + any_case("(acute|grave|uml)") + ";|\\L)*&[aeiouAEIOU]" +
       any_case("(acute|grave|uml)") + ";\\L*"},
      {"\u00BC", 0, "1/4"},
      {"\u00BD", 0, "1/2"},
      {"\u00BE", 0, "3/4"},
      {"\u2153", 0, "1/3"},
      {"\u2154", 0, "2/3"},
      {"[A-Z]*\\$"},
      {"\u00A2", 0, "cents"},
      {"\u00A3", 0, "#"},
      {"[\u0080\u00A4\u20A0\u20AC]", 0, "$"},
      {"\\.{3,5}|(\\.[ \u00A0]){2,4}\\.|[\u0085\u2026]", 0, "..."},
      {"[?!]+"},
      {"__+"},
      {"\\*+|\\\\[/*]"},
      {"[<>]?[:;=](['o-])?[()DPdpO\\\\{@|\\[\\]][^A-Za-z]", 1},
      {"[=~<>^'-]_[=~<>^'-]"},
      {"\\([=~<>^'-][_.]?[=~<>^'-]\\)"},
      {"<<|>>"},
      {"[-+%&~^|\\\\`#<>=/@_,;:.()\\[\\]{}]"},
      {"[\u00A1\u00A5-\u00A9\u00AC\u00AE-\u00B4\u00B6-\u00B9\u00BF\u00D7\u00F7\u037E\u0387\u0589]"},
      {"[\u05BE\u05C0\u05C3\u05C6\u05F3\u05F4\u0600-\u0603\u0606-\u060C\u0614\u061B\u061E\u061F]"},
      {"[\u066A\u066D\u06D4\u0700-\u070D\u07F6-\u07F8\u0964\u0965\u0E3F\u0E4F\u1FBD\u2016\u2017]"},
      {"[\u201A\u201E-\u2023\u2030-\u2038\u203B\u203E-\u2042\u2044\u2070\u2074-\u207E\u2080-"
       "\u208E]"},
      {"[\u20A4\u2100-\u214F\u2155-\u215E\u2190-\u2BFF\u3001\u3002\u3012\u30FB]"},
      {"[\uFF01-\uFF0F\uFF1A-\uFF20\uFF3B-\uFF40\uFF5B-\uFF65\uFFE0\uFFE1\uFFE5\uFFE6]"},
  };
}

inline std::vector<PtbRule> ptb_rules() {
  std::vector<PtbRule> rules;
  for (std::vector<PtbRule> some :
       {ptb_compound_rules(), ptb_abbreviation_rules(), ptb_symbol_rules(), ptb_word_rules()})
    std::move(some.begin(), some.end(), std::back_inserter(rules));
  return rules;
}

/// A token as it is counted: in lower case, round brackets by name, no soft hyphens; square and
/// curly brackets have names where they stand alone.
inline std::string ptb_spelling(const PtbRule& rule, std::u32string_view piece) {
  if (!rule.text.empty()) return rule.text;
  if (piece == U"[") return "-lsb-";
  if (piece == U"]") return "-rsb-";
  if (piece == U"{") return "-lcb-";
  if (piece == U"}") return "-rcb-";
  std::string spelled;
  for (const char32_t c : to_lower(piece)) {
    if (c == U'\u00AD') continue;
    if (c == U'(' && piece.front() != U'<')
      spelled += "-lrb-";
    else if (c == U')' && piece.front() != U'<')
      spelled += "-rrb-";
    else
      append_utf8(spelled, c == U' ' ? U'\u00A0' : c);  // as in telephone numbers
  }
  const std::size_t entity = spelled.find("&amp;");
  return entity == std::string::npos ? spelled : spelled.replace(entity, 5, "&");
}

/// Whether a token is one of the punctuation that pycocoevalcap leaves out. Brackets stay: its list
/// has their names in capitals.
inline bool is_ptb_punctuation(std::string_view token) {
  constexpr std::array<std::string_view, 13> left_out{"''", "'", "`",  ".",   "?", "!", ",",
                                                      ":",  "-", "--", "...", ";", ""};
  return std::find(left_out.begin(), left_out.end(), token) != left_out.end();
}

}  // namespace detail

/// Finds the words of captions. An object remembers parts of what it has read, for speed: each
/// thread needs its own.
class PtbTokenizer {
 public:
  PtbTokenizer() : rules_(detail::ptb_rules()), match_(patterns(rules_)) {}

  /// The words of a caption, in lower case; bytes that are not UTF-8 are between words.
  /// @throws UnavailableError beyond ASCII without utf8proc
  std::vector<std::string> operator()(std::string_view caption) {
    std::u32string text = decode_utf8(caption);
    for (char32_t& c : text)
      if ((c >= 0x0A && c <= 0x0D) || c == 0x85 || c == 0x2028 || c == 0x2029) c = U' ';
    text += U'\n';  // so that what needs a character after it has one
    std::vector<std::string> words;
    for (std::u32string_view left = text; !left.empty();) {
      const LongestMatch::Match match = match_(left);
      const bool known = match.pattern != LongestMatch::none;
      const std::size_t size = known ? match.length - rules_[match.pattern].rest : 1;
      if (known) {
        std::string word = detail::ptb_spelling(rules_[match.pattern], left.substr(0, size));
        if (!detail::is_ptb_punctuation(word)) words.push_back(std::move(word));
      }
      left.remove_prefix(size);
    }
    return words;
  }

 private:
  static std::vector<std::string> patterns(const std::vector<detail::PtbRule>& rules) {
    std::vector<std::string> patterns;
    for (const detail::PtbRule& rule : rules) patterns.push_back(rule.pattern);
    return patterns;
  }

  std::vector<detail::PtbRule> rules_;
  LongestMatch match_;
};

}  // namespace coca
