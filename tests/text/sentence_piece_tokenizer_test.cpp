#include "coca/text/sentence_piece_tokenizer.hpp"

#include <string>
#include <vector>

#include "catch.hpp"
#include "text/error_text.hpp"
#include "text/temporary_directory.hpp"

#if COCA_HAS_SENTENCEPIECE
#include <sentencepiece_trainer.h>

namespace {

using Ids = std::vector<std::int32_t>;

class Sentences : public sentencepiece::SentenceIterator {
 public:
  bool done() const override { return at_ == 40; }
  void Next() override { ++at_; }
  const std::string& value() const override { return texts_[at_ % 4]; }
  sentencepiece::util::Status status() const override { return {}; }

 private:
  std::size_t at_ = 0;
  std::vector<std::string> texts_ = {"a photo of a cat", "two dogs on the grass",
                                     "the red ball lies next to a blue box",
                                     "a small bird sits on a fence"};
};

// Trains a model of 60 pieces and returns its bytes.
std::string train(const std::string& options) {
  Sentences sentences;
  std::string model;
  const auto status = sentencepiece::SentencePieceTrainer::Train(
      "--model_type=bpe --vocab_size=60 --normalization_rule_name=identity --minloglevel=2 " +
          options,
      &sentences, &model);
  REQUIRE(status.ok());
  return model;
}

}  // namespace

TEST_CASE("a SentencePiece model encodes and decodes") {
  const TemporaryDirectory directory;
  const auto path = directory.write("small.model", train("--pad_id=3"));
  const coca::SentencePieceTokenizer tokenizer(path);
  CHECK(tokenizer.vocab_size() == 60);
  CHECK(tokenizer.start_id() == 1);
  CHECK(tokenizer.end_id() == 2);
  CHECK(tokenizer.pad_id() == 3);
  const Ids ids = tokenizer.encode("a photo of a cat");
  CHECK(ids.size() > 4);
  CHECK(ids.size() < 16);  // pieces, not letters
  CHECK(tokenizer.decode(ids) == "a photo of a cat");
  CHECK(tokenizer.encode("").empty());
}

TEST_CASE("SentencePiece rows and captions") {
  const TemporaryDirectory directory;
  const auto path = directory.write("small.model", train("--pad_id=3"));
  const coca::AnyTokenizer tokenizer = coca::SentencePieceTokenizer(path);
  const auto rows = coca::tokenize(tokenizer, "the cat", 20);
  const Ids ids = tokenizer.encode("the cat");
  CHECK(rows.ids[0] == 1);
  CHECK(Ids(rows.ids.begin() + 1, rows.ids.begin() + 1 + static_cast<int>(ids.size())) == ids);
  CHECK(rows.ids[ids.size() + 1] == 2);
  CHECK(rows.ids.back() == 3);
  CHECK(coca::decode_caption(tokenizer, rows.ids) == "the cat");
}

TEST_CASE("a SentencePiece model without padding pads with 0") {
  const TemporaryDirectory directory;
  const coca::SentencePieceTokenizer tokenizer(directory.write("small.model", train("")));
  CHECK(tokenizer.pad_id() == 0);
}

TEST_CASE("ids beyond a SentencePiece model are refused") {
  const TemporaryDirectory directory;
  const coca::SentencePieceTokenizer tokenizer(directory.write("small.model", train("")));
  CHECK(error_text<coca::ArgumentError>([&] {
          tokenizer.decode(Ids{1, 60});
        }) == "token id 60 is not in the vocabulary of 60 tokens");
  CHECK(error_text<coca::ArgumentError>([&] { tokenizer.decode(Ids{-1}); }) ==
        "token id -1 is not in the vocabulary of 60 tokens");
}

TEST_CASE("missing and damaged SentencePiece models are refused by name") {
  const TemporaryDirectory directory;
  const auto refusal = [](const std::string& path) {
    return error_text<coca::FileError>([&] { coca::SentencePieceTokenizer tokenizer(path); });
  };
  const auto missing = directory.path("missing.model");
  CHECK(refusal(missing) == missing + ": the file cannot be opened (No such file or directory)");
  const auto empty = directory.write("empty.model", "");
  CHECK(refusal(empty) == empty + ": the file is empty, expected a SentencePiece model");
  const std::string model = train("");
  const auto cut = directory.write("cut.model", model.substr(0, model.size() / 2));
  CHECK(refusal(cut).starts_with(cut + ": this is not a SentencePiece model ("));
  const auto text = directory.write("text.model", "a photo of a cat\n");
  CHECK(refusal(text).starts_with(text + ": this is not a SentencePiece model ("));
  const auto no_start = directory.write("no_start.model", train("--bos_id=-1"));
  CHECK(refusal(no_start) ==
        no_start + ": the model has no start token (bos), which captions begin with");
  const auto no_end = directory.write("no_end.model", train("--eos_id=-1"));
  CHECK(refusal(no_end) == no_end + ": the model has no end token (eos), which captions end with");
}

#else

TEST_CASE("without SentencePiece its models are refused") {
  CHECK(error_text<coca::UnavailableError>(
            [] { coca::SentencePieceTokenizer tokenizer("a.model"); }) ==
        "a.model: reading this model needs the library SentencePiece, which this build of coca "
        "does not have");
}

#endif
