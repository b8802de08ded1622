// The whole library in ten lines, and the boilerplate that a program needs around them.

#include <coca/coca.hpp>
#include <coca_presets/stamps_coca.hpp>  // made by coca_add_preset() from an OpenCLIP configuration
#include <iostream>

int main(int argc, char* argv[]) try {
  if (argc != 3) {
    const bool help = argc == 2 && std::string(argv[1]) == "--help";
    (help ? std::cout : std::cerr) << "usage: minimal model.safetensors photo.jpg" << std::endl;
    return help && std::cout ? 0 : 2;
  }
  constexpr auto config = coca::presets::stamps_coca;  // a value: it is a template argument
  using Model = coca::CoCa<config, coca::Cpu<>>;       // or coca::Cpu<coca::bfloat16>
  const auto model = coca::load<Model>(argv[1]);
  const auto pixels = coca::preprocess<config.vision>(coca::read_image(argv[2]));
  for (const auto& caption : coca::caption(model, pixels, {.beams = 6}))
    std::cout << caption.text << '\n';
  if (!std::cout.flush()) throw coca::FileError("standard output", "cannot be written");
} catch (const std::exception& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
