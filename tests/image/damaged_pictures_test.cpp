#include "coca/image/damaged_pictures.hpp"

#include <string>
#include <thread>
#include <vector>

#include "catch.hpp"

TEST_CASE("Names of damaged pictures are counted once, the first is remembered") {
  coca::DamagedPictures damaged;
  CHECK(damaged.count() == 0);
  CHECK(damaged.first().empty());
  damaged.add("b.jpg", "bad Huffman code");
  damaged.add("a.jpg", "the file ends too early");
  damaged.add("b.jpg", "something else");
  CHECK(damaged.count() == 2);
  CHECK(damaged.first() == "b.jpg: bad Huffman code");
}

TEST_CASE("Threads count damaged pictures together") {
  coca::DamagedPictures damaged;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 100; ++i) damaged.add(std::to_string(i), "is damaged");
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(damaged.count() == 100);
}
