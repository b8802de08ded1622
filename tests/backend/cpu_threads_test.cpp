#include <algorithm>
#include <atomic>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "catch.hpp"
#include "coca/backend/cpu/scratch.hpp"
#include "coca/backend/cpu/threads.hpp"

using coca::detail::parallel_for;
using coca::detail::Share;

TEST_CASE("shares are contiguous, complete and balanced", "[cpu]") {
  for (std::size_t count = 0; count < 40; ++count)
    for (std::size_t parts = 1; parts < 9; ++parts) {
      std::size_t next = 0;
      for (std::size_t part = 0; part < parts; ++part) {
        const Share share(count, part, parts);
        REQUIRE(share.begin == next);
        const std::size_t size = share.end - share.begin;
        REQUIRE((size == count / parts || size == count / parts + 1));
        next = share.end;
      }
      REQUIRE(next == count);
    }
}

TEST_CASE("each index is visited once, whatever the number of threads", "[cpu]") {
  for (const int threads : {-1, 0, 1, 2, 3, 7})
    for (const std::size_t count :
         {std::size_t{0}, std::size_t{1}, std::size_t{2}, std::size_t{100}}) {
      std::vector<std::atomic<int>> visits(count);
      parallel_for(threads, count, [&](std::size_t begin, std::size_t end) {
        for (std::size_t i = begin; i < end; ++i) ++visits[i];
      });
      for (const auto& visit : visits) REQUIRE(visit == 1);
    }
}

TEST_CASE("a parallel loop inside another is complete", "[cpu]") {
  std::atomic<int> visits{0};
  parallel_for(3, 6, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i)
      parallel_for(
          3, 5, [&](std::size_t from, std::size_t to) { visits += static_cast<int>(to - from); });
  });
  CHECK(visits == 30);
}

TEST_CASE("an exception of a part reaches the caller", "[cpu]") {
  for (const int threads : {1, 4}) {
    std::string message;
    try {
      parallel_for(threads, 8, [](std::size_t begin, std::size_t end) {
        if (begin <= 5 && 5 < end) throw std::runtime_error("part with 5");
      });
    } catch (const std::runtime_error& error) {
      message = error.what();
    }
    CHECK(message == "part with 5");
  }
}

TEST_CASE("only as many threads are started as have enough to do", "[cpu]") {
  using coca::detail::worthwhile_threads;
  CHECK(worthwhile_threads(8, 0) == 1);
  CHECK(worthwhile_threads(8, 8191) == 1);
  CHECK(worthwhile_threads(8, 3 * 8192) == 3);
  CHECK(worthwhile_threads(8, std::size_t{1} << 30) == 8);
  CHECK(worthwhile_threads(0, std::size_t{1} << 30) == 1);
}

TEST_CASE("scratch memory is kept, grows, and belongs to its thread", "[cpu]") {
  struct Purpose {};
  auto& scratch = coca::detail::scratch<Purpose>();
  float* first = scratch.get<float>(100);
  CHECK(scratch.get<float>(100) == first);
  CHECK(scratch.get<float>(10) == first);
  scratch.get<float>(100000)[99999] = 1.0f;
  float* mine = scratch.get<float>(1);
  float* other = nullptr;
  std::thread([&] { other = coca::detail::scratch<Purpose>().get<float>(1); }).join();
  CHECK(mine != other);
}

TEST_CASE("each piece is visited once, whichever thread takes it", "[cpu]") {
  using coca::detail::parallel_for_pieces;
  for (const int threads : {-1, 1, 2, 5})
    for (const std::size_t count : {0, 1, 7, 64, 1000})
      for (const std::size_t piece : {1, 3, 64, 2000}) {
        std::vector<std::atomic<int>> visits(count);
        parallel_for_pieces(threads, count, piece, [&](std::size_t begin, std::size_t end) {
          if (begin % piece != 0 || end - begin > piece) visits[begin] += 100;
          for (std::size_t i = begin; i < end; ++i) ++visits[i];
        });
        CHECK(std::all_of(visits.begin(), visits.end(), [](const auto& v) { return v == 1; }));
      }
}
