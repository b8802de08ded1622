// retrieval_benchmark ECCV_CAPTION_DATA [THREADS]
//
// Retrieval of COCO's size: the pairs of its 5,000 test pictures with 25,000 captions, and the
// further right captions of eccv-caption (its folder `data`, see benchmarks/README.md), with made
// embeddings of width 768. Prints one JSON object: seconds and memory beyond the embeddings of
// ranks both ways and of R-precision, and how many ranks of 200 queries differ from those of a
// plain double loop; exit status 1 if one does.

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "coca/core/random.hpp"
#include "coca/data/positives_file.hpp"
#include "coca/evaluation/caption_retrieval.hpp"
#include "coca/evaluation/precision_at_r.hpp"
#include "coca/io/mapped_file.hpp"

namespace {

constexpr std::size_t width = 768;

coca::PositiveIds read_ids(const std::string& path) {
  const coca::MappedFile file(path);
  const auto bytes = file.bytes();
  return coca::parse_positives({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, path);
}

/// The pictures of COCO's test split, with the ids of their captions.
std::vector<coca::AnnotatedPicture> pictures_of(const coca::PositiveIds& pairs) {
  std::vector<coca::AnnotatedPicture> pictures;
  for (const auto& [id, captions] : pairs.lists) pictures.push_back({id, id, captions, captions});
  return pictures;
}

void add_noise(std::span<float> row, std::uint64_t stream) {
  for (std::size_t i = 0; i < row.size(); i += 2) {
    const auto words = coca::philox(1, stream, i);
    const auto normal = coca::to_normal(words[0], words[1]);
    row[i] += normal[0];
    row[i + 1] += normal[1];
  }
}

/// Embeddings of pictures and captions; a caption leans towards its picture, so that about half of
/// the queries find their match first.
struct MadeEmbeddings {
  std::vector<float> images;
  std::vector<float> texts;

  explicit MadeEmbeddings(const coca::CaptionPositives& positives, std::size_t text_count)
      : images(positives.size() * width), texts(text_count * width) {
    constexpr float leaning = 0.15f;
    for (std::size_t i = 0; i < positives.size(); ++i) {
      const std::span<float> image = std::span(images).subspan(i * width, width);
      add_noise(image, i);
      for (const std::size_t t : positives[i]) {
        const std::span<float> text = std::span(texts).subspan(t * width, width);
        for (std::size_t k = 0; k < width; ++k) text[k] = leaning * image[k];
        add_noise(text, positives.size() + t);
      }
    }
  }
};

double cosine(std::span<const float> a, std::span<const float> b) {
  double product = 0, left = 0, right = 0;
  for (std::size_t k = 0; k < a.size(); ++k) {
    product += double{a[k]} * double{b[k]};
    left += double{a[k]} * double{a[k]};
    right += double{b[k]} * double{b[k]};
  }
  return product / std::sqrt(left * right);
}

/// The rank of a query, by a plain loop in double.
std::size_t plain_rank(const coca::EmbeddingRows& queries, std::size_t query,
                       const coca::EmbeddingRows& candidates,
                       const std::vector<std::size_t>& right) {
  std::vector<double> cosines;
  for (std::size_t c = 0; c < candidates.count(); ++c)
    cosines.push_back(cosine(queries.row(query), candidates.row(c)));
  double best = -2;
  for (const std::size_t r : right) best = std::max(best, cosines[r]);
  std::size_t rank = 0;
  for (std::size_t c = 0; c < cosines.size(); ++c)
    rank += cosines[c] > best && std::find(right.begin(), right.end(), c) == right.end() ? 1 : 0;
  return rank;
}

/// Ranks of 200 queries that differ from a plain loop's.
std::size_t differing(const coca::EmbeddingRows& queries, const coca::EmbeddingRows& candidates,
                      const coca::CaptionPositives& right, std::span<const std::size_t> ranks) {
  constexpr std::size_t checked = 200;
  std::size_t count = 0;
  for (std::size_t i = 0; i < checked; ++i) {
    const std::size_t query = i * ranks.size() / checked;
    count += plain_rank(queries, query, candidates, right[query]) != ranks[query] ? 1 : 0;
  }
  return count;
}

/// The highest resident set so far, in MiB.
double peak_memory() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmHWM:")) return std::strtod(line.c_str() + 6, nullptr) / 1024;
  return 0;
}

/// Runs something. @return seconds, and MiB by which the peak of memory has grown
template <class Run>
std::pair<double, double> measure(Run&& run) {
  const double before = peak_memory();
  const auto start = std::chrono::steady_clock::now();
  run();
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  return {seconds.count(), peak_memory() - before};
}

int benchmark(const std::string& folder, std::size_t threads) {
  const coca::PositiveIds pairs = read_ids(folder + "/original_image_to_caption.json");
  const auto pictures = pictures_of(pairs);
  const coca::CaptionPositives own = coca::resolve_positives(pairs, pictures).lists;
  const auto eccv =
      coca::resolve_positives(read_ids(folder + "/eccv_image_to_caption.json"), pictures);
  const auto eccv_texts =
      coca::resolve_positives(read_ids(folder + "/eccv_caption_to_image.json"), pictures);
  std::size_t texts = 0;
  for (const auto& captions : own) texts += captions.size();

  const MadeEmbeddings made(own, texts);
  const coca::EmbeddingRows images{made.images, width}, captions{made.texts, width};
  coca::CaptionRanks ranks;
  coca::PrecisionAtR to_texts, to_images;
  const auto [rank_seconds, rank_memory] =
      measure([&] { ranks = coca::caption_ranks(images, captions, own, {.threads = threads}); });
  const auto [precision_seconds, precision_memory] = measure([&] {
    to_texts = coca::precision_at_r(images, captions, eccv.lists, threads);
    to_images = coca::precision_at_r(captions, images, eccv_texts.lists, threads);
  });
  const std::size_t wrong = differing(images, captions, own, ranks.images) +
                            differing(captions, images, coca::inverted(own, texts), ranks.texts);
  const nlohmann::ordered_json line{{"pictures", own.size()},
                                    {"captions", texts},
                                    {"width", width},
                                    {"rank_seconds", rank_seconds},
                                    {"rank_mebibytes", rank_memory},
                                    {"precision_seconds", precision_seconds},
                                    {"precision_mebibytes", precision_memory},
                                    {"text_retrieval_recall@1", coca::recall_at(ranks.images, 1)},
                                    {"image_retrieval_recall@1", coca::recall_at(ranks.texts, 1)},
                                    {"text_retrieval_map@r", to_texts.mean_average_precision},
                                    {"image_retrieval_map@r", to_images.mean_average_precision},
                                    {"differing_ranks", wrong}};
  std::cout << line.dump() << '\n';
  return wrong == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char* argv[]) {
  if (argc < 2 || argc > 3) {
    std::cerr << "usage: retrieval_benchmark ECCV_CAPTION_DATA [THREADS]\n";
    return 2;
  }
  try {
    return benchmark(argv[1], argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 0);
  } catch (const std::exception& error) {
    std::cerr << "retrieval_benchmark: " << error.what() << '\n';
    return 1;
  }
}
