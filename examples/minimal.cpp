// The whole library in ten lines: minimal MODEL.safetensors PICTURE

#include <coca/coca.hpp>
#include <coca_presets/stamps_coca.hpp>  // made by coca_add_preset() from an OpenCLIP configuration
#include <iostream>

int main(int argc, char* argv[]) try {
  if (argc != 3) throw coca::ArgumentError("usage: minimal MODEL.safetensors PICTURE");
  constexpr auto config = coca::presets::stamps_coca;  // a value: it is a template argument
  using Model = coca::CoCa<config, coca::Cpu<>>;       // or coca::Cpu<coca::bfloat16>
  const auto model = coca::load<Model>(argv[1]);
  const auto pixels = coca::preprocess<config.vision>(coca::read_image(argv[2]));
  for (const auto& caption : coca::caption(model, pixels, {.beams = 6}))
    std::cout << caption.text << '\n';
} catch (const std::exception& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
