#pragma once
// Makes zip archives with libzip, stored or deflated.

#include <stdexcept>
#include <string>
#include <vector>

#include "coca/features.hpp"

#if COCA_HAS_LIBZIP
#include <zip.h>
#endif

namespace coca_test {

struct ZipContent {
  std::string name;
  std::string data;
  bool deflate = false;
};

#if COCA_HAS_LIBZIP
inline void make_zip(const std::string& path, const std::vector<ZipContent>& contents) {
  int error = 0;
  zip_t* archive = zip_open(path.c_str(), ZIP_CREATE | ZIP_TRUNCATE, &error);
  if (archive == nullptr) throw std::runtime_error("cannot make " + path);
  for (const ZipContent& content : contents) {
    zip_source_t* source = zip_source_buffer(archive, content.data.data(), content.data.size(), 0);
    const zip_int64_t index = zip_file_add(archive, content.name.c_str(), source, 0);
    if (index < 0) throw std::runtime_error("cannot add " + content.name);
    zip_set_file_compression(archive, static_cast<zip_uint64_t>(index),
                             content.deflate ? ZIP_CM_DEFLATE : ZIP_CM_STORE, 9);
  }
  if (zip_close(archive) != 0) throw std::runtime_error("cannot close " + path);
}

#else
inline void make_zip(const std::string&, const std::vector<ZipContent>&) {
  throw std::logic_error("tests of archives need libzip");
}
#endif

}  // namespace coca_test
