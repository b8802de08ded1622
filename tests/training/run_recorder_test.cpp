#include "coca/training/run_recorder.hpp"

#include <string>
#include <vector>

#include "catch.hpp"
#include "io/temporary_folder.hpp"

using namespace coca;

namespace run_recorder_test {

TEST_CASE("a run with names that are not UTF-8 has its options and its report") {
  // Once ended with an exception of the JSON library.
  const coca_test::TemporaryFolder temporary;
  const RunFolder folder(temporary.path("caf\xe9"));
  folder.create();
  TrainingOptions options;
  options.data.training = {"caf\xe9/list.jsonl", "plain"};
  RunRecorder recorder(folder, "tiny");
  recorder.start(0, options, {}, "");
  recorder.write({{"step", 1}, {"loss", 0.5}});
  recorder.commit();
  recorder.write_report({}, 1, 4, {});

  TrainingOptions read;
  read_options_file(folder.options(), read);
  CHECK(read.data.training == options.data.training);
  const std::string report = coca_test::read_all(folder.report());
  CHECK(coca::is_valid_utf8(report));
  CHECK(report.find("caf\\udce9/list.jsonl") != std::string::npos);
}

}  // namespace run_recorder_test
