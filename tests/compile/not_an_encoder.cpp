// expect: ImageEncoder
#include "small_model.hpp"

coca::CoCaModel<Text<small>, Pool<small>, Text<small>, Decoder<small>> model;
