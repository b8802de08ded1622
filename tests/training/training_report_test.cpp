#include "coca/training/training_report.hpp"

#include "catch.hpp"
#include "io/temporary_folder.hpp"

using namespace coca;
using coca_test::contains;

namespace {

std::string base64(const std::string& text) {
  return to_base64({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

}  // namespace

TEST_CASE("base64 is that of RFC 4648") {
  CHECK(base64("") == "");
  CHECK(base64("f") == "Zg==");
  CHECK(base64("fo") == "Zm8=");
  CHECK(base64("foo") == "Zm9v");
  CHECK(base64("foobar") == "Zm9vYmFy");
  CHECK(base64("\xff\xfe\xfd") == "//79");
}

TEST_CASE("a log is read except for the line being written") {
  const coca_test::TemporaryFolder folder;
  const std::string path = folder.write("log.jsonl", "{\"step\":1}\nnonsense\n{\"step\":2}\n{\"st");
  const std::vector<Json> log = read_training_log(path);
  REQUIRE(log.size() == 2);
  CHECK(log[1].at("step") == 2);
  CHECK(read_training_log(folder.write("empty.jsonl", "")).empty());
  CHECK(contains(coca_test::message_of([&] { read_training_log(folder.path("none")); }),
                 "cannot be opened"));
}

TEST_CASE("a report has the bias of a model that has one, wherever the log first mentions it") {
  std::vector<Json> log{parse_json(R"({"step":1,"validation":{"captions":[]}})", "log")};
  CHECK_FALSE(contains(training_report({.title = "x"}, log, {}), "Logit bias"));
  log.push_back(parse_json(R"({"step":2,"logit_bias":-10})", "log"));
  CHECK(contains(training_report({.title = "x"}, log, {}), "Logit bias"));
}

TEST_CASE("a report has the curves, and captions where they changed") {
  std::vector<Json> log;
  const auto add = [&](const char* line) { log.push_back(parse_json(line, "log")); };
  add(R"({"step":1,"loss":9.5,"learning_rate":0.1})");
  add(R"({"step":1,"validation":{"loss":8,"captions":["<b>","x"],"image_to_text":{"r1":0.25}}})");
  add(R"({"step":2,"loss":null,"skipped":true})");
  add(R"({"step":2,"validation":{"loss":7,"captions":["<b>","y"]}})");
  add(R"({"step":3,"validation":{"captions":[3]}})");
  const std::vector<ReportPicture> pictures{{"one & two", "data:image/png;base64,AAAA"}, {"2", ""}};
  const std::string page = training_report({"A title", "Said.", "{\"a\":1}"}, log, pictures);
  CHECK(contains(page, "<title>A title</title>"));
  CHECK(contains(page, "Said."));
  CHECK(contains(page, "{&quot;a&quot;:1}"));
  CHECK(contains(page, "<img src=\"data:image/png;base64,AAAA\""));
  CHECK(contains(page, "one &amp; two"));
  CHECK(contains(page, "<tr><td>1</td><td>&lt;b&gt;</td></tr>\n</table>"));
  CHECK(contains(page, "<tr><td>1</td><td>x</td></tr>\n<tr><td>2</td><td>y</td></tr>\n</table>"));
  CHECK(contains(page, "Validation retrieval"));
  CHECK(contains(page, ">9.5</text>"));
  CHECK_FALSE(contains(page, "nan"));
  CHECK_FALSE(contains(page, "<b>"));
}

TEST_CASE("a report has the losses and scores of any task, by their names") {
  std::vector<Json> log;
  const auto add = [&](const char* line) { log.push_back(parse_json(line, "log")); };
  add(R"({"step":1,"loss":2,"classification_loss":2,"margin":0.5})");
  add(R"({"step":1,"validation":{"loss":1,"classification_loss":1,"pictures":4,"captions":[],
          "accuracy":{"top_1":0.5,"top_5":0.75},"calibration":0.25}})");
  const std::string page = training_report({.title = "x"}, log, {});
  for (const char* words : {"classification", "Validation: accuracy", "top_1", "top_5", "margin",
                            "Validation: calibration"})
    CHECK(contains(page, words));
  for (const char* words : {"retrieval", "Temperature", "contrastive", "Validation: pictures"})
    CHECK_FALSE(contains(page, words));
}
