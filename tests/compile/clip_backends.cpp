// expect: ClipModel: all components must have the same backend
#include "coca/models/clip.hpp"
#include "small_model.hpp"

coca::ClipModel<Encoder<small>, Pool<small>, coca::ClipTextEncoder<coca::Reference<double>>> model;
