#include <coca/coca.hpp>
#if __has_include(<xtensor/xtensor.hpp>)
#include <coca/xtensor.hpp>
#endif

int parameters_seen_elsewhere();

// Both units have the same inline functions and values; the linker must be content with one of each.
int main() {
  const auto here = static_cast<int>(coca::parameter_count(coca::presets::clip_vit_b_32));
  return here == parameters_seen_elsewhere() ? 0 : 1;
}
