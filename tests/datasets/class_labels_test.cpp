#include "coca/data/class_labels.hpp"

#include "catch.hpp"
#include "coca/data/caption_file.hpp"
#include "io/temporary_folder.hpp"

using namespace coca;
using coca_test::message_of;

namespace {

CaptionFile labelled_rows(const std::string& kinds) {
  std::string text = "image,text,kind\n";
  for (std::size_t i = 0; i < kinds.size(); ++i)
    text += std::to_string(i) + ".png,x," + kinds.substr(i, 1) + "\n";
  return CaptionFile(text, "x.csv", {.field_keys = {"kind"}});
}

/// Labels as a data set gives them.
struct Labels {
  std::vector<std::optional<std::int32_t>> labels;
  std::size_t size() const { return labels.size(); }
  Record record(std::size_t i) const {
    if (labels[i] == 99) throw FileError("x", "is broken");
    Record record{"r" + std::to_string(i), {}, labels[i]};
    if (labels[i] == 1) record.fields["label"] = "one";
    return record;
  }
  std::vector<std::uint8_t> read(std::size_t) const { return {7}; }
};

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("classes that are texts are numbered by their order") {
  const CaptionFile file = labelled_rows("bab");
  const Names names = class_names(file, "kind");
  CHECK(names == Names{"a", "b"});
  const LabelledDataset labelled(file, "kind", names);
  CHECK(labelled.size() == 3);
  CHECK(labelled.record(0).label == 1);
  CHECK(labelled.record(1).label == 0);
  CHECK(labelled.record(0).captions == Names{"x"});
}

TEST_CASE("classes that are numbers keep them") {
  const CaptionFile file = labelled_rows("3103");
  const Names names = class_names(file, "kind");
  CHECK(names == Names{"0", "1", "2", "3"});
  const LabelledDataset labelled(file, "kind", names);
  CHECK(labelled.record(0).label == 3);
  CHECK(labelled.record(2).label == 0);
  const CaptionFile zeros("image,text,kind\na,x,007\n", "x.csv", {.field_keys = {"kind"}});
  CHECK(LabelledDataset(zeros, "kind", class_names(zeros, "kind")).record(0).label == 7);
}

TEST_CASE("a class that the training data has not is refused by name") {
  const LabelledDataset labelled(labelled_rows("c"), "kind", {"a", "b"});
  CHECK(message_of([&] { labelled.record(0); }) ==
        "0.png: its class \"c\" is none of the 2 of the training data");
  CHECK(message_of([&] { LabelledDataset(labelled_rows("a"), "sort", {"a"}).record(0); }) ==
        "0.png: has no field \"sort\"");
}

TEST_CASE("an empty class is none, and named where it is read") {
  const CaptionFile file("image,text,kind\n0.png,x,b\n1.png,x,\n2.png,x,a\n", "x.csv",
                         {.field_keys = {"kind"}});
  const Names names = class_names(file, "kind");
  CHECK(names == Names{"a", "b"});
  const LabelledDataset labelled(file, "kind", names);
  CHECK(labelled.record(0).label == 1);
  CHECK(message_of([&] { labelled.record(1); }) ==
        "1.png: its class, the field \"kind\", is empty");
}

namespace {

/// Folders of classes, each of one picture.
struct Folders {
  std::vector<std::string> classes;
  std::size_t size() const { return classes.size(); }
  Record record(std::size_t i) const {
    return {classes[i] + "/x.png", {}, static_cast<std::int32_t>(i), {{"label", classes[i]}}};
  }
  std::vector<std::uint8_t> read(std::size_t) const { return {}; }
};

}  // namespace

TEST_CASE("classes that two data sets number differently are told apart by their names") {
  const Folders training{{"ant", "bee", "cat"}}, validation{{"bee", "cat"}};
  const Names names = class_names(training);
  CHECK(names == Names{"ant", "bee", "cat"});
  const LabelledDataset labelled(validation, "", names);
  CHECK(labelled.record(0).label == 1);
  CHECK(labelled.record(1).label == 2);
  CHECK(message_of([&] { LabelledDataset(Folders{{"dog"}}, "", names).record(0); }) ==
        "dog/x.png: its class \"dog\" is none of the 3 of the training data");
  CHECK(class_names(ConcatDataset({Folders{{"bee", "cat"}}, Folders{{"ant", "bee"}}})) ==
        Names{"ant", "bee", "cat"});
  CHECK(LabelledDataset(Labels{{2, 0}}, "", {"0", "1", "2"}).record(0).label == 2);
}

TEST_CASE("labels of a data set are its classes, with names where there are any") {
  CHECK(class_names(Labels{{0, std::nullopt, 2, 1, 99}}) == Names{"0", "one", "2"});
  CHECK(message_of([] { class_names(Labels{{std::nullopt}}); }) ==
        "no picture of the data has a label: give folders of classes, shards with .cls, IDX files, "
        "or a label_key");
  CHECK(message_of([] { class_names(Labels{{-2}}); }) ==
        "r0: its label is -2, expected 0 to 999999");
  CHECK(message_of([] { class_names(Labels{{2000000000}}); }) ==
        "r0: its label is 2000000000, expected 0 to 999999");
  CHECK(message_of([] { class_names(Labels{{0}}, "kind"); }) ==
        "no picture of the data has the field \"kind\"");
}
