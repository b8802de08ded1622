#include "coca/data/brace_expansion.hpp"

#include "catch.hpp"
#include "io/temporary_folder.hpp"

using Names = std::vector<std::string>;

namespace {
Names expand(const std::string& pattern) { return coca::expand_braces(pattern); }
std::string reason(const std::string& pattern) {
  return coca_test::message_of([&] { coca::expand_braces(pattern); });
}
}  // namespace

TEST_CASE("Ranges and lists expand as in the shell") {
  CHECK(expand("a.tar") == Names{"a.tar"});
  CHECK(expand("s-{8..11}.tar") == Names{"s-8.tar", "s-9.tar", "s-10.tar", "s-11.tar"});
  CHECK(expand("{000..002}") == Names{"000", "001", "002"});
  CHECK(expand("{08..10}") == Names{"08", "09", "10"});
  CHECK(expand("{8..010}") == Names{"008", "009", "010"});
  CHECK(expand("{2..0}") == Names{"2", "1", "0"});
  CHECK(expand("{4..4}") == Names{"4"});
  CHECK(expand("{a,b,}.x") == Names{"a.x", "b.x", ".x"});
  CHECK(expand("{a,b}{0..1}") == Names{"a0", "a1", "b0", "b1"});
  CHECK(expand("x{a,{1..2}b}y") == Names{"xay", "x1by", "x2by"});
}

TEST_CASE("Braces that mean nothing are text") {
  CHECK(expand("{a}") == Names{"{a}"});
  CHECK(expand("a{b") == Names{"a{b"});
  CHECK(expand("}a{") == Names{"}a{"});
  CHECK(expand("{{0..1}") == Names{"{0", "{1"});
  CHECK(expand("{a..c}") == Names{"{a..c}"});
  CHECK(expand("{1..}") == Names{"{1..}"});
  CHECK(expand("{-1..1}") == Names{"{-1..1}"});
  CHECK(expand("{x{0..1}}") == Names{"{x0}", "{x1}"});
  CHECK(expand("{}") == Names{"{}"});
  CHECK(expand("") == Names{""});
}

TEST_CASE("Neither names nor time grow without bound") {
  const std::string complaint = "the braces of a name stand for more than 1000000 names";
  CHECK(reason("{0..999999999}") == complaint);
  CHECK(reason("{0..9999}{0..999}") == complaint);
  CHECK(reason("{{0..600000},{0..600000}}") == complaint);
  CHECK(expand("{0..999}{0..999}").size() == 1000000);
  CHECK(reason(std::string(4097, '{')) ==
        "a name with braces has 4097 characters, at most 4096 are accepted");
  CHECK(expand(std::string(4096, '{')).size() == 1);
  CHECK(expand(std::string(2048, '{') + std::string(2048, '}')).size() == 1);
}

TEST_CASE("Colons separate patterns") {
  CHECK(coca::expand_patterns("a{0..1}::b") == Names{"a0", "a1", "b"});
  CHECK(coca::expand_patterns("a:b") == Names{"a:b"});
  CHECK(coca::expand_patterns("") == Names{""});
}
