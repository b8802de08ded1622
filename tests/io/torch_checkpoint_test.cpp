#include "coca/io/torch_checkpoint.hpp"

#include "catch.hpp"
#include "coca/io/safetensors.hpp"
#include "coca/io/zip_archive.hpp"
#include "temporary_folder.hpp"
#include "zip_bytes.hpp"

using coca::Checkpoint;
using coca_test::contains;
using coca_test::message_of;
using coca_test::read_all;
using coca_test::TemporaryFolder;
using coca_test::ZipContent;

namespace {

const std::string data = COCA_TEST_DATA "/checkpoints/";

/// The weights that every container was made from.
Checkpoint weights() {
  return coca::read_safetensors(COCA_TEST_DATA "/variants/coca_plain.safetensors")
      .renamed([](const std::string& name) -> std::optional<std::string> {
        if (!name.starts_with("w.")) return std::nullopt;
        return name.substr(2);
      });
}

/// Rounding that the container's element type implies.
using Rounding = float (*)(float);

void check_equal(const Checkpoint& read, Rounding round) {
  const Checkpoint expected = weights();
  REQUIRE(expected.size() > 50);
  REQUIRE(read.names() == expected.names());
  for (const std::string& name : expected.names()) {
    INFO(name);
    CHECK(read.tensor(name).shape == expected.tensor(name).shape);
    std::vector<float> values = expected.read_floats(name);
    for (float& value : values) value = round(value);
    CHECK(read.read_floats(name) == values);
  }
}

std::string string(const std::string& text) {
  std::string bytes = "X";
  for (int i = 0; i < 4; ++i) bytes += static_cast<char>(text.size() >> (8 * i) & 0xff);
  return bytes + text;
}

/// A pickled tensor of one axis over storage "0" of `elements` floats.
std::string tensor(int elements, int extent, int offset = 0, int stride = 1) {
  const auto byte = [](int value) { return std::string("K") + static_cast<char>(value); };
  return "ctorch._utils\n_rebuild_tensor_v2\n((" + string("storage") + "ctorch\nFloatStorage\n" +
         string("0") + string("cpu") + byte(elements) + "tQ" + byte(offset) + byte(extent) +
         "\x85" + byte(stride) + "\x85\x89}tR";
}

std::string state_dict(const std::string& value) { return "}" + string("t") + value + "s."; }

const std::string four_floats("\0\0\x80\x3f\0\0\0\x40\0\0\x40\x40\0\0\x80\x40", 16);

Checkpoint read_zip(const TemporaryFolder& folder, const std::vector<ZipContent>& contents) {
  coca_test::make_zip(folder.path("x.pt"), contents);
  return coca::read_torch_checkpoint(folder.path("x.pt"));
}

std::string zip_refusal(const std::vector<ZipContent>& contents) {
  const TemporaryFolder folder;
  return message_of([&] { read_zip(folder, contents); });
}

std::string file_refusal(const std::string& bytes) {
  const TemporaryFolder folder;
  const std::string path = folder.write("x.pt", bytes);
  return message_of([&] { coca::read_torch_checkpoint(path); });
}

}  // namespace

TEST_CASE("every container of the reference contains the same weights") {
  if (!coca::ZipArchive::available) return;
  const Rounding same = [](float value) { return value; };
  const Rounding half = [](float value) { return float(coca::float16(value)); };
  const Rounding brain = [](float value) { return float(coca::bfloat16(value)); };
  check_equal(coca::read_torch_checkpoint(data + "state_dict.pt"), same);
  check_equal(coca::read_torch_checkpoint(data + "strided_views.pt"), same);
  check_equal(coca::read_torch_checkpoint(data + "training_checkpoint.pt"), same);
  check_equal(coca::read_torch_checkpoint(data + "legacy_not_zip.pt"), same);
  check_equal(coca::read_torch_checkpoint(data + "half.bin"), half);
  check_equal(coca::read_torch_checkpoint(data + "bfloat16.bin"), brain);
}

TEST_CASE("a pickle that calls a function is refused by name and not run") {
  if (!coca::ZipArchive::available) return;
  CHECK(message_of([] { coca::read_torch_checkpoint(data + "malicious.pt"); }) ==
        data +
            "malicious.pt: the pickle tries to call posix.system, which no weights need; "
            "nothing of it was run");
  CHECK_FALSE(std::filesystem::exists("/tmp/pickle_was_executed"));
}

TEST_CASE("stored and compressed storages") {
  if (!coca::ZipArchive::available) return;
  const TemporaryFolder folder;
  for (const bool deflate : {false, true}) {
    const Checkpoint read =
        read_zip(folder, {{"x/data.pkl", state_dict(tensor(4, 2, 1, 2)), deflate},
                          {"x/byteorder", "little"},
                          {"x/data/0", four_floats, deflate}});
    CHECK(read.read_floats("t") == std::vector<float>{2, 4});
  }
}

TEST_CASE("wrappers around the state dict and prefixes of names") {
  if (!coca::ZipArchive::available) return;
  const TemporaryFolder folder;
  const auto names = [&](const std::string& pickle) {
    return read_zip(folder, {{"x/data.pkl", pickle}, {"x/data/0", four_floats}}).names();
  };
  const std::string inner = "}" + string("module._orig_mod.a") + tensor(4, 4) + "s" +
                            string("module._orig_mod.b") + tensor(4, 1) + "s";
  const std::vector<std::string> expected{"a", "b"};
  CHECK(names(inner + ".") == expected);
  for (const char* key : {"state_dict", "model_state_dict", "model"})
    CHECK(names("}" + string(key) + inner + "s" + string("epoch") + "K\3s.") == expected);
  CHECK(names("}" + string("model") + "}" + string("state_dict") + inner + "ss.") == expected);
  CHECK(names("}" + string("module.a") + tensor(4, 4) + "s" + string("b") + tensor(4, 4) + "s.") ==
        std::vector<std::string>{"b", "module.a"});
}

TEST_CASE("storages of skipped parts need not exist") {
  if (!coca::ZipArchive::available) return;
  const TemporaryFolder folder;
  const std::string pickle = "}" + string("state_dict") + "}" + string("t") + tensor(4, 4) + "ss" +
                             string("optimizer") + "(ctorch._utils\n_rebuild_tensor_v2\n((" +
                             string("storage") + "ctorch\nComplexFloatStorage\n" +
                             string("missing") + string("cpu") +
                             "K\x09tQK\2K\x09\x85K\1\x85\x89}tRts.";
  CHECK(read_zip(folder, {{"x/data.pkl", pickle}, {"x/data/0", four_floats}}).size() == 1);
}

TEST_CASE("tensors that do not fit their storage") {
  if (!coca::ZipArchive::available) return;
  const auto refusal = [](const std::string& value) {
    return zip_refusal({{"x/data.pkl", state_dict(value)},
                        {"x/data/0", four_floats},
                        {"x/data/1", std::string(4096, 'x')}});
  };
  CHECK(contains(refusal(tensor(4, 5)), "tensor \"t\" of shape [5] reaches beyond"));
  CHECK(contains(refusal(tensor(4, 4, 1)), "reaches beyond"));
  CHECK(contains(refusal(tensor(4, 3, 0, 2)), "reaches beyond"));
  CHECK(contains(refusal(tensor(4, 200, 0, 0)), "has more elements than are stored"));
  CHECK(contains(refusal(tensor(5, 4)), "storage \"0\" has 16 bytes, its pickle says 20"));
  CHECK(contains(refusal("K\1"), "holds no tensors in its state dict"));
}

TEST_CASE("archives that are not checkpoints") {
  if (!coca::ZipArchive::available) return;
  CHECK(contains(zip_refusal({{"x/other", "a"}}), "is a zip archive without a data.pkl"));
  CHECK(contains(zip_refusal({{"data.pkl", "a"}}), "is a zip archive without a data.pkl"));
  CHECK(contains(zip_refusal({{"x/data.pkl", "N."}, {"y/data.pkl", "N."}}),
                 "more than one data.pkl"));
  CHECK(contains(zip_refusal({{"x/data.pkl", "N."}}), "does not hold a state dict"));
  CHECK(contains(zip_refusal({{"x/data.pkl", "N."}, {"x/constants.pkl", "N."}}),
                 "is a TorchScript program"));
  CHECK(
      contains(zip_refusal({{"x/data.pkl", state_dict(tensor(4, 4))}}), "lacks the storage \"0\""));
  CHECK(contains(zip_refusal({{"x/data.pkl", state_dict(tensor(4, 4))},
                              {"x/byteorder", "big"},
                              {"x/data/0", four_floats}}),
                 "was saved with the byte order \"big\""));
}

TEST_CASE("a storage made to inflate without end is refused") {
  if (!coca::ZipArchive::available) return;
  const auto word = [](std::uint32_t value) {
    std::string bytes = "J";
    for (int i = 0; i < 4; ++i) bytes += static_cast<char>(value >> (8 * i) & 0xff);
    return bytes;
  };
  const std::uint32_t elements = 8u << 20;  // 32 MiB of zeros in some 32 KiB
  const std::string bomb = "ctorch._utils\n_rebuild_tensor_v2\n((" + string("storage") +
                           "ctorch\nFloatStorage\n" + string("0") + string("cpu") + word(elements) +
                           "tQ" + std::string("K\0", 2) + word(elements) + "\x85K\1\x85\x89}tR";
  CHECK(contains(zip_refusal({{"x/data.pkl", state_dict(bomb)},
                              {"x/data/0", std::string(std::size_t{4} * elements, '\0'), true}}),
                 "is compressed so strongly that it cannot hold weights"));
}

TEST_CASE("a pickle made to inflate without end is refused") {
  if (!coca::ZipArchive::available) return;
  CHECK(contains(zip_refusal({{"x/data.pkl", std::string((std::size_t{64} << 20) + 1, 'N'), true}}),
                 "bytes, at most 67108864 are accepted"));
}

TEST_CASE("zip files truncated or changed anywhere do no harm") {
  if (!coca::ZipArchive::available) return;
  const TemporaryFolder folder;
  read_zip(folder, {{"x/data.pkl", state_dict(tensor(4, 4))}, {"x/data/0", four_floats, true}});
  const std::string whole = read_all(folder.path("x.pt"));
  for (std::size_t size = 0; size < whole.size(); ++size)
    CHECK(file_refusal(whole.substr(0, size)) != "no error");
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (const char wrong : {'\0', '\x7f', '\xff'}) {
      std::string bytes = whole;
      bytes[at] = wrong;
      const std::string path = folder.write("y.pt", bytes);
      const std::string message = message_of([&] {
        const Checkpoint read = coca::read_torch_checkpoint(path);
        for (const std::string& name : read.names()) read.read_floats(name);
      });
      CHECK((message == "no error" || message.starts_with(path + ": ")));
    }
  }
}

TEST_CASE("the older container, truncated or changed") {
  const std::string magic("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.", 15);
  const std::string protocol("\x80\x02M\xe9\x03.");
  const auto system = [](const std::string& little) {
    return "\x80\x02}" + string("little_endian") + little + "s.";
  };
  const std::string object = "\x80\x02" + state_dict(tensor(4, 4, 0, 1));
  const std::string keys = "\x80\x02(l" + string("0") + "a.";
  const std::string count("\4\0\0\0\0\0\0\0", 8);
  const std::string whole = magic + protocol + system("\x88") + object + keys + count + four_floats;
  const TemporaryFolder folder;
  CHECK(coca::read_torch_checkpoint(folder.write("x.pt", whole)).read_floats("t") ==
        std::vector<float>{1, 2, 3, 4});
  for (std::size_t size = 0; size < whole.size(); ++size)
    CHECK(file_refusal(whole.substr(0, size)) != "no error");
  CHECK(contains(file_refusal(magic + protocol + system("\x89") + object + keys), "little-endian"));
  CHECK(contains(file_refusal(protocol + whole), "magic number of PyTorch"));
  CHECK(contains(file_refusal(magic + magic + whole), "protocol 1001"));
  const std::string before = magic + protocol + system("\x88") + object;
  const std::string minus_one(8, '\xff');
  CHECK(contains(file_refusal(before + keys + minus_one + four_floats),
                 "storage \"0\" has -1 elements, its pickle says 4"));
  CHECK(contains(file_refusal(before + keys + count + "short"), "storage \"0\" is truncated"));
  CHECK(contains(file_refusal(before + keys), "storage \"0\" is missing; the file is truncated"));
  CHECK(contains(file_refusal(before + "\x80\x02(l."), "lacks the storage \"0\""));
  CHECK(contains(file_refusal(before + "\x80\x02(l" + string("1") + "a."),
                 "lists a storage that its object does not mention"));
  CHECK(contains(file_refusal(before + "\x80\x02N."), "has no list of storages"));
  CHECK(contains(file_refusal(before + "\x80\x02(l" + string("0") + "a" + string("0") + "a." +
                              count + four_floats + count + four_floats),
                 "lists storage \"0\" twice"));
}
