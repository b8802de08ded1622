#include "coca/io/open_checkpoint.hpp"

#include "catch.hpp"
#include "coca/io/zip_archive.hpp"
#include "safetensors_bytes.hpp"
#include "temporary_folder.hpp"

using coca_test::contains;
using coca_test::message_of;
using coca_test::TemporaryFolder;

TEST_CASE("the content decides, not the name") {
  if (!coca::ZipArchive::available) return;
  const TemporaryFolder folder;
  const auto copy = [&](const std::string& from, const std::string& to) {
    std::filesystem::copy_file(COCA_TEST_DATA "/" + from, folder.path(to));
    return coca::open_checkpoint(folder.path(to));
  };
  CHECK(copy("variants/coca_plain.safetensors", "a.pt").contains("w.logit_scale"));
  CHECK(copy("checkpoints/state_dict.pt", "a.safetensors").contains("logit_scale"));
  CHECK(copy("checkpoints/legacy_not_zip.pt", "b.safetensors").contains("logit_scale"));
  const std::string index = folder.write("weights.bin", " {\"weight_map\": {\"x\": \"x.st\"}}");
  folder.write("x.st",
               coca_test::safetensors_bytes(
                   R"({"x": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]}})", "\1"));
  CHECK(coca::open_checkpoint(index).read_int64("x") == std::vector<std::int64_t>{1});
}

TEST_CASE("an index may name files of torch.save") {
  if (!coca::ZipArchive::available) return;
  const TemporaryFolder folder;
  std::filesystem::copy_file(COCA_TEST_DATA "/checkpoints/state_dict.pt",
                             folder.path("pytorch_model-00001-of-00002.bin"));
  const std::string bytes = coca_test::safetensors_bytes(
      R"({"x": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]}})", "\1");
  folder.write("pytorch_model-00002-of-00002.bin", bytes);
  const auto index = [&](const std::string& first, const std::string& second) {
    return folder.write("pytorch_model.bin.index.json",
                        R"({"metadata": {}, "weight_map": {"logit_scale": ")" + first +
                            R"(", "x": ")" + second + "\"}}");
  };
  const std::string first = "pytorch_model-00001-of-00002.bin",
                    second = "pytorch_model-00002-of-00002.bin";
  const coca::Checkpoint both = coca::open_checkpoint(index(first, second));
  CHECK(both.size() == 2);
  CHECK(both.read_int64("x") == std::vector<std::int64_t>{1});
  CHECK(both.read_floats("logit_scale") ==
        coca::open_checkpoint(folder.path(first)).read_floats("logit_scale"));
  const auto refusal = [&](const std::string& a, const std::string& b) {
    const std::string path = index(a, b);
    return message_of([&] { coca::open_checkpoint(path); });
  };
  CHECK(contains(refusal(second, first), "should be in \"pytorch_model-00002-of-00002.bin\""));
  CHECK(contains(refusal(first, "none.bin"), "none.bin: cannot be opened"));
  CHECK(contains(refusal("pytorch_model.bin.index.json", second), "is neither a safetensors file"));
}

TEST_CASE("the older container of torch.save is known by its magic number in every protocol") {
  using coca::detail::CheckpointFormat;
  const std::string magic("\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.", 13);
  const auto detect = [](const std::string& text) {
    return coca::detail::detect_format(std::as_bytes(std::span(text.data(), text.size())));
  };
  CHECK(detect("\x80\x02" + magic) == CheckpointFormat::torch);
  CHECK(detect("\x80\x03" + magic) == CheckpointFormat::torch);
  const std::string frame("\x95\x0d\0\0\0\0\0\0\0", 9);
  CHECK(detect("\x80\x04" + frame + magic) == CheckpointFormat::torch);
  CHECK(detect("\x80\x02" + magic.substr(1)) == CheckpointFormat::other_pickle);
  CHECK(detect("\x80") == CheckpointFormat::unknown);
  CHECK(detect("") == CheckpointFormat::unknown);
}

TEST_CASE("damaged safetensors are refused with the reader's message") {
  const TemporaryFolder folder;
  const auto refusal = [&](const std::string& name, const std::string& bytes) {
    const std::string path = folder.write(name, bytes);
    return message_of([&] { coca::open_checkpoint(path); }).substr(path.size());
  };
  const std::string endless("\xff\xff\xff\xff\xff\xff\xff\x7f", 8);
  const std::string array = coca_test::safetensors_bytes("[1]", "");
  for (const std::string name : {"x.safetensors", "x.bin"}) {  // known by name, and by content
    INFO(name);
    CHECK(refusal(name, endless + "{}") ==
          ": announces a header of 9223372036854775807 bytes, at most 100000000 are accepted; it "
          "is damaged, or not a safetensors file");
    CHECK(contains(refusal(name, "{" + endless.substr(1) + "{}"), "announces a header of "));
    CHECK(contains(refusal(name, array), "a safetensors header that does not begin with \"{\""));
    CHECK(contains(refusal(name, std::string("\x40\0\0\0\0\0\0\0[1", 10)), "is truncated"));
  }
  CHECK(refusal("x.safetensors", "1234567") ==
        ": is too short for a safetensors file: it has 7 of the 8 bytes that say how long its "
        "header is");
  CHECK(refusal("x.safetensors", std::string(8, '\0')) == ": has a safetensors header of length 0");
  CHECK(refusal("x.safetensors", std::string(80, '\0')) ==
        ": has a safetensors header of length 0");
  CHECK(contains(refusal("x.safetensors", "\x89PNG...."), "or not a safetensors file"));
  CHECK(contains(refusal("x.txt", "weights {1, 2}"), "is neither a safetensors file"));
}

TEST_CASE("other files are refused with the reason") {
  const TemporaryFolder folder;
  const auto refusal = [&](const std::string& bytes) {
    const std::string path = folder.write("x", bytes);
    return message_of([&] { coca::open_checkpoint(path); });
  };
  CHECK(contains(refusal("version https://git-lfs.github.com/spec/v1\noid sha256:0\n"),
                 "is a pointer of Git LFS, not the file itself"));
  CHECK(contains(refusal("\x89PNG...."), "is neither a safetensors file"));
  CHECK(contains(refusal("cos\nsystem\n(S'touch x'\ntR."), "is neither a safetensors file"));
  CHECK(contains(refusal("\x80\2cposix\nsystem\n(U\7touch xtR."), "posix.system"));
  CHECK(contains(refusal("\x80\2}."), "is a pickle, but none of torch.save"));
  CHECK(contains(refusal("{}"), "has no \"weight_map\""));
  CHECK(contains(refusal("x"), "is neither a safetensors file"));
  CHECK(contains(refusal(""), "is empty"));
  CHECK(contains(refusal(std::string("\x40\0\0\0\0\0\0\0{\"a", 11)), "the file is truncated"));
  CHECK(contains(message_of([&] { coca::open_checkpoint(folder.path()); }), "is a directory"));
}
