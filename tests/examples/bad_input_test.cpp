#include <cmath>
#include <coca/io/npy.hpp>
#include <coca/io/safetensors.hpp>
#include <coca/io/safetensors_writer.hpp>
#include <cstring>
#include <limits>

#include "catch.hpp"
#include "run_program.hpp"

using namespace coca::testing;

namespace {

const std::string weights = models + "/stamps_coca/model.safetensors";

// A PNG header that claims a size, with a right checksum.
std::string png_of_size(std::uint32_t width, std::uint32_t height) {
  const auto big_endian = [](std::uint32_t value) {
    std::string bytes;
    for (int shift = 24; shift >= 0; shift -= 8)
      bytes += static_cast<char>((value >> shift) & 0xffu);
    return bytes;
  };
  const std::string header =
      "IHDR" + big_endian(width) + big_endian(height) + std::string("\x08\x02\0\0\0", 5);
  std::uint32_t crc = 0xffffffffu;
  for (const char byte : header) {
    crc ^= static_cast<unsigned char>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1u) != 0 ? 0xedb88320u : 0u);
  }
  return std::string("\x89PNG\r\n\x1a\n") + big_endian(13) + header + big_endian(~crc) +
         big_endian(16) + "IDAT" + std::string(20, 'x');
}

}  // namespace

TEST_CASE("files that are not pictures") {
  const Folder folder;
  check_refused(run("caption " + (folder / "no.png")), 1, {"no.png"});
  check_refused(run("caption " + folder.write("empty.png", "")), 1, {"empty.png", "empty"});
  check_refused(run("caption " + folder.write("text.jpg", "I am no picture, I am a text.\n")), 1,
                {"text.jpg"});
  const std::string whole = read_file(slug);
  check_refused(run("caption " + folder.write("cut.png", whole.substr(0, whole.size() / 2))), 1,
                {"cut.png"});
  const std::string jpeg = read_file(std::string(COCA_TEST_DATA) + "/preprocess/baseline.jpg");
  check_refused(run("caption " + folder.write("cut.jpg", jpeg.substr(0, jpeg.size() / 2))), 1,
                {"cut.jpg"});
  check_refused(run("caption " + folder.write("huge.png", png_of_size(100000, 100000))), 1,
                {"huge.png", "100000"});
  check_refused(run("caption " + folder.path()), 1, {folder.path()});
  check_refused(run("embed " + (folder / "no.png")), 1, {"no.png"});
  check_refused(run("classify --labels a,b " + (folder / "no.png")), 1, {"no.png"});
}

TEST_CASE("damaged pictures are read and counted, truncated ones on request") {
  const Folder folder;
  const std::string damaged = std::string(COCA_TEST_DATA) + "/damaged_image/no_end.png";
  const std::string jpeg = read_file(std::string(COCA_TEST_DATA) + "/preprocess/baseline.jpg");
  const std::string cut = folder.write("cut.jpg", jpeg.substr(0, jpeg.size() / 2));
  const Result one = run("caption " + damaged);
  CHECK(one.status == 0);
  CHECK(one.err ==
        "caption: 1 picture is damaged, but was read: " + damaged + ": the file ends too early\n");
  const Result two = run("embed --json --truncated " + damaged + " " + cut + " " + damaged);
  CHECK(two.status == 0);
  CHECK(two.json().size() == 3);
  CHECK(contains(two.err, "embed: 2 pictures are damaged, but were read; the first is " + damaged +
                              ": the file ends too early\n"));
  CHECK(run("caption " + slug).err.empty());
  for (const std::string option : {"", "--open-clip-preprocessing "}) {
    check_refused(run("caption " + option + cut), 1, {"cut.jpg", "Premature end"});
    CHECK(run("caption --truncated " + option + cut).status == 0);
  }
}

TEST_CASE("pointers of Git LFS are named as such, whatever they stand for") {
  const Folder folder;
  const std::string pointer = folder.write(
      "pointer", "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 9\n");
  const std::vector<std::string> words{pointer + ": is a pointer of Git LFS"};
  check_refused(run("caption " + pointer), 1, words);
  check_refused(run("classify " + slug + " --labels-file " + pointer), 1, words);
  check_refused(run("caption " + slug + " --model stamps_coca --weights " + pointer), 1, words);
  check_refused(run("caption " + slug + " --tokenizer " + pointer), 1, words);
  check_refused(run("train --output " + (folder / "run") + " --data " + pointer), 1, words);
  check_refused(run("evaluate " + pointer), 1, words);
}

TEST_CASE("one broken picture does not stop the others") {
  const Folder folder;
  const std::string broken = folder.write("broken.png", "nothing");
  const Result result =
      run("caption --json " + slug + " " + broken + " " + pictures + "/10_s_outline.png");
  CHECK(result.status == 1);
  CHECK(result.json().size() == 2);
  CHECK(contains(result.err, "broken.png"));
}

TEST_CASE("a picture of one pixel works") {
  CHECK(run("caption " + std::string(COCA_TEST_DATA) + "/preprocess/tiny_1x1.png").status == 0);
}

TEST_CASE("weights that do not fit or are damaged") {
  const Folder folder;
  const std::string load = "caption " + slug + " --model stamps_coca --weights ";
  check_refused(run(load + (folder / "no.safetensors")), 1, {"no.safetensors"});
  check_refused(run(load + folder.write("empty.pt", "")), 1, {"empty.pt"});
  check_refused(run(load + folder.write("text.safetensors", "hello, this is a text")), 1,
                {"text.safetensors"});
  const std::string whole = read_file(weights);
  check_refused(run(load + folder.write("cut.safetensors", whole.substr(0, whole.size() / 2))), 1,
                {"cut.safetensors"});
  check_refused(run(load + folder.write("long.safetensors", std::string(7, '\xff') + "\x7f{}")), 1,
                {"long.safetensors"});
  const std::string pt = read_file(std::string(COCA_TEST_DATA) + "/checkpoints/state_dict.pt");
  check_refused(run(load + folder.write("cut.pt", pt.substr(0, pt.size() / 2))), 1, {"cut.pt"});
  check_refused(run(load + std::string(COCA_TEST_DATA) + "/checkpoints/malicious.pt"), 1,
                {"malicious.pt", "system"});
  CHECK(!std::filesystem::exists("/tmp/pickle_was_executed"));
  check_refused(run("caption " + slug + " --model coca_vit_b_32 --weights " + weights), 1,
                {weights, "fit the preset stamps_coca"});
}

TEST_CASE("weights that are not finite are reported") {
  const Folder folder;
  const coca::Checkpoint good = coca::read_safetensors(weights);
  std::vector<coca::TensorAnnouncement> tensors;
  for (const std::string& name : good.names())
    tensors.push_back({name, good.tensor(name).shape, coca::DType::F16});
  coca::SafetensorsWriter writer(folder / "nan.safetensors", tensors);
  for (const auto& tensor : writer.tensors()) {
    std::vector<float> values = good.read_floats(tensor.name);
    if (tensor.name == "visual.ln_post.weight") values[3] = std::numeric_limits<float>::quiet_NaN();
    writer.write(tensor.name, values);
  }
  writer.commit();
  const std::string nan = " --model stamps_coca --weights " + (folder / "nan.safetensors");
  for (const std::string program : {"caption ", "embed ", "classify --labels a,b "})
    check_refused(run(program + slug + nan), 1, {"NaN"});
}

TEST_CASE("labels and texts") {
  const Folder folder;
  CHECK(run("classify " + slug + " --labels 'a slug,a cow,a slug'").out ==
        run("classify " + slug + " --labels 'a slug,a cow'").out);
  check_refused(run("classify " + slug + " --labels-file " + folder.write("none.txt", "")), 1,
                {"none.txt"});
  check_refused(
      run("classify " + slug + " --labels-file " + folder.write("latin.txt", "caf\xe9\n")), 1,
      {"latin.txt", "UTF-8"});
  check_refused(run("classify " + slug + " --labels-file " + (folder / "no.txt")), 1, {"no.txt"});
  std::string long_text;
  for (int i = 0; i < 500; ++i) long_text += "cat ";
  const auto line = run_stamps("embed --json --text '" + long_text + "'").json()[0];
  CHECK(line["tokens"].size() == 23);
  CHECK(line["tokens"].back() == 49407);
}

TEST_CASE("an unknown flag is reported before a missing one") {
  for (const std::string program : {"caption", "classify", "evaluate", "search", "soup"})
    check_refused(run(program + " --nonsense"), 2, {program + ": not expected: --nonsense; "});
  check_refused(run("train --nonsense 3 4"), 2, {"train: not expected: --nonsense 3 4; "});
}

TEST_CASE("usage errors have status 2") {
  CHECK(run("caption").status == 2);
  CHECK(run("caption --no-such-option " + slug).status == 2);
  check_refused(run_stamps("caption --max-length 200 " + slug), 2, {"200", "23"});
  check_refused(run("caption --beams 0 " + slug), 2, {"beams"});
  check_refused(run("caption --temperature nan --sample " + slug), 2, {"temperature"});
  check_refused(run("caption --model nonsense " + slug), 2, {"nonsense", "stamps_coca"});
  CHECK(run("classify " + slug).status == 2);
  CHECK(run("embed").status == 2);
  const Result help = run("caption --help");
  CHECK(help.status == 0);
  CHECK(contains(help.out, "Example:"));
}

TEST_CASE("outputs that cannot be written") {
  const Folder folder;
  const std::string file = folder.write("file", "x");
  const Result unwritable = run("embed " + slug + " --npy " + file + "/out.npy");
  CHECK(unwritable.status == 1);
  CHECK(contains(unwritable.err, "out.npy"));
  CHECK(run("embed " + slug + " --npy /dev/full").status == 1);
  CHECK(run("caption --attention " + file + "/maps " + slug).status == 1);
  CHECK(run("search " + pictures + " 'a cow' --index " + file + "/index").status == 1);
  CHECK(run("search " + pictures + " 'a cow' --index " + (folder / "index") + " --sheet /dev/full")
            .status == 1);
  // A limit on the size of files: nothing half-written is left, and the program is not killed.
  const Result limited =
      run("search " + pictures + " 'a cow' --index " + (folder / "small"), "ulimit -f 1;");
  CHECK(limited.status == 1);
  CHECK(!std::filesystem::exists(folder / "small"));
  for (const auto& entry : std::filesystem::directory_iterator(folder.path()))
    CHECK(!contains(entry.path().string(), ".tmp"));
}

TEST_CASE("standard output that is full or closed") {
  const std::string caption = std::string(COCA_PROGRAMS) + "/caption " + slug;
  CHECK(WEXITSTATUS(std::system((caption + " >/dev/full 2>/dev/null").c_str())) == 1);
  CHECK(std::system((caption + " | true").c_str()) == 0);
  CHECK(WEXITSTATUS(std::system((caption + " >&- 2>/dev/null").c_str())) == 1);
  CHECK(WEXITSTATUS(std::system(
            (std::string(COCA_PROGRAMS) + "/caption --help >/dev/full 2>&-").c_str())) == 1);
}

TEST_CASE("a row of an embedding that failed is not a number") {
  const Folder folder;
  const std::string npy = folder / "rows.npy";
  const Result result = run_stamps("embed --json --npy " + npy + " " + (folder / "no.png") +
                                   " --text 'a cat' " + slug);
  CHECK(result.status == 1);
  CHECK(result.json().size() == 2);
  const coca::NpyArray rows = coca::read_npy(npy);
  REQUIRE(rows.shape == coca::Shape{3, 64});  // pictures first, then texts
  CHECK(std::isnan(rows.values[0]));
  CHECK(std::abs(rows.values[64] - result.json()[0]["embedding"][0].get<float>()) <= 1e-6f);
  CHECK(std::abs(rows.values[128] - result.json()[1]["embedding"][0].get<float>()) <= 1e-6f);
}
