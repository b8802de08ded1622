#include "answered_records.hpp"

#include <algorithm>
#include <utility>

#include "coca/image/preprocess.hpp"
#include "picture_reading.hpp"

namespace coca_examples {

namespace {

/// Records that can be read, and what is asked about them.
struct ReadRecords {
  std::vector<std::size_t> indices;
  std::vector<coca::Pixels> pixels;
  std::vector<std::string> texts;
};

/// Pictures of a record as the model reads them.
std::vector<coca::Pixels> pictures_of(const Answerer& model, const coca::AnyDataset& data,
                                      std::size_t index, const std::string& name) {
  std::vector<coca::Pixels> pictures;
  for (std::size_t i = 0; i < model.info().description.pictures(); ++i)
    pictures.push_back(
        coca::preprocess(coca::read_image(data.read(index, i), name, picture_reading().options()),
                         model.info().preprocessing));
  return pictures;
}

ReadRecords read_records(const Answerer& model, const coca::AnyDataset& data, std::size_t first,
                         const AnsweringOptions& options, Failures& failures) {
  ReadRecords read;
  const std::size_t end = std::min(data.size(), first + options.batch);
  for (std::size_t i = first; i < end; ++i) {
    const coca::Record record = data.record(i);
    try {
      for (coca::Pixels& pixels : pictures_of(model, data, i, record.name))
        read.pixels.push_back(std::move(pixels));
    } catch (const coca::FileError& error) {
      if (!options.skip_missing) throw;
      failures.report(record.name, error);
      continue;
    }
    read.indices.push_back(i);
    read.texts.push_back(record.fields.at(options.field));
  }
  return read;
}

}  // namespace

std::vector<std::optional<std::vector<float>>> answer_records(Answerer& model,
                                                              const coca::AnyDataset& data,
                                                              const AnsweringOptions& options,
                                                              Failures& failures) {
  std::vector<std::optional<std::vector<float>>> answers(data.size());
  ProgressBar progress("texts");
  for (std::size_t first = 0; first < data.size(); first += options.batch) {
    const ReadRecords read = read_records(model, data, first, options, failures);
    auto some = model.answer(read.pixels, read.texts);
    for (std::size_t i = 0; i < some.size(); ++i) answers[read.indices[i]] = std::move(some[i]);
    progress.show(std::min(first + options.batch, data.size()), data.size());
  }
  return answers;
}

}  // namespace coca_examples
