#include "coca/io/pickle.hpp"

#include "catch.hpp"
#include "pickle_bytes.hpp"

using namespace coca;
using namespace std::string_literals;
using coca_test::contains;
using coca_test::pickle_refusal;
using coca_test::unpickle;
using coca_test::unpickle_as;

TEST_CASE("numbers of every protocol") {
  CHECK(unpickle_as<std::int64_t>("I42\n.") == 42);
  CHECK(unpickle_as<std::int64_t>("L-42L\n.") == -42);
  CHECK(unpickle_as<bool>("I01\n."));
  CHECK_FALSE(unpickle_as<bool>("I00\n."));
  CHECK(unpickle_as<std::int64_t>("K\xff.") == 255);
  CHECK(unpickle_as<std::int64_t>(std::string("M\x01\x02.")) == 513);
  CHECK(unpickle_as<std::int64_t>("J\xfe\xff\xff\xff.") == -2);
  CHECK(unpickle_as<std::int64_t>(std::string("\x8a\x00.", 3)) == 0);
  CHECK(unpickle_as<std::int64_t>("\x8a\x01\xff.") == -1);
  CHECK(unpickle_as<std::int64_t>(std::string("\x8a\x02\xff\x00.", 5)) == 255);
  CHECK(unpickle_as<std::int64_t>(std::string("\x8b\x01\x00\x00\x00\x07.", 7)) == 7);
  CHECK(unpickle_as<PickleBigInteger>("\x8a\x09"
                                      "123456789.")
            .bytes == "123456789");
  CHECK(unpickle_as<double>("F-1.5\n.") == -1.5);
  CHECK(unpickle_as<double>(std::string("G\x3f\xf8\0\0\0\0\0\0.", 10)) == 1.5);
  CHECK(unpickle_as<bool>("\x88."));
  CHECK_NOTHROW(unpickle_as<PickleNone>("N."));
}

TEST_CASE("strings and bytes of every protocol") {
  CHECK(unpickle_as<std::string>("S'a b'\n.") == "a b");
  CHECK(unpickle_as<std::string>("V\\u00e4\n.") == "\xc3\xa4");
  CHECK(unpickle_as<std::string>(std::string("T\2\0\0\0ab.", 8)) == "ab");
  CHECK(unpickle_as<std::string>("U\2ab.") == "ab");
  CHECK(unpickle_as<std::string>(std::string("X\2\0\0\0ab.", 8)) == "ab");
  CHECK(unpickle_as<std::string>("\x8c\2"
                                 "ab.") == "ab");
  CHECK(unpickle_as<std::string>(std::string("\x8d\2\0\0\0\0\0\0\0ab.", 12)) == "ab");
  CHECK(unpickle_as<PickleBytes>("C\2ab.").bytes == "ab");
  CHECK(unpickle_as<PickleBytes>(std::string("B\2\0\0\0ab.", 8)).bytes == "ab");
  CHECK(unpickle_as<PickleBytes>(std::string("\x96\2\0\0\0\0\0\0\0ab.", 12)).bytes == "ab");
}

TEST_CASE("containers are filled as Python fills them") {
  CHECK(unpickle_as<PickleTuple>("(K\1K\2K\3K\4t.").items.size() == 4);
  CHECK(unpickle_as<PickleTuple>("K\1K\2K\3\x87.").items.size() == 3);
  CHECK(unpickle_as<PickleList>("(lK\1a(K\2K\3e.").items.size() == 3);
  CHECK(unpickle_as<PickleList>("](K\1K\2e.").items.size() == 2);
  CHECK(unpickle_as<PickleList>("\x8f(K\1\x90.").items.size() == 1);
  CHECK(unpickle_as<PickleList>("(K\1K\1\x91.").items.size() == 2);
  CHECK(unpickle_as<PickleDict>("(K\1K\2d.").items.size() == 1);
  CHECK(unpickle_as<PickleDict>("}K\1K\2s(K\3K\4u.").items.size() == 2);
  CHECK(unpickle_as<PickleList>("(0]K\1"
                                "020(K\1"
                                "1.")
            .items.empty());
}

TEST_CASE("the memo shares values, even a list that contains itself") {
  const PickleDocument document = unpickle("]q\1h\1a.");
  const auto& list = std::get<PickleList>(document[document.root]);
  REQUIRE(list.items.size() == 1);
  CHECK(list.items[0] == document.root);
  CHECK(unpickle_as<std::int64_t>("K\5p300\n0g300\n.") == 5);
  CHECK(unpickle_as<std::int64_t>(std::string("K\5r\1\0\0\0"
                                              "0j\1\0\0\0.",
                                              14)) == 5);
  CHECK(unpickle_as<std::int64_t>(std::string("\x80\4\x95\5\0\0\0\0\0\0\0K\5\x94"
                                              "0h\0.",
                                              18)) == 5);
}

TEST_CASE("what follows the pickle is not read") { CHECK(unpickle("K\1.rest").consumed == 3); }

TEST_CASE("damaged pickles are refused, wherever they are cut") {
  const std::string whole = "\x80\2}q\0(X\1\0\0\0aK\1X\1\0\0\0b(lq\1(K\2K\3eu."s;
  CHECK(pickle_refusal(whole) == "no error");
  for (std::size_t size = 0; size < whole.size(); ++size)
    CHECK(contains(pickle_refusal(whole.substr(0, size)), "memory: the pickle is truncated"));
  CHECK(contains(pickle_refusal("\xff."), "has the unknown opcode 255"));
  CHECK(contains(pickle_refusal("."), "takes a value from an empty stack"));
  CHECK(contains(pickle_refusal("K\1(0t."), "ends a container that it never began"));
  CHECK(contains(pickle_refusal("K\1(a."), "takes a value from an empty stack"));
  CHECK(contains(pickle_refusal("(K\1d."), "a dict key without a value"));
  CHECK(contains(pickle_refusal("h\7."), "uses a value that it never stored"));
  CHECK(contains(pickle_refusal("K\1K\2a."), "appends to something that is not a list"));
  CHECK(contains(pickle_refusal("K\1K\2K\3s."), "sets items of something that is not a dict"));
  CHECK(contains(pickle_refusal("I12x\n."), "a malformed or too large number"));
  CHECK(contains(pickle_refusal("I99999999999999999999\n."), "a malformed or too large number"));
  CHECK(contains(pickle_refusal("\x80\6N."), "is of protocol 6"));
  CHECK(contains(pickle_refusal("Pid\n."), "refers to outside data by text"));
  CHECK(contains(pickle_refusal("\x82\1."), "uses the extension registry"));
  CHECK(contains(pickle_refusal("K\1K\2\x93."), "names a function by something other than text"));
  CHECK(contains(pickle_refusal("cx\nY\nK\1R."), "with something other than a tuple"));
  CHECK(contains(pickle_refusal("(o."), "calls nothing"));
  CHECK(contains(pickle_refusal("X\xff\xff\xff\xff"
                                "abc."),
                 "truncated"));
}

TEST_CASE("values, depth and memo are bounded") {
  CHECK(contains(pickle_refusal(std::string(100'000, '(')), "nested deeper than 1000 levels"));
  std::string nested(100'000, ']');
  nested += std::string(99'999, 'a') + ".";
  CHECK(pickle_refusal(nested) == "no error");  // takes no stack of this program
  CHECK(contains(pickle_refusal(std::string(101, 'N') + ".", {.max_values = 100}),
                 "has more than 100 values"));
  CHECK(contains(pickle_refusal("N" + std::string(101, '2') + ".", {.max_values = 100}),
                 "too many values on its stack"));
  std::string memo = "N";
  for (int i = 0; i < 101; ++i) memo.append("p").append(std::to_string(i)).append("\n");
  CHECK(contains(pickle_refusal(memo + ".", {.max_values = 100}), "remembers too many values"));
}
