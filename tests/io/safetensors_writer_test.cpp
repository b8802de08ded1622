#include "coca/io/safetensors_writer.hpp"

#include <bit>
#include <cmath>
#include <limits>

#include "catch.hpp"
#include "coca/io/safetensors.hpp"
#include "temporary_folder.hpp"

using coca::DType;
using coca::SafetensorsWriter;
using coca::Shape;
using coca_test::contains;
using coca_test::message_of;
using coca_test::TemporaryFolder;

TEST_CASE("what is written is read back") {
  const TemporaryFolder folder;
  const std::string path = folder.path("x.safetensors");
  SafetensorsWriter writer(path,
                           {{"half", Shape{3}, DType::F16},
                            {"matrix", Shape{2, 2}},
                            {"empty", Shape{0, 4}},
                            {"brain", Shape{1}, DType::BF16},
                            {"scalar", Shape{}}},
                           {{"note", "ü"}});
  std::vector<std::string> order;
  for (const auto& tensor : writer.tensors()) order.push_back(tensor.name);
  CHECK(order == std::vector<std::string>{"matrix", "empty", "scalar", "half", "brain"});
  writer.write("matrix", std::vector<float>{1, 2});
  writer.write("matrix", std::vector<float>{3, 4});
  writer.write("scalar", std::vector<float>{0.1f});
  writer.write("half", std::vector<float>{0.1f, -65504, 1e6f});
  writer.write("brain", std::vector<float>{1.0f / 3});
  CHECK_FALSE(std::filesystem::exists(path));
  writer.commit();
  const auto read = coca::read_safetensors(path);
  CHECK(read.metadata().at("format") == "pt");
  CHECK(read.metadata().at("note") == "ü");
  CHECK(read.read_floats("matrix") == std::vector<float>{1, 2, 3, 4});
  CHECK(read.tensor("matrix").shape == Shape{2, 2});
  CHECK(read.tensor("matrix").offset % 8 == 0);
  CHECK(read.read_floats("scalar") == std::vector<float>{0.1f});
  CHECK(read.read_floats("half") ==
        std::vector<float>{0.0999755859375f, -65504, std::numeric_limits<float>::infinity()});
  CHECK(read.read_floats("brain") == std::vector<float>{0.333984375f});
  CHECK(read.tensor("brain").dtype == DType::BF16);
}

TEST_CASE("NaN and its payload survive in F32, NaN in the others") {
  const TemporaryFolder folder;
  const float nan = std::bit_cast<float>(0x7fc12345u);
  SafetensorsWriter writer(
      folder.path("x"),
      {{"a", Shape{1}}, {"b", Shape{1}, DType::F16}, {"c", Shape{1}, DType::BF16}});
  for (const char* name : {"a", "b", "c"}) writer.write(name, std::span(&nan, 1));
  writer.commit();
  const auto read = coca::read_safetensors(folder.path("x"));
  CHECK(std::bit_cast<std::uint32_t>(read.read_floats("a")[0]) == 0x7fc12345u);
  CHECK(std::isnan(read.read_floats("b")[0]));
  CHECK(std::isnan(read.read_floats("c")[0]));
}

TEST_CASE("more values than one conversion block") {
  const TemporaryFolder folder;
  std::vector<float> values(10'001);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i % 2048);
  SafetensorsWriter writer(folder.path("x"), {{"a", Shape{values.size()}, DType::F16}});
  writer.write("a", values);
  writer.commit();
  CHECK(coca::read_safetensors(folder.path("x")).read_floats("a") == values);
}

TEST_CASE("announcements that no file can store") {
  const TemporaryFolder folder;
  const auto refusal = [&](std::vector<coca::TensorAnnouncement> tensors) {
    return message_of([&] { SafetensorsWriter(folder.path("x"), std::move(tensors)); });
  };
  const std::size_t huge = std::size_t{1} << 62;
  CHECK(contains(refusal({{"a", Shape{1}}, {"a", Shape{1}}}), "cannot hold two tensors \"a\""));
  CHECK(contains(refusal({{"__metadata__", Shape{1}}}), "cannot hold two tensors"));
  CHECK(contains(refusal({{"a", Shape{1}, DType::I64}}),
                 "cannot be written as I64, only as F32, F16 or BF16"));
  CHECK(contains(refusal({{"a", Shape{huge, 4}}}), "is larger than any memory"));
  CHECK(contains(refusal({{"a", Shape{huge / 2}}, {"b", Shape{huge / 2}}, {"c", Shape{huge - 1}}}),
                 "larger than any"));
  CHECK(contains(refusal({{"\xff", Shape{1}}}), "must be UTF-8"));
  CHECK(folder.count() == 0);
}

TEST_CASE("tensors must come in order and complete") {
  const TemporaryFolder folder;
  {
    SafetensorsWriter writer(folder.path("x"), {{"a", Shape{2}}, {"b", Shape{1}}});
    const std::vector<float> two{1, 2};
    CHECK(message_of([&] { writer.write("b", two); }) ==
          "tensor \"b\" was written where \"a\" was expected");
    CHECK(message_of([&] { writer.commit(); }) == "the file ends where \"a\" was expected");
    writer.write("a", two);
    CHECK(message_of([&] { writer.write("b", two); }) == "tensor \"b\" of shape [1] got 2 values");
    writer.write("b", std::span(two).first(1));
    CHECK(contains(message_of([&] { writer.write("b", two); }), "where nothing more was expected"));
  }
  CHECK(folder.count() == 0);
}

TEST_CASE("a full device is reported when safetensors are committed") {
  SafetensorsWriter writer("/dev/full", {{"a", Shape{1}}});
  writer.write("a", std::vector<float>{1});
  CHECK(message_of([&] { writer.commit(); }) ==
        "/dev/full: cannot be written: No space left on device");
}
