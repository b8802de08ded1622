// An index of made embeddings: how long it takes to open and to search, beside a plain read of the
// same file, in turns.
//   search_benchmark FILE [PICTURES] [WIDTH] [f32|f16]     FILE is written, and removed at the end

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <coca/pipelines/search_index.hpp>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

namespace {

constexpr const char* model = "made";

/// Numbers that look random, of norm 1 for a row.
class Made {
 public:
  void fill(float* row, std::size_t width) {
    double squares = 0;
    for (std::size_t i = 0; i < width; ++i) {
      state_ = state_ * 6364136223846793005u + 1442695040888963407u;
      row[i] = static_cast<float>(static_cast<std::int32_t>(state_ >> 32)) * 0x1p-31f;
      squares += double{row[i]} * double{row[i]};
    }
    const auto scale = static_cast<float>(1 / std::sqrt(squares));
    for (std::size_t i = 0; i < width; ++i) row[i] *= scale;
  }

 private:
  std::uint64_t state_ = 1;
};

void write(const std::string& path, std::size_t pictures, std::size_t width,
           coca::DType precision) {
  auto owned = std::make_shared<coca::detail::OwnedIndexRows>();
  owned->embeddings.resize(pictures * width);
  Made made;
  for (std::size_t i = 0; i < pictures; ++i) {
    char name[48];
    std::snprintf(name, sizeof name, "pictures/%09zu.jpg", i);
    owned->names += name;
    owned->name_ends.push_back(static_cast<std::int64_t>(owned->names.size()));
    owned->states.insert(owned->states.end(), {1, 1});
    owned->digests.push_back(1);
    made.fill(owned->embeddings.data() + i * width, width);
  }
  const coca::detail::IndexRows rows{
      owned,          owned->name_ends,
      owned->names,   owned->states,
      owned->digests, coca::detail::StoredEmbeddings(owned->embeddings.data(), width)};
  coca::detail::write_index(path, {model, precision}, coca::detail::IndexPictures(width, rows), {});
}

template <class Work>
double seconds_of(const Work& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

void read_plainly(const std::string& path) {
  std::vector<char> block(std::size_t{1} << 20);
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  while (::read(file, block.data(), block.size()) > 0) {
  }
  ::close(file);
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void run(const std::string& path, std::size_t pictures, std::size_t width, coca::DType precision) {
  if (std::filesystem::exists(path)) throw coca::FileError(path, "exists already");
  write(path, pictures, width, precision);
  std::vector<float> query(width);
  Made().fill(query.data(), width);  // the first picture's
  std::vector<double> plain, open, search;
  std::string found;
  for (int i = 0; i < 7; ++i) {
    plain.push_back(seconds_of([&] { read_plainly(path); }));
    std::unique_ptr<coca::SearchIndex> index;
    open.push_back(seconds_of([&] {
      index = std::make_unique<coca::SearchIndex>(coca::SearchIndex::read(path, model, width));
    }));
    search.push_back(seconds_of([&] { found = index->search(query, 10).front().path; }));
  }
  std::cout << pictures << " pictures x " << width << " " << coca::to_string(precision) << ", "
            << std::filesystem::file_size(path) / 1'000'000 << " MB: plain read " << median(plain)
            << " s, open " << median(open) << " s, search " << median(search) << " s ("
            << median(search) / median(plain) << " of the read), found " << found << '\n';
  std::filesystem::remove(path);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::cerr << "usage: search_benchmark FILE [PICTURES] [WIDTH] [f32|f16]\n";
    return 2;
  }
  const auto number = [&](int i, std::size_t otherwise) {
    return argc > i ? static_cast<std::size_t>(std::strtoull(argv[i], nullptr, 10)) : otherwise;
  };
  try {
    run(argv[1], number(2, 1'000'000), number(3, 512),
        argc > 4 && std::string(argv[4]) == "f16" ? coca::DType::F16 : coca::DType::F32);
  } catch (const std::exception& error) {
    std::cerr << "search_benchmark: " << error.what() << '\n';
    return 1;
  }
}
