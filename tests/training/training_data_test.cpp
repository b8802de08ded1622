#include "coca/training/training_data.hpp"

#include "catch.hpp"
#include "io/temporary_folder.hpp"

using namespace coca;
using coca_test::contains;
using coca_test::message_of;

TEST_CASE("caption files and class folders are opened, several one after the other") {
  const coca_test::TemporaryFolder folder;
  const std::string list = folder.write("a.jsonl",
                                        "{\"image\":\"x.png\",\"caption\":\"one\"}\n"
                                        "{\"image\":\"y.png\",\"caption\":\"two\"}\n");
  const std::string table = folder.write("b.csv", "picture,words\nz.png,three\n");
  std::filesystem::create_directories(folder.path("classes/red_fox"));
  folder.write("classes/red_fox/1.png", "x");

  TrainingData data;
  data.templates = {"a drawing of a {}"};
  const AnyDataset both = open_datasets({list, folder.path("classes")}, data);
  REQUIRE(both.size() == 3);
  CHECK(both.record(1).captions == std::vector<std::string>{"two"});
  CHECK(both.record(2).captions == std::vector<std::string>{"a drawing of a red fox"});
  data.image_key = "picture";
  data.caption_key = "words";
  CHECK(open_datasets({table}, data).record(0).captions == std::vector<std::string>{"three"});
  CHECK(contains(message_of([&] { open_datasets({}, data); }), "no data"));
  CHECK(contains(message_of([&] { open_datasets({folder.path("c.jsonl")}, data); }),
                 "cannot be opened"));
  CHECK(contains(message_of([&] { open_datasets({folder.path("c.tar")}, data); }), "c.tar"));

  CHECK(first_of(both, 2).size() == 2);
  CHECK(first_of(both, 0).size() == 3);
  CHECK(first_of(both, 9).size() == 3);
}

TEST_CASE("the kind of data is recognised by content, and split as in training") {
  const std::string kinds = COCA_TEST_DATA "/datasets/kinds/";
  TrainingData data;
  const auto names = [](const AnyDataset& dataset) {
    std::vector<std::string> all;
    for (std::size_t i = 0; i < dataset.size(); ++i) all.push_back(dataset.record(i).name);
    return all;
  };
  using Names = std::vector<std::string>;
  data.training = data.validation = {kinds + "karpathy.json"};
  CHECK(names(open_training_data(data)) ==
        Names{"val2014/train.jpg", "val2014/restval.jpg", "val2014/more.jpg"});
  CHECK(names(open_validation_data(data)) == Names{"val2014/val.jpg"});
  data.split = {"train"};
  data.validation_split = {"val", "test"};
  CHECK(names(open_training_data(data)) == Names{"val2014/train.jpg", "val2014/more.jpg"});
  CHECK(names(open_validation_data(data)) == Names{"val2014/val.jpg", "val2014/test.jpg"});

  data.training = {kinds + "shard-000.tar.gz", kinds + "sidecar_classes"};
  const AnyDataset both = open_training_data(data);
  CHECK(both.size() == 9);
  CHECK(both.record(3).captions == std::vector<std::string>{"a barn"});
  CHECK(both.notes().size() == 1);
  data.folders = FolderReading::classes;
  CHECK(open_training_data(data).record(3).captions ==
        std::vector<std::string>{"a photo of a 10 house."});
}

TEST_CASE("the separator of tables is an option") {
  const coca_test::TemporaryFolder folder;
  const std::string table = folder.write("a.csv", "image:text\nx.png:one\n");
  TrainingData data;
  CHECK(contains(message_of([&] { open_datasets({table}, data); }), "no column of the picture"));
  data.separator = ":";
  CHECK(open_datasets({table}, data).record(0).captions == std::vector<std::string>{"one"});
  data.separator = "tabs";
  CHECK(contains(message_of([&] { open_datasets({table}, data); }), "the separator is \"tabs\""));
}

TEST_CASE("what is trained on is opened with the key of its groups") {
  const coca_test::TemporaryFolder folder;
  TrainingData data;
  data.training = {folder.write("a.csv",
                                "image,caption,thing\nx.png,a red hat,hat\ny.png,bus,bus\n"
                                "z.png,a blue hat,hat\n")};
  CHECK(open_training_data(data).record(0).fields.empty());
  data.group_key = "thing";
  CHECK(open_training_data(data).record(2).fields.at("thing") == "hat");
  CHECK(coca::detail::groups_of(open_training_data(data), "thing") ==
        std::vector<std::size_t>{0, 1, 0});
  CHECK(contains(message_of([&] { coca::detail::groups_of(open_training_data(data), "base"); }),
                 "groups by \"base\": x.png has no such field"));
  TrainingOptions options;
  options.data = data;
  options.data.group_size = 5;
  const LoaderOptions loader = training_loader_options(options, {});
  CHECK(loader.group_key == "thing");
  CHECK(loader.order.group_size == 5);
}

TEST_CASE("data with limits on mirroring or colour changes is opened with their keys") {
  const coca_test::TemporaryFolder folder;
  TrainingOptions options;
  options.data.training = {
      folder.write("a.csv", "image,caption,mirror,share\nx.png,left arrow,0,0.5\n")};
  options.data.group_key = options.data.flip_key = "mirror";
  options.data.color_key = "share";
  const Record record = open_training_data(options.data).record(0);
  CHECK(record.fields == std::map<std::string, std::string>{{"mirror", "0"}, {"share", "0.5"}});
  CHECK(training_loader_options(options, {}).sample.flip_key == "mirror");
  CHECK(training_loader_options(options, {}).sample.color_key == "share");
}

TEST_CASE("options become those of the loaders") {
  TrainingOptions options;
  options.seed = 5;
  options.step.batch_size = 12;
  options.data.cache_megabytes = 3;
  options.data.resize_mode = ResizeMode::longest;
  options.data.fill_color = 255;
  options.data.augmentation.flip_probability = 0.5;
  const PreprocessConfig config = training_preprocess({}, options.data);
  CHECK(config.resize_mode == ResizeMode::longest);
  CHECK(config.fill_color == Rgb{255, 255, 255});

  const LoaderOptions training = training_loader_options(options, config);
  CHECK(training.order.batch_size == 12);
  CHECK(training.order.seed == 5);
  CHECK(training.order.shuffle);
  CHECK(training.sample.cache_bytes == 3 * 1048576);
  REQUIRE(training.sample.augmentation);
  CHECK(training.sample.augmentation->flip_probability == 0.5);
  const LoaderOptions validation = validation_loader_options(options, config);
  CHECK_FALSE(validation.order.shuffle);
  CHECK_FALSE(validation.order.drop_last);
  CHECK_FALSE(validation.sample.augmentation);
  CHECK_FALSE(validation.replace_broken);
  CHECK_FALSE(training.sample.truncated);
  CHECK_FALSE(validation.sample.truncated);
  options.data.truncated = true;
  CHECK(training_loader_options(options, config).sample.truncated);
  CHECK(validation_loader_options(options, config).sample.truncated);
  options.data.augment = false;
  CHECK_FALSE(training_loader_options(options, config).sample.augmentation);
}

TEST_CASE("steps are counted, or follow from the epochs") {
  CHECK(training_step_count({.epochs = 3}, 7) == 21);
  CHECK(training_step_count({.epochs = 3, .steps = 5}, 7) == 5);
}

TEST_CASE("paths are kept absolute, patterns of shards too, and missing data gets a hint") {
  const std::string here = std::filesystem::current_path().string();
  TrainingOptions options;
  options.data.training = {"a.jsonl", "s-{0..2}.tar::../t.tar", "/x/../y"};
  options.data.validation = {"v"};
  options.data.image_folder = "pictures";
  options.tokenizer = "";
  options.init_from = "./run";
  options.pictures = {"p.png"};
  const TrainingOptions absolute = with_absolute_paths(options);
  const std::string above = std::filesystem::path(here).parent_path().string();
  CHECK(absolute.data.training ==
        std::vector<std::string>{here + "/a.jsonl", here + "/s-{0..2}.tar::" + above + "/t.tar",
                                 "/y"});
  CHECK(absolute.data.validation == std::vector<std::string>{here + "/v"});
  CHECK(absolute.data.image_folder == here + "/pictures");
  CHECK(absolute.tokenizer.empty());
  CHECK(absolute.init_from == here + "/run");
  CHECK(absolute.pictures == std::vector<std::string>{here + "/p.png"});
  TrainingData data;
  data.training = data.validation = {"/nowhere/a.jsonl"};
  CHECK(message_of([&] { open_training_data(data); }) ==
        "/nowhere/a.jsonl: cannot be opened: No such file or directory; if the data has moved, "
        "give its new path with --data");
  CHECK(contains(message_of([&] { open_validation_data(data); }),
                 "give its new path with --validation"));
}

TEST_CASE("fields that are lists reach the records as JSON") {
  const coca_test::TemporaryFolder folder;
  const std::string list = folder.write(
      "a.jsonl", "{\"image\":\"x.png\",\"caption\":\"one\",\"answers\":[\"a\",\"b\"]}\n");
  TrainingData data;
  data.training = {list};
  data.field_keys = {"answers"};
  CHECK(open_training_data(data).record(0).fields.at("answers") == R"(["a","b"])");
}

TEST_CASE("a classification needs pictures and labels only") {
  const coca_test::TemporaryFolder folder;
  TrainingData data;
  data.label_key = "kind";
  for (const auto& [name, text] : std::vector<std::pair<std::string, std::string>>{
           {"a.csv", "image,kind\nx.png,b\ny.png,a\n"},
           {"a.tsv", "image\tkind\nx.png\tb\ny.png\ta\n"},
           {"a.jsonl",
            "{\"image\":\"x.png\",\"kind\":\"b\"}\n{\"image\":\"y.png\",\"kind\":\"a\"}\n"},
           {"a.json",
            "[{\"image\":\"x.png\",\"kind\":\"b\"},{\"image\":\"y.png\",\"kind\":\"a\"}]"}}) {
    CAPTURE(name);
    data.training = data.validation = {folder.write(name, text)};
    const std::vector<std::string> classes = training_classes(data);
    CHECK(classes == std::vector<std::string>{"a", "b"});
    CHECK(open_training_data(data, classes).record(0).label == 1);
    CHECK(open_validation_data(data, classes).record(1).label == 0);
    CHECK(contains(message_of([&] { open_training_data(data); }), "caption"));
  }
}
