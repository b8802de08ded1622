#include "test_samples.hpp"

#include <set>
#include <tuple>
#include <utility>

namespace coca_examples {

coca::AnyDataset open_test_data(const TestSetOptions& options) {
  std::set<std::string> keys;
  for (const std::string& key : {options.group, options.interval})
    if (!key.empty()) keys.insert(key);
  if (!options.labels_file.empty() && options.label_key != "caption")
    keys.insert(options.label_key);
  coca::TrainingData data = options.data;
  data.field_keys = {keys.begin(), keys.end()};
  if (data.split.empty()) data.split = {"test"};
  return coca::open_datasets(options.paths, data);
}

namespace {

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

}  // namespace

Samples read_samples(const TestSetOptions& options, const coca::AnyDataset& dataset,
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

}  // namespace coca_examples
