#include "coca/io/checkpoint.hpp"

#include <cmath>

#include "catch.hpp"
#include "resident.hpp"
#include "temporary_folder.hpp"

using coca::Checkpoint;
using coca::DType;
using coca::Shape;
using coca::StoredTensor;
using coca_test::contains;
using coca_test::message_of;

namespace {

template <class T>
std::shared_ptr<const coca::StoredBytes> store(const std::vector<T>& values, std::size_t lead = 0) {
  std::vector<std::byte> memory(lead + values.size() * sizeof(T));
  std::memcpy(memory.data() + lead, values.data(), values.size() * sizeof(T));
  return std::make_shared<coca::StoredBytes>(std::move(memory));
}

template <class T>
StoredTensor vector_of(DType dtype, const std::vector<T>& values, std::size_t lead = 0) {
  const Shape shape{values.size()};
  return {dtype, shape, coca::contiguous_strides(shape), lead, store(values, lead)};
}

}  // namespace

TEST_CASE("every element type is read as float, aligned or not") {
  const std::vector<float> expected{-2, 0, 1, 3};
  const auto check = [&](const StoredTensor& tensor) {
    CHECK(Checkpoint("memory", {{"t", tensor}}).read_floats("t") == expected);
  };
  for (const std::size_t lead : {0, 1, 3}) {
    check(vector_of<double>(DType::F64, {-2, 0, 1, 3}, lead));
    check(vector_of<float>(DType::F32, {-2, 0, 1, 3}, lead));
    check(vector_of<std::uint16_t>(DType::F16, {0xc000, 0, 0x3c00, 0x4200}, lead));
    check(vector_of<std::uint16_t>(DType::BF16, {0xc000, 0, 0x3f80, 0x4040}, lead));
    check(vector_of<std::int64_t>(DType::I64, {-2, 0, 1, 3}, lead));
    check(vector_of<std::int32_t>(DType::I32, {-2, 0, 1, 3}, lead));
    check(vector_of<std::int16_t>(DType::I16, {-2, 0, 1, 3}, lead));
    check(vector_of<std::int8_t>(DType::I8, {-2, 0, 1, 3}, lead));
  }
  const Checkpoint unsigned_bytes("memory", {{"u", vector_of<std::uint8_t>(DType::U8, {0, 200})},
                                             {"b", vector_of<std::uint8_t>(DType::BOOL, {0, 1})}});
  CHECK(unsigned_bytes.read_floats("u") == std::vector<float>{0, 200});
  CHECK(unsigned_bytes.read_floats("b") == std::vector<float>{0, 1});
}

TEST_CASE("integers are read exactly, floats are refused as integers") {
  const std::int64_t large = (std::int64_t{1} << 62) + 1;
  const Checkpoint checkpoint("memory", {{"i", vector_of<std::int64_t>(DType::I64, {large, -5})},
                                         {"f", vector_of<float>(DType::F32, {1})}});
  CHECK(checkpoint.read_int64("i") == std::vector<std::int64_t>{large, -5});
  CHECK(message_of([&] { checkpoint.read_int64("f"); }) ==
        "memory: tensor \"f\" holds F32, expected integers");
}

TEST_CASE("strided tensors are read in row-major order, whole or by rows") {
  const std::vector<float> stored{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
  const auto bytes = store(stored);
  StoredTensor transposed{DType::F32, Shape{3, 4}, {1, 3}, 0, bytes};
  StoredTensor every_other{DType::F32, Shape{2, 3}, {6, 2}, 4, bytes};
  StoredTensor cube{DType::F32, Shape{2, 2, 3}, {3, 6, 1}, 0, bytes};
  StoredTensor scalar{DType::F32, Shape{}, {}, 20, bytes};
  StoredTensor empty{DType::F32, Shape{0, 5}, {5, 1}, 0, bytes};
  const Checkpoint checkpoint("memory", {{"transposed", transposed},
                                         {"every_other", every_other},
                                         {"cube", cube},
                                         {"scalar", scalar},
                                         {"empty", empty}});
  CHECK(checkpoint.read_floats("transposed") ==
        std::vector<float>{0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11});
  CHECK(checkpoint.read_floats("every_other") == std::vector<float>{1, 3, 5, 7, 9, 11});
  CHECK(checkpoint.read_floats("cube") == std::vector<float>{0, 1, 2, 6, 7, 8, 3, 4, 5, 9, 10, 11});
  CHECK(checkpoint.read_floats("scalar") == std::vector<float>{5});
  CHECK(checkpoint.read_floats("empty").empty());
  for (const std::string name : {"transposed", "every_other", "cube"}) {
    const coca::WeightSource source = checkpoint.source(name);
    std::vector<float> rows(source.shape.size());
    for (std::size_t row = 0; row < source.rows(); ++row)
      source.read(row, 1, rows.data() + row * source.row_size());
    CHECK(rows == checkpoint.read_floats(name));
  }
  float out = 0;
  const auto read = checkpoint.source("transposed").read;
  CHECK(contains(message_of([&] { read(2, 2, &out); }),
                 "rows 2 to 4 of tensor \"transposed\" were requested, which has 3"));
}

TEST_CASE("a source outlives its checkpoint") {
  coca::WeightSource source;
  {
    const Checkpoint checkpoint("memory", {{"t", vector_of<float>(DType::F32, {1, 2})}});
    source = checkpoint.source("t");
  }
  std::vector<float> values(2);
  source.read(0, 1, values.data());
  CHECK(values == std::vector<float>{1, 2});
}

TEST_CASE("tensors that do not lie inside their bytes are refused") {
  const auto bytes = store(std::vector<float>(12));
  const auto refusal = [&](const StoredTensor& tensor) {
    return message_of([&] { Checkpoint("memory", {{"t", tensor}}); });
  };
  const std::size_t huge = std::size_t{1} << 40;
  CHECK(contains(refusal({DType::F32, Shape{13}, {1}, 0, bytes}),
                 "\"t\" of shape [13] reaches beyond"));
  CHECK(contains(refusal({DType::F32, Shape{12}, {1}, 4, bytes}), "reaches beyond"));
  CHECK(contains(refusal({DType::F32, Shape{2, 2}, {11, 1}, 0, bytes}), "reaches beyond"));
  CHECK(contains(refusal({DType::F32, Shape{1}, {1}, ~std::size_t{0}, bytes}), "reaches beyond"));
  CHECK(contains(refusal({DType::F32, Shape{3, 1}, {~std::size_t{0}, 1}, 0, bytes}),
                 "reaches beyond"));
  CHECK(contains(refusal({DType::F32, Shape{huge, huge}, {0, 0}, 0, bytes}),
                 "larger than any memory"));
  CHECK(contains(refusal({DType::F32, Shape{0, huge, huge}, {0, 0}, 0, bytes}),
                 "larger than any memory"));
  CHECK(contains(refusal({DType::F32, Shape{huge}, {0}, 0, bytes}),
                 "has more elements than are stored"));
  CHECK(refusal({DType::F32, Shape{12}, {1}, 0, bytes}) == "no error");
}

TEST_CASE("reading a mapped tensor leaves only a chunk of it in memory, not the file") {
  const coca_test::TemporaryFolder folder;
  constexpr std::size_t rows = 16384;
  constexpr std::size_t width = 500;  // 2000 bytes: rows and pages do not agree
  const std::string path = folder.write("data", std::string(rows * width * sizeof(float), '\x41'));
  const auto bytes = std::make_shared<const coca::StoredBytes>(coca::MappedFile(path));
  const Checkpoint checkpoint("memory",
                              {{"t", {DType::F32, Shape{rows, width}, {width, 1}, 0, bytes}}});
  const auto source = checkpoint.source("t");
  std::vector<float> chunk(16 * width);
  std::size_t most = 0;
  for (std::size_t row = 0; row < rows; row += 16) {
    source.read(row, 16, chunk.data());
    if (row % 512 == 0) most = std::max(most, coca_test::resident_kilobytes(bytes->bytes().data()));
  }
  CHECK(chunk.back() == 12.0784314f);
  CHECK(most <= 4096);  // of 32000: the kernel may map up to 2 MiB around a page that is touched
}

TEST_CASE("names are sorted, found and changed") {
  const auto one = vector_of<float>(DType::F32, {1});
  const Checkpoint checkpoint("memory", {{"module.b", one}, {"module.a", one}, {"c", one}},
                              {{"format", "pt"}});
  CHECK(checkpoint.names() == std::vector<std::string>{"c", "module.a", "module.b"});
  CHECK(checkpoint.contains("c"));
  CHECK_FALSE(checkpoint.contains("a"));
  CHECK(message_of([&] { checkpoint.source("a"); }) == "memory: holds no tensor \"a\"");
  const Checkpoint stripped = checkpoint.with_prefix_removed("module.");
  CHECK(stripped.names() == std::vector<std::string>{"a", "b", "c"});
  CHECK(stripped.metadata().at("format") == "pt");
  CHECK(stripped.path() == "memory");
  const auto all_same = [](const std::string&) { return std::optional<std::string>("same"); };
  CHECK(contains(message_of([&] { checkpoint.renamed(all_same); }),
                 "two tensors would be called \"same\""));
  const auto only_c = [](const std::string& name) {
    return name == "c" ? std::optional<std::string>("d") : std::nullopt;
  };
  CHECK(checkpoint.renamed(only_c).names() == std::vector<std::string>{"d"});
}
