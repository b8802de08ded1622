#include <coca/coca.hpp>
#if __has_include(<xtensor/xtensor.hpp>)
#include <coca/xtensor.hpp>
#endif

int parameters_seen_elsewhere();

int parameters_seen_elsewhere() {
  return static_cast<int>(coca::parameter_count(coca::presets::clip_vit_b_32));
}
