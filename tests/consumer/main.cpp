#include <coca/coca.hpp>
#include <coca_presets/my_model.hpp>
#include <iostream>

int main(int argc, char* argv[]) {
  if (argc != 2) return 2;
  constexpr auto config = coca::presets::my_model;
  const auto model = coca::load<coca::CoCa<config, coca::Cpu<>>>(COCA_MODEL);
  const auto pixels = coca::preprocess<config.vision>(coca::read_image(argv[1]));
  for (const auto& caption : coca::caption(model, pixels)) std::cout << caption.text << '\n';
}
