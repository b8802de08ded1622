#include "coca/data/caption_table.hpp"

#include "catch.hpp"
#include "io/temporary_folder.hpp"

using coca_test::message_of;

namespace {

/// The first entry of a table: "picture: caption".
std::string first_of(const std::string& text, const coca::CaptionFileOptions& options = {}) {
  coca::CaptionList list("x.csv");
  coca::read_caption_table(text, options, list);
  const coca::CaptionEntry entry = list.finish().front();
  return entry.picture + ": " + entry.captions.at(0);
}

}  // namespace

TEST_CASE("The separator is the one by which the header has the columns") {
  CHECK(first_of("filepath;title\na,b;c\n") == "a,b: c");
  CHECK(first_of("filepath|title\na;b|c,d\n") == "a;b: c,d");
  CHECK(first_of("filepath\ttitle\na\tc\n") == "a: c");
  CHECK(first_of("\"filepath\";\"title\"\n\"a\";\"c;d\"\n") == "a: c;d");
  // A header with other separators in the names of columns that are not read.
  CHECK(first_of("size;w,h|d;image;text\n1;2;a;c\n") == "a: c");
  CHECK(first_of("image,text,a;b;c;d\na,c,1\n") == "a: c");
  CHECK(first_of("pic;words\na;c\n", {.image_key = "pic", .caption_key = "words"}) == "a: c");
  // A separator that is given is taken.
  CHECK(message_of([] { first_of("image;text\na;c\n", {.separator = ','}); }) ==
        "x.csv: line 1: no column of the picture: expected \"filepath\", \"image\", \"file_name\", "
        "\"image_path\" or \"path\", the columns are \"image;text\"");
  CHECK(message_of([] { first_of("a;b;c\n1;2;3\n"); }) ==
        "x.csv: line 1: no column of the picture: expected \"filepath\", \"image\", \"file_name\", "
        "\"image_path\" or \"path\", the columns are \"a\", \"b\", \"c\"");
}

TEST_CASE("A separator is given as itself, the tab also by name") {
  CHECK(coca::to_separator("") == '\0');
  CHECK(coca::to_separator(";") == ';');
  CHECK(coca::to_separator("tab") == '\t');
  CHECK(coca::to_separator("\t") == '\t');
  CHECK(coca::to_separator("\\t") == '\t');
  for (const char* text : {"::", "\"", "\n", "semicolon"})
    CHECK(coca_test::contains(message_of([&] { coca::to_separator(text); }),
                              "expected one character, such as ; or |, or tab"));
}

TEST_CASE("A header that is not UTF-8 is refused") {
  CHECK(message_of([] { first_of("image,text,\xFF\na,b,c\n"); }) ==
        "x.csv: line 1: the text is not UTF-8");
}

TEST_CASE("Where a label is what counts, no caption column is needed") {
  const auto entry_of = [](const std::string& text, const coca::CaptionFileOptions& options) {
    coca::CaptionList list("x.csv");
    coca::read_caption_table(text, options, list);
    return list.finish().front();
  };
  const coca::CaptionFileOptions labels{.captions_required = false, .field_keys = {"kind"}};
  for (const char separator : {'\t', ',', ';', '|'}) {
    const std::string mark(1, separator);
    const auto entry = entry_of("image" + mark + "kind\na.png" + mark + "cat\n", labels);
    CHECK(entry.picture == "a.png");
    CHECK(entry.captions.empty());
    CHECK(entry.fields.at("kind") == "cat");
  }
  // Captions that are there are read.
  CHECK(entry_of("image,kind,text\na.png,cat,a cat\n", labels).captions ==
        std::vector<std::string>{"a cat"});
  // A column that is asked for by name must be there.
  coca::CaptionFileOptions named = labels;
  named.caption_key = "words";
  CHECK(message_of([&] { entry_of("image,kind\na,b\n", named); }) ==
        "x.csv: line 1: no column of the caption: expected \"words\", the columns are \"image\", "
        "\"kind\"");
  CHECK(coca_test::contains(message_of([&] { entry_of("image,color\na,b\n", labels); }),
                            "no column of the field: expected \"kind\""));
}
