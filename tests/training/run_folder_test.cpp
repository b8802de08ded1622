#include "coca/training/run_folder.hpp"

#include "catch.hpp"
#include "io/temporary_folder.hpp"

using namespace coca;
using coca_test::contains;
using coca_test::message_of;
using coca_test::read_all;

TEST_CASE("a run's folder is created with its parents") {
  const coca_test::TemporaryFolder folder;
  const RunFolder run(folder.path("a/b"));
  run.create();
  run.create();
  CHECK(run.log() == folder.path("a/b/log.jsonl"));
  CHECK_FALSE(run.has_checkpoint());
  folder.write("a/b/checkpoint.safetensors", "x");
  CHECK(run.has_checkpoint());
  const std::string file = folder.write("file", "x");
  CHECK(contains(message_of([&] { RunFolder(file + "/run").create(); }),
                 file + "/run: cannot be created"));
  CHECK(message_of([&] { RunFolder(file).create(); }) ==
        file + ": cannot be created: Not a directory");
  CHECK(message_of([&] { RunFolder("").create(); }) == "a training run needs a folder to write to");
}

TEST_CASE("only the leftovers of killed runs are removed") {
  const coca_test::TemporaryFolder folder;
  const RunFolder run(folder.path());
  folder.write("checkpoint.safetensors.tmp-12-0", "x");
  folder.write("report.html.tmp-12-1", "x");
  folder.write("mine.tmp-12-1", "x");
  folder.write("checkpoint.safetensors", "x");
  run.remove_leftovers();
  CHECK(folder.count() == 2);
  CHECK(read_all(folder.path("mine.tmp-12-1")) == "x");
}

TEST_CASE("one run at a time has a folder") {
  const coca_test::TemporaryFolder folder;
  const RunFolder run(folder.path());
  {
    const RunLock lock(run);
    CHECK(message_of([&] { RunLock second(run); }) ==
          folder.path() + ": another training run is writing to this folder");
  }
  CHECK(message_of([&] { RunLock again(run); }) == "no error");
  CHECK(contains(message_of([&] { RunLock none(RunFolder(folder.path("no"))); }),
                 "cannot be opened"));
}

TEST_CASE("the previous checkpoint can be restored") {
  const coca_test::TemporaryFolder folder;
  const RunFolder run(folder.path());
  run.keep_checkpoint();  // there is none
  write_file_atomically(run.checkpoint(), "one");
  run.keep_checkpoint();
  write_file_atomically(run.checkpoint(), "two");
  run.return_to_kept_checkpoint();
  CHECK(read_all(run.checkpoint()) == "one");
  run.return_to_kept_checkpoint();  // nothing is kept any more
  CHECK(read_all(run.checkpoint()) == "one");
  run.keep_checkpoint();
  write_file_atomically(run.checkpoint(), "three");
  run.forget_kept_checkpoint();
  CHECK(read_all(run.checkpoint()) == "three");
  CHECK(folder.count() == 1);
}

TEST_CASE("a vocabulary has a name that is found again") {
  const RunFolder run("run");
  CHECK(run.tokenizer("/a/bpe_simple_vocab_16e6.txt.gz") == "run/bpe_simple_vocab_16e6.txt.gz");
  CHECK(run.tokenizer("words.txt") == "run/bpe_simple_vocab.txt");
  CHECK(run.tokenizer("b/words.txt.gz") == "run/bpe_simple_vocab.txt.gz");
  CHECK(run.tokenizer("sp.model") == "run/sp.model");
  CHECK(run.tokenizer("x/merges.txt") == "run/merges.txt");
}

TEST_CASE("files are copied whole") {
  const coca_test::TemporaryFolder folder;
  copy_file_atomically(folder.write("a", "text"), folder.path("b"));
  CHECK(read_all(folder.path("b")) == "text");
  CHECK(contains(message_of([&] { copy_file_atomically(folder.path("c"), folder.path("b")); }),
                 "cannot be opened"));
}
