#include "coca/core/version.hpp"

#include <string>

#include "catch.hpp"

TEST_CASE("the version is the macros' and CMake's", "[version]") {
  CHECK(coca::version() == COCA_CMAKE_VERSION);
  CHECK(COCA_VERSION == COCA_VERSION_MAJOR * 10000 + COCA_VERSION_MINOR * 100 + COCA_VERSION_PATCH);
  CHECK(coca::version() == std::to_string(COCA_VERSION / 10000) + "." +
                               std::to_string(COCA_VERSION / 100 % 100) + "." +
                               std::to_string(COCA_VERSION % 100));
}

TEST_CASE("the compiler is named with its version", "[version]") {
#ifdef __clang__
  CHECK(coca::compiler().starts_with("clang++ " + std::to_string(__clang_major__) + "."));
#else
  CHECK(coca::compiler().starts_with("g++ " + std::to_string(__GNUC__) + "."));
#endif
}

TEST_CASE("the libraries are those in features.hpp", "[version]") {
  const std::string list = " " + coca::libraries() + " ";
  const auto lists = [&](const std::string& name) {
    return list.find(" " + name + " ") != std::string::npos;
  };
  CHECK(lists("OPENMP") == (COCA_HAS_OPENMP == 1));
  CHECK(lists("ONEDNN") == (COCA_HAS_ONEDNN == 1));
  CHECK(lists("MPI") == (COCA_HAS_MPI == 1));
  CHECK_FALSE(lists(""));
}
