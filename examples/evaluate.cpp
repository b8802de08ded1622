// Measures the quality of a model on pictures whose captions or labels are known.

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <tuple>

#include "coca/backend/cpu/bounded_spinning.hpp"
#include "coca/core/counted.hpp"
#include "coca/evaluation/test_set.hpp"
#include "coca/image/open_clip_preprocess.hpp"
#include "coca/image/read_image.hpp"
#include "coca/io/atomic_file.hpp"
#include "coca/training/training_data.hpp"
#include "command_line.hpp"
#include "evaluate_captions.hpp"
#include "picture_reading.hpp"
#include "score_table.hpp"
#include "templates.hpp"

using namespace coca_examples;

namespace {

struct Options {
  ModelOptions model;
  std::vector<std::string> paths;
  coca::TrainingData data;  ///< how they are read
  std::string protocol = "captions";
  std::string group;
  std::string interval;
  std::string labels_file;
  std::string label_key = "label";
  std::vector<std::string> templates;
  coca::GenerationOptions search;
  std::optional<std::size_t> min_length;
  bool no_captioning = false;
  std::string captions_file;
  std::size_t batch = 8;
  bool json = false;
};

/// The classes of --labels-file.
class Labels {
 public:
  explicit Labels(const std::string& path) : path_(path), names_(read_lines(path)) {
    for (std::size_t i = 0; i < names_.size(); ++i)
      if (!numbers_.emplace(names_[i], i).second)
        throw coca::FileError(path, "the label \"" + names_[i] + "\" occurs twice");
  }

  const std::vector<std::string>& names() const noexcept { return names_; }

  /// @throws coca::FileError for an unknown label
  std::size_t number(const std::string& picture, const std::string& label) const {
    const auto found = numbers_.find(label);
    if (found != numbers_.end()) return found->second;
    throw coca::FileError(picture, "its label \"" + label + "\" is not in " + path_);
  }

  /// A class by its index, counted from 0.
  std::size_t number(const std::string& picture, std::int32_t place) const {
    if (place >= 0 && static_cast<std::size_t>(place) < names_.size())
      return static_cast<std::size_t>(place);
    throw coca::FileError(picture, "its class is number " + std::to_string(place) + ", but " +
                                       path_ + " has labels 0 to " +
                                       std::to_string(names_.size() - 1));
  }

 private:
  std::string path_;
  std::vector<std::string> names_;
  std::map<std::string, std::size_t> numbers_;
};

/// A picture to evaluate.
struct Sample {
  std::size_t index = 0;  ///< in the data set
  std::string name;
  coca::TestPicture picture;
};

/// Opens all data, with the keys that the options name.
coca::AnyDataset open_data(const Options& options) {
  std::set<std::string> keys;
  for (const std::string& key : {options.group, options.interval})
    if (!key.empty()) keys.insert(key);
  if (!options.labels_file.empty() && options.label_key != "caption")
    keys.insert(options.label_key);
  coca::TrainingData data = options.data;
  data.field_keys = {keys.begin(), keys.end()};
  if (data.split.empty()) data.split = {"test"};
  coca::DataOptions reading = coca::data_options(data);
  reading.captions.captions_required =
      options.labels_file.empty() || options.label_key == "caption";
  return coca::open_datasets(options.paths, reading);
}

/// The value of a record's key.
std::string field(const coca::Record& record, const std::string& key) {
  const auto found = record.fields.find(key);
  if (found != record.fields.end()) return found->second;
  if (key == "label" && record.label) return std::to_string(*record.label);
  throw coca::FileError(record.name,
                        "has no \"" + key +
                            "\"; any key can be in caption files, class folders have \"label\", "
                            "and so have shards with .cls members");
}

std::size_t label_of(const coca::Record& record, const std::string& key, const Labels& labels) {
  if (key == "caption") {
    if (record.captions.empty())
      throw coca::FileError(record.name, "has no caption to use as its label");
    return labels.number(record.name, record.captions.front());
  }
  if (record.fields.count(key) == 0 && key == "label" && record.label)
    return labels.number(record.name, *record.label);
  return labels.number(record.name, field(record, key));
}

/// Everything that is known of the pictures before they are read.
struct Samples {
  std::vector<Sample> list;
  std::size_t broken = 0;  ///< records whose text is broken
};

/// Records of one picture, as tables with a caption in each row have them, are one sample with all
/// captions, where all captions count.
class SampleList {
 public:
  explicit SampleList(bool merge) : merge_(merge) {}

  void add(Sample sample) {
    const coca::TestPicture& picture = sample.picture;
    const auto [place, fresh] = places_.try_emplace(
        {sample.name, picture.group, picture.cluster, picture.label}, samples_.size());
    if (fresh || !merge_) return samples_.push_back(std::move(sample));
    std::vector<std::string>& captions = samples_[place->second].picture.references;
    captions.insert(captions.end(), picture.references.begin(), picture.references.end());
  }

  std::vector<Sample> take() && { return std::move(samples_); }

 private:
  using Key =
      std::tuple<std::string, std::string, std::optional<std::string>, std::optional<std::size_t>>;
  bool merge_;
  std::vector<Sample> samples_;
  std::map<Key, std::size_t> places_;
};

Samples read_samples(const Options& options, const coca::AnyDataset& dataset,
                     const std::optional<Labels>& labels, Failures& failures) {
  SampleList list(options.protocol == "captions");
  std::size_t broken = 0;
  for (std::size_t i = 0; i < dataset.size(); ++i) {
    coca::Record record;
    try {
      record = dataset.record(i);
    } catch (const coca::Error& error) {  // its text is invalid
      failures.report(error.what());
      ++broken;
      continue;
    }
    coca::TestPicture picture;
    if (!options.group.empty()) picture.group = field(record, options.group);
    if (!options.interval.empty()) picture.cluster = field(record, options.interval);
    if (labels) picture.label = label_of(record, options.label_key, *labels);
    picture.references = std::move(record.captions);
    list.add({i, std::move(record.name), std::move(picture)});
  }
  return {std::move(list).take(), broken};
}

coca::GenerationOptions search_options(const Options& options, const ModelInfo& info) {
  coca::GenerationOptions search = options.search;
  search.tokens = coca::special_tokens(info.tokenizer);
  search.min_length = options.min_length.value_or(info.min_length.value_or(search.min_length));
  try {
    return coca::checked(search, info.context_length, info.vocab_size);
  } catch (const coca::ArgumentError& error) {
    throw UsageError(error.what());
  }
}

coca::Pixels to_pixels(const ModelInfo& info, const std::vector<std::uint8_t>& file,
                       const std::string& name) {
  if (info.open_clip_preprocessing)
    return coca::preprocess_like_open_clip(file, name, info.preprocessing,
                                           picture_reading().options().decoding());
  return coca::preprocess(coca::read_image(file, name, picture_reading().options()),
                          info.preprocessing);
}

/// Pictures that could be read, in the order of their embeddings.
struct Answers {
  std::vector<Sample> samples;
  coca::TestEmbeddings embeddings;
};

/// Adds some pictures: embeddings, and captions if wanted.
void add_pictures(Model& model, const std::optional<coca::GenerationOptions>& search,
                  const coca::AnyDataset& dataset, std::span<Sample> some, Failures& failures,
                  Answers& answers) {
  std::vector<coca::Pixels> pixels;
  std::vector<Sample> whole;
  for (Sample& sample : some) {
    try {
      pixels.push_back(to_pixels(model.info(), dataset.read(sample.index), sample.name));
    } catch (const coca::Error& error) {
      failures.report(sample.name, error);
      continue;
    }
    whole.push_back(std::move(sample));
  }
  if (whole.empty()) return;
  const coca::Embeddings images = model.embed_images(pixels);
  std::vector<float>& all = answers.embeddings.images;
  all.insert(all.end(), images.values.begin(), images.values.end());
  if (search) {
    const auto captions = model.caption(pixels, *search);
    for (std::size_t i = 0; i < whole.size(); ++i)
      whole[i].picture.caption = captions[i].front().text;
  }
  std::move(whole.begin(), whole.end(), std::back_inserter(answers.samples));
}

Answers answer(Model& model, const Options& options, const coca::AnyDataset& dataset,
               std::vector<Sample> samples, Failures& failures) {
  std::optional<coca::GenerationOptions> search;
  if (!options.no_captioning && model.info().captions)
    search = search_options(options, model.info());
  ProgressBar progress("pictures");
  Answers answers;
  for (std::size_t first = 0; first < samples.size(); first += options.batch) {
    const std::size_t count = std::min(options.batch, samples.size() - first);
    add_pictures(model, search, dataset, std::span(samples).subspan(first, count), failures,
                 answers);
    progress.show(first + count, samples.size());
  }
  if (answers.samples.empty())
    throw coca::Error("none of the " + coca::counted(samples.size(), "picture") + " can be read");
  return answers;
}

/// The captions that count, and which of them have the same tokens and thus the same embedding.
struct CaptionTexts {
  std::vector<std::string> unlike;
  std::vector<std::size_t> numbers;  ///< of each caption among the distinct ones
};

/// Assigns captions to pictures: all of them, or only the first, where captions with the same
/// tokens count as one, as in training's validation.
CaptionTexts number_captions(const Model& model, const Options& options,
                             std::vector<Sample>& samples) {
  const bool all = options.protocol == "captions";
  std::map<std::vector<std::int32_t>, std::size_t> known;
  CaptionTexts texts;
  for (Sample& sample : samples)
    for (const std::string& caption : sample.picture.references) {
      const auto [found, fresh] = known.try_emplace(model.encode(caption), texts.unlike.size());
      if (fresh) texts.unlike.push_back(caption);
      sample.picture.texts.push_back(all ? texts.numbers.size() : found->second);
      if (all || fresh) texts.numbers.push_back(found->second);
      if (!all) break;
    }
  return texts;
}

/// Embeds the captions that count, each distinct one once.
void embed_captions(Model& model, const Options& options, Answers& answers) {
  const CaptionTexts texts = number_captions(model, options, answers.samples);
  std::vector<float> unlike;
  constexpr std::size_t at_once = 256;
  ProgressBar progress("captions");
  for (std::size_t first = 0; first < texts.unlike.size(); first += at_once) {
    const std::size_t count = std::min(at_once, texts.unlike.size() - first);
    const coca::Embeddings some = model.embed_texts(std::span(texts.unlike).subspan(first, count));
    unlike.insert(unlike.end(), some.values.begin(), some.values.end());
    progress.show(first + count, texts.unlike.size());
  }
  const std::size_t width = model.info().embed_dim;
  for (const std::size_t number : texts.numbers) {
    const auto row = unlike.begin() + static_cast<std::ptrdiff_t>(number * width);
    answers.embeddings.texts.insert(answers.embeddings.texts.end(), row,
                                    row + static_cast<std::ptrdiff_t>(width));
  }
}

/// One line per picture, for other programs to evaluate.
void write_captions(const std::string& path, std::span<const Sample> samples) {
  coca::AtomicFile file(path);
  for (const Sample& sample : samples)
    file.write(to_line({{"image", sample.name},
                        {"references", sample.picture.references},
                        {"caption", sample.picture.caption.value_or("")}}) +
               "\n");
  file.commit();
}

void print(const Options& options, const Model& model, const coca::TestSet& test_set,
           std::size_t skipped) {
  std::vector<NamedScores> rows;
  if (!options.group.empty())
    for (const std::string& group : test_set.groups())
      rows.emplace_back(group, test_set.scores(group));
  rows.emplace_back("all", test_set.scores());
  const bool captioning = rows.back().second.captioning.has_value();
  if (options.json) {
    JsonLine line{{"model", model.info().preset}, {"data", options.paths}, {"skipped", skipped}};
    if (rows.back().second.retrieval) line["protocol"] = options.protocol;
    if (captioning) line["beams"] = options.search.beams;
    line.update(to_json(rows.back().second));
    rows.pop_back();
    for (const auto& [group, scores] : rows) line["groups"][group] = to_json(scores);
    return print_line(to_line(line));
  }
  for (const std::string& line : score_table(options.group, rows)) print_line(line);
  std::string note = "Recall, exact matches and zero-shot accuracy are in percent";
  if (rows.back().second.retrieval)
    note += options.protocol == "captions" ? "; retrieval is among all captions"
                                           : "; retrieval is among distinct first captions";
  if (captioning)
    note += "; captions are generated with " + coca::counted(options.search.beams, "beam");
  if (rows.back().second.intervals)
    note += "; the interval is the 95 % confidence interval of R@5 (bootstrap over \"" +
            options.interval + "\")";
  print_line(note + '.');
  if (skipped != 0)
    print_line(coca::counted(skipped, "picture") +
               (skipped == 1 ? " was skipped." : " were skipped."));
}

/// Mistakes that can be found before anything is read.
void check_usage(const CLI::App& app, const Options& options) {
  if (options.labels_file.empty())
    for (const char* name : {"--label-key", "--templates"})
      if (app.count(name) != 0) throw UsageError(std::string(name) + " needs --labels-file");
  try {
    coca::to_separator(options.data.separator);
  } catch (const coca::ArgumentError& error) {
    throw UsageError(error.what());
  }
  if (!options.captions_file.empty() && options.no_captioning)
    throw UsageError("--captions and --no-captioning exclude each other");
  if (!options.captions_file.empty()) expect_writable(options.captions_file);
}

bool run(const CLI::App& app, Options options) {
  check_usage(app, options);
  options.model.captions = !options.captions_file.empty();
  std::optional<Labels> labels;
  if (!options.labels_file.empty()) labels.emplace(options.labels_file);
  const coca::AnyDataset dataset = open_data(options);
  for (const std::string& note : dataset.notes()) print_note(app.get_name(), note);
  Failures failures(app.get_name());
  auto [samples, broken] = read_samples(options, dataset, labels, failures);
  const std::size_t all = samples.size() + broken;
  const auto is_captioned = [](const Sample& s) { return !s.picture.references.empty(); };
  if (std::none_of(samples.begin(), samples.end(), is_captioned)) {
    if (!labels)
      throw coca::Error(
          "there is nothing to evaluate: no picture has a caption, and there is no "
          "--labels-file");
    if (!options.interval.empty())
      throw coca::Error("--interval is about recall, but no picture has a caption");
  }
  const auto model = open_model(options.model);
  std::optional<coca::ZeroShotClassifier> classifier;
  if (labels)
    classifier = model->classifier(labels->names(), read_templates(options.templates, *model));

  Answers answers = answer(*model, options, dataset, std::move(samples), failures);
  embed_captions(*model, options, answers);
  if (classifier) answers.embeddings.classes = classifier->embeddings().values;
  if (!options.captions_file.empty()) write_captions(options.captions_file, answers.samples);
  std::vector<coca::TestPicture> pictures;
  for (Sample& sample : answers.samples) pictures.push_back(std::move(sample.picture));
  const std::size_t skipped = all - pictures.size();
  const coca::TestSet test_set(
      std::move(pictures), std::move(answers.embeddings),
      options.protocol == "captions" ? coca::Ties::in_order : coca::Ties::before);
  print(options, *model, test_set, skipped);
  return failures.none();
}

void add_data_options(CLI::App& app, Options& options) {
  const auto add = [&](const char* name, std::string& value, const char* type,
                       const char* description) {
    app.add_option(name, value, description)->check(some_name())->type_name(type)->group("Data");
  };
  add("--image-key", options.data.image_key, "KEY",
      "column or JSON key of the picture's path (default: filepath, image, file_name, ...)");
  add("--caption-key", options.data.caption_key, "KEY",
      "column or JSON key of captions (default: title, caption, text or captions)");
  add("--image-folder", options.data.image_folder, "FOLDER",
      "base folder of relative paths (default: the caption file's folder)");
  app.add_option("--protocol", options.protocol,
                 "how retrieval is measured. captions: as for COCO and Flickr30K: any of a "
                 "picture's captions is a hit, and each caption is searched for its picture. "
                 "concepts: as in train's validation: each picture has its first caption, "
                 "captions with the same tokens count as one, and any of their pictures is a hit")
      ->check(CLI::IsMember({"captions", "concepts"}))
      ->type_name("PROTOCOL")
      ->capture_default_str()
      ->group("Data");
  add("--separator", options.data.separator, "CHARACTER",
      "separator of a table's fields, such as ; or |, or tab (default: found in its first line)");
  app.add_option("--split", options.data.split,
                 "splits to read of a file that has splits, such as Karpathy's (default: test)")
      ->check(some_name())
      ->type_name("NAME")
      ->group("Data");
  app.add_option_function<std::string>(
         "--folders",
         [&options](const std::string& name) {
           for (const auto& choice : coca::detail::folder_choices)
             if (name == choice.name) options.data.folders = choice.value;
         },
         "how a folder of pictures is read: automatic (as captions if half of the pictures have a "
         ".txt, .caption or .json next to them, otherwise as classes), captions, classes")
      ->check(CLI::IsMember({"automatic", "captions", "classes"}))
      ->type_name("NAME")
      ->default_str("automatic")
      ->group("Data");
  add("--group", options.group, "KEY",
      "also print the scores for each value of this column or JSON key. A group's pictures and "
      "captions are searched among those of all groups; CIDEr's word frequencies are also global");
  add("--interval", options.interval, "KEY",
      "also print the 95 % confidence interval of recall (bootstrap), where pictures with the same "
      "value of this column or JSON key are drawn together");
  add("--labels-file", options.labels_file, "FILE",
      "UTF-8 text with one label per line, for zero-shot classification");
  app.add_option("--label-key", options.label_key,
                 "column or JSON key of a picture's label; \"caption\" is its first caption. Class "
                 "folders use the class name, shards the line number in .cls, counted from 0")
      ->check(some_name())
      ->type_name("KEY")
      ->capture_default_str()
      ->group("Data");
  add_templates_option(app, options.templates)->group("Data");
}

void add_search_options(CLI::App& app, Options& options) {
  const auto add = [&](const char* name, std::size_t& value, std::uint64_t least,
                       std::uint64_t most, const char* description) {
    app.add_option(name, value, description)
        ->check(whole_number(least, most))
        ->type_name("N")
        ->capture_default_str()
        ->group("Search");
  };
  add("--beams", options.search.beams, 1, 1024, "number of beams; 1 is greedy search");
  add("--max-length", options.search.max_length, 0, many,
      "maximum number of tokens, start and end included; 0: 30, or the model's context if shorter");
  app.add_option("--min-length", options.min_length,
                 "minimum number of tokens, start and end included (default: that of the model's "
                 "generation_config.json, or else 5)")
      ->check(whole_number(0, many))
      ->type_name("N")
      ->group("Search");
  app.add_flag("--no-captioning", options.no_captioning, "skip captioning, the slowest part")
      ->group("Search");
}

}  // namespace

int main(int argc, char* argv[]) {
  coca::bound_spinning(argv);  // it may restart the program, which needs all arguments
  if (argc > 1 && std::string_view(argv[1]) == "captions")
    return evaluate_captions(argc - 1, argv + 1);
  Options options;
  CLI::App app(
      "Measures the quality of a model on pictures whose captions are known.\n\n"
      "Retrieval: how often one of a picture's captions is among the nearest 1, 5, 10 captions, "
      "and "
      "a\ncaption's picture among the nearest pictures. Captioning: exact matches with the first "
      "caption,\nCIDEr (0 to 10) and BLEU-4 (0 to 1) against all captions of a "
      "picture.\nZero-shot: how often the right label is the nearest, or among the nearest "
      "five.\n\n\"evaluate captions ANNOTATIONS RESULTS\" scores existing captions, without a "
      "model:\nsee evaluate captions --help.",
      "evaluate");
  app.footer(
      "Example: evaluate held_out.jsonl --weights run --group source --captions captions.jsonl\n"
      "         evaluate nouns.jsonl --labels-file nouns.txt --templates \"{}\" --no-captioning");
  app.add_option("data", options.paths,
                 "caption files (JSON, CSV, TSV), shards (\"shard-{000..012}.tar\") or folders of "
                 "pictures")
      ->required()
      ->check(some_name())
      ->type_name("DATA");
  app.add_flag("--json", options.json,
               "print one JSON object, with scores as fractions instead of percentages");
  app.add_option("--captions", options.captions_file,
                 "write JSON lines: image, references, and the model's caption")
      ->check(some_name())
      ->type_name("FILE");
  app.add_option("--batch", options.batch, "pictures captioned together")
      ->check(whole_number(1, 1024))
      ->type_name("N")
      ->capture_default_str();
  add_data_options(app, options);
  add_search_options(app, options);
  add_model_options(app, options.model);
  return run_program(app, argc, argv, [&] { return run(app, options); });
}
