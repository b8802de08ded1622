#include "coca/training/data_digest.hpp"

#include "catch.hpp"
#include "coca/data/caption_file.hpp"

using namespace coca;

namespace {

std::string digest(const std::string& text, const std::string& path = "x.jsonl",
                   const CaptionFileOptions& options = {}) {
  return data_digest(CaptionFile(text, path, options));
}

const std::string two =
    "{\"image\": \"p/a.png\", \"text\": \"one\"}\n{\"image\": \"p/b.png\", \"text\": \"two\"}\n";

}  // namespace

TEST_CASE("a digest is of the records, not of their file") {
  CHECK(digest(two) == digest(two));
  CHECK(digest(two).starts_with("2:"));
  CHECK(digest(two) == digest("image,text\np/a.png,one\np/b.png,two\n", "elsewhere/y.csv"));
  // A data set may move.
  CHECK(digest(two) == digest("image,text\n/q/r/a.png,one\n/q/r/b.png,two\n", "y.csv"));
}

TEST_CASE("every input of a step changes the digest") {
  const std::string before = digest("image,text\na,x\nb,y\n", "x.csv");
  for (const char* other :
       {"image,text\na,x\nb,z\n", "image,text\nb,y\na,x\n", "image,text\na,x\nc,y\n",
        "image,text\na,x\n", "image,text\na,x\nb,y\nc,z\n", "image,text\na,x\na,y\nb,y\n"})
    CHECK(digest(other, "x.csv") != before);
  const CaptionFileOptions with_field{.field_keys = {"kind"}};
  CHECK(digest("image,text,kind\na,x,1\n", "x.csv", with_field) !=
        digest("image,text,kind\na,x,2\n", "x.csv", with_field));
  CHECK(digest("image,text\na,xy\na,z\n", "x.csv") != digest("image,text\na,x\na,yz\n", "x.csv"));
}

namespace {

/// A given number of records, of which one may differ.
struct Many {
  std::size_t count = 0, other = 0;
  std::size_t size() const { return count; }
  Record record(std::size_t index) const {
    if (index == 1) throw FileError("x", "is broken");
    return {"x", {}, static_cast<std::int32_t>(index == other)};
  }
  std::vector<std::uint8_t> read(std::size_t) const { return {}; }
};

}  // namespace

TEST_CASE("labels count, broken records do not end a digest, and many are sampled") {
  CHECK(data_digest(Many{5, 2}) != data_digest(Many{5, 3}));
  CHECK(data_digest(Many{3'000'000, 0}) != data_digest(Many{3'000'000, 2}));
  CHECK(data_digest(Many{3'000'000, 2}).starts_with("3000000:"));
}
