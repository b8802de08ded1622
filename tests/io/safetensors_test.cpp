#include "coca/io/safetensors.hpp"

#include "catch.hpp"
#include "safetensors_bytes.hpp"
#include "temporary_folder.hpp"

using coca_test::contains;
using coca_test::message_of;
using coca_test::safetensors_bytes;
using coca_test::TemporaryFolder;

namespace {

const std::string two_floats = R"({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}})";

std::string safetensors_refusal(const std::string& bytes) {
  const TemporaryFolder folder;
  const std::string path = folder.write("x.safetensors", bytes);
  const std::string message = message_of([&] { coca::read_safetensors(path); });
  if (message != "no error") CHECK(message.starts_with(path + ": "));
  return message;
}

/// One tensor "a" described by the inside of a JSON object, and eight bytes of data.
std::string entry_refusal(const std::string& inside) {
  return safetensors_refusal(safetensors_bytes("{\"a\": {" + inside + "}}", std::string(8, '\0')));
}

}  // namespace

TEST_CASE("tensors and metadata of a file written by the original library") {
  const auto checkpoint = coca::read_safetensors(COCA_TEST_DATA "/variants/coca_plain.safetensors");
  CHECK(checkpoint.contains("w.logit_scale"));
  CHECK(checkpoint.tensor("w.logit_scale").shape.rank() == 0);
  CHECK(checkpoint.tensor("w.visual.conv1.weight").shape == coca::Shape{48, 3, 8, 8});
  CHECK(checkpoint.tensor("w.visual.conv1.weight").dtype == coca::DType::F32);
  CHECK(checkpoint.read_floats("w.visual.conv1.weight").size() == 48 * 3 * 8 * 8);
}

TEST_CASE("metadata, empty tensors and every type") {
  const TemporaryFolder folder;
  const std::string path = folder.write(
      "x.safetensors", safetensors_bytes(R"({"__metadata__": {"format": "pt", "note": "x"},
        "e": {"dtype": "F16", "shape": [0, 3], "data_offsets": [4, 4]},
        "i": {"dtype": "I8", "shape": [2], "data_offsets": [4, 6]},
        "f": {"dtype": "F32", "shape": [], "data_offsets": [0, 4]}})",
                                         std::string("\0\0\x80\x3f\xff\x07", 6)));
  const auto checkpoint = coca::read_safetensors(path);
  CHECK(checkpoint.metadata().at("note") == "x");
  CHECK(checkpoint.read_floats("f") == std::vector<float>{1});
  CHECK(checkpoint.read_int64("i") == std::vector<std::int64_t>{-1, 7});
  CHECK(checkpoint.read_floats("e").empty());
}

TEST_CASE("a safetensors file cut anywhere is refused") {
  const std::string whole = safetensors_bytes(two_floats, "01234567");
  CHECK(safetensors_refusal(whole) == "no error");
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const std::string message = safetensors_refusal(whole.substr(0, size));
    INFO(size << ": " << message);
    CHECK((contains(message, "truncated") || contains(message, "too short") ||
           contains(message, "is empty")));
  }
  CHECK(contains(safetensors_refusal(whole + "x"), "has 1 byte that belong to no tensor"));
}

TEST_CASE("any header byte may be wrong without harm") {
  const std::string whole = safetensors_bytes(two_floats, "01234567");
  std::size_t refused = 0;
  for (std::size_t at = 0; at < whole.size() - 8; ++at) {
    for (const char wrong : {'\0', '\xff', '"', '{', '9', '-'}) {
      std::string bytes = whole;
      bytes[at] = wrong;
      if (safetensors_refusal(bytes) != "no error") ++refused;
    }
  }
  CHECK(refused > (whole.size() - 8) * 4);
}

TEST_CASE("header lengths beyond the file or the limit") {
  std::string bytes = safetensors_bytes(two_floats, "01234567");
  bytes[3] = '\x7f';
  CHECK(contains(safetensors_refusal(bytes), "at most 100000000 are accepted"));
  bytes = safetensors_bytes(two_floats, "01234567");
  bytes.replace(0, 8, 8, '\xff');
  CHECK(contains(safetensors_refusal(bytes), "announces a header of 18446744073709551615 bytes"));
  bytes = safetensors_bytes(two_floats, "01234567");
  bytes[1] = '\x01';
  CHECK(contains(safetensors_refusal(bytes), "the file is truncated"));
  CHECK(
      contains(safetensors_refusal(std::string(8, '\0')), "has a safetensors header of length 0"));
  CHECK(contains(safetensors_refusal(safetensors_bytes("[1]", "")), "does not begin with \"{\""));
  CHECK(contains(safetensors_refusal(safetensors_bytes("{\"a\": ", "")), "line 1, column "));
}

TEST_CASE("descriptions that contradict themselves or the file") {
  CHECK(contains(entry_refusal(R"("shape": [2], "data_offsets": [0, 8])"),
                 "tensor \"a\" has no \"dtype\""));
  CHECK(contains(entry_refusal(R"("dtype": "F8_E4M3", "shape": [8], "data_offsets": [0, 8])"),
                 "tensor \"a\" has the element type \"F8_E4M3\", which is not supported"));
  CHECK(contains(entry_refusal(R"("dtype": "F32", "data_offsets": [0, 8])"), "has no \"shape\""));
  CHECK(contains(entry_refusal(R"("dtype": "F32", "shape": [2])"), "has no \"data_offsets\""));
  CHECK(contains(entry_refusal(R"("dtype": "F32", "shape": [-2], "data_offsets": [0, 8])"),
                 "\"shape\" must hold non-negative integers, not -2"));
  CHECK(contains(entry_refusal(R"("dtype": "F32", "shape": [2], "data_offsets": [-8, 0])"),
                 "\"data_offsets\" must hold non-negative integers, not -8"));
  CHECK(contains(entry_refusal(R"("dtype": "F32", "shape": [2.0], "data_offsets": [0, 8])"),
                 "must hold non-negative integers"));
  CHECK(contains(entry_refusal(R"("dtype": "F32", "shape": [2], "data_offsets": [8, 0])"),
                 "must be a begin and an end"));
  CHECK(contains(entry_refusal(R"("dtype": "F32", "shape": [2], "data_offsets": [0, 8, 8])"),
                 "must be a begin and an end"));
  CHECK(contains(entry_refusal(R"("dtype": "F32", "shape": [3], "data_offsets": [0, 8])"),
                 "does not fill the 8 bytes given to it"));
  CHECK(contains(
      entry_refusal(R"("dtype": "F32", "shape": [4611686018427387904, 4], "data_offsets": [0, 0])"),
      "does not fill the 0 bytes given to it"));
  CHECK(
      contains(entry_refusal(R"("dtype": "U8", "shape": [1,1,1,1,1,1,8], "data_offsets": [0, 8])"),
               "has 7 dimensions, at most 6 are supported"));
  CHECK(contains(entry_refusal(R"("dtype": "F32", "shape": [4], "data_offsets": [0, 16])"),
                 "ends at byte 16 of the data, of which there are 8"));
  CHECK(contains(safetensors_refusal(safetensors_bytes(R"({"a": 3})", "")),
                 "is not described by a JSON object"));
  CHECK(contains(safetensors_refusal(safetensors_bytes(R"({"__metadata__": {"a": 3}})", "")),
                 "the value of \"a\" is not a string"));
}

TEST_CASE("tensors that overlap, leave gaps or occur twice") {
  const auto two = [](const std::string& first, const std::string& second) {
    return safetensors_refusal(
        safetensors_bytes(R"({"a": {"dtype": "U8", "shape": [4], "data_offsets": )" + first + R"(},
            "b": {"dtype": "U8", "shape": [4], "data_offsets": )" +
                              second + "}}",
                          "01234567"));
  };
  CHECK(two("[0, 4]", "[4, 8]") == "no error");
  CHECK(two("[4, 8]", "[0, 4]") == "no error");
  CHECK(contains(two("[0, 4]", "[2, 6]"), "tensor \"b\" begins at byte 2 of the data, inside"));
  CHECK(contains(two("[0, 4]", "[0, 4]"), "begins at byte 0 of the data, inside"));
  CHECK(contains(two("[1, 5]", "[5, 9]"), "not at the end of"));
  CHECK(contains(safetensors_refusal(safetensors_bytes(
                     R"({"a": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]},
                         "a": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]}})",
                     "0")),
                 "the key \"a\" occurs twice"));
}

TEST_CASE("a sharded checkpoint is read through its index") {
  const TemporaryFolder folder;
  folder.write("one.safetensors", safetensors_bytes(two_floats, std::string(8, '\0')));
  folder.write(
      "two.safetensors",
      safetensors_bytes(R"({"b": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]}})", "\x05"));
  const auto index = [&](const std::string& map) {
    return folder.write("x.safetensors.index.json", "{\"weight_map\": {" + map + "}}");
  };
  const auto refused = [&](const std::string& map) {
    return message_of([&] { coca::read_safetensors_index(index(map)); });
  };
  const auto checkpoint =
      coca::read_safetensors_index(index(R"("a": "one.safetensors", "b": "two.safetensors")"));
  CHECK(checkpoint.names() == std::vector<std::string>{"a", "b"});
  CHECK(checkpoint.read_int64("b") == std::vector<std::int64_t>{5});
  CHECK(contains(refused(R"("a": "two.safetensors")"),
                 "tensor \"a\" should be in \"two.safetensors\", but is not"));
  CHECK(contains(refused(R"("a": "three.safetensors")"),
                 "/three.safetensors: cannot be opened: No such file"));
  for (const std::string name : {"../one.safetensors", "/etc/passwd", "", ".", "..", "a\\\\b"})
    CHECK(contains(refused("\"a\": \"" + name + "\""), "is not a plain file name"));
  CHECK(contains(refused(R"("a": "one\u0000.safetensors")"), "is not a plain file name"));
  CHECK(contains(refused("\"a\": 3"), "the file of tensor \"a\" is not a string"));
  CHECK(contains(refused(""), "names no tensors"));
  const std::string bare = folder.write("y.json", "[]");
  CHECK(contains(message_of([&] { coca::read_safetensors_index(bare); }), "has no \"weight_map\""));
}
