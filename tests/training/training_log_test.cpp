#include "coca/training/training_log.hpp"

#include <limits>

#include "catch.hpp"
#include "coca/training/training_report.hpp"
#include "io/temporary_folder.hpp"

using coca::TrainingLog;
using coca_test::message_of;
using coca_test::read_all;

TEST_CASE("a log grows by lines, and drops what came after a checkpoint") {
  const coca_test::TemporaryFolder folder;
  const std::string path = folder.path("log.jsonl");
  std::uint64_t bytes = 0;
  {
    TrainingLog log(path, 0);
    log.write({{"step", 1}});
    bytes = log.commit();
    log.write({{"step", 2}, {"text", "a\nb\xff"}});
  }
  CHECK(read_all(path) == "{\"step\":1}\n{\"step\":2,\"text\":\"a\\nb\\udcff\"}\n");
  TrainingLog(path, bytes).write({{"step", 3}});
  CHECK(read_all(path) == "{\"step\":1}\n{\"step\":3}\n");
  { const TrainingLog fresh(path, 0); }
  CHECK(read_all(path).empty());
}

TEST_CASE("a log shorter than at the checkpoint is refused") {
  const coca_test::TemporaryFolder folder;
  const std::string path = folder.write("log.jsonl", "12345");
  CHECK(message_of([&] { TrainingLog(path, 6); }) ==
        path + ": holds 5 bytes, but there were 6 at the checkpoint");
  CHECK(message_of([&] { TrainingLog(path + "/x", 0); }) ==
        path + "/x: cannot be written: Not a directory");
  CHECK(message_of([&] {
          TrainingLog("/dev/full", 0).write({{"step", 1}});
        }) == "/dev/full: cannot be written: No space left on device");
}

TEST_CASE("names of pictures are in the log byte for byte") {
  const coca_test::TemporaryFolder folder;
  const std::string path = folder.path("log.jsonl");
  coca::TrainingLog(path, 0).write({{"broken_pictures", {"caf\xe9.png"}}});
  CHECK(coca_test::read_all(path) == "{\"broken_pictures\":[\"caf\\udce9.png\"]}\n");
  CHECK(coca::read_training_log(path)[0]["broken_pictures"][0] == "caf\xe9.png");
}

TEST_CASE("floats in JSON are as short as they can be") {
  CHECK(coca::to_json_number(0.1f).dump() == "0.1");
  CHECK(coca::to_json_number(std::numeric_limits<float>::quiet_NaN()).is_null());
  CHECK(coca::to_json_number(std::numeric_limits<float>::infinity()).is_null());
}
