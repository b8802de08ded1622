#pragma once
/// @file
/// The inner loop of bfloat16 products on the matrix unit of some processors (Intel AMX).
///
/// The unit has eight registers ("tiles") of 16 rows of 64 bytes and one instruction that matters:
/// a 16 x 16 square of float sums += 16 rows of 16 pairs of bfloat16 by 16 pairs of 16 columns. Two
/// row groups by one panel of 32 columns keep four registers of sums busy with two of each side.
/// Panels are those of gemm_bfloat16.hpp, padded to 16 pairs; rows are laid out as [pairs /
/// 16][rows][16].

#include <cstddef>
#include <cstdint>

#include "coca/backend/cpu/gemm_kernels.hpp"

#if defined(__x86_64__) && defined(__linux__)
#include <cpuid.h>
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace coca::detail {

#if defined(__x86_64__) && defined(__linux__)

/// Whether the processor has the unit and the system lets this process use it: it requests once the
/// larger state that a thread with tiles has.
inline bool has_amx_bfloat16() noexcept {
  static const bool has = [] {
    unsigned a = 0, b = 0, c = 0, d = 0;
    constexpr unsigned bfloat16_bit = 1u << 22, tile_bit = 1u << 24;
    if (!has_avx512() || __get_cpuid_count(7, 0, &a, &b, &c, &d) == 0) return false;
    if ((d & bfloat16_bit) == 0 || (d & tile_bit) == 0) return false;
    constexpr long request_permission = 0x1023, tile_data = 18;
    return syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
  }();
  return has;
}

/// The configuration of the unit's tiles: all eight have 16 rows of 64 bytes.
struct alignas(64) AmxConfiguration {
  std::uint8_t palette = 1, start_row = 0, reserved[14] = {};
  std::uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  std::uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};

/// Configures the calling thread's tiles.
[[gnu::target("amx-tile")]] inline void enter_amx() {
  // Static, since compilers assume that only its first bytes are read.
  static constexpr AmxConfiguration configuration{};
  _tile_loadconfig(&configuration);
}

/// Releases the tiles: while they are in use, context switches cost more.
[[gnu::target("amx-tile")]] inline void leave_amx() { _tile_release(); }

/// 16 or 32 rows by one panel.
template <std::size_t RowGroups>
[[gnu::target("amx-tile,amx-bf16")]] void amx_tile(const Tile& tile) {
  constexpr std::size_t row_bytes = 64, square = 16 * row_bytes, panel_bytes = 128;
  const auto* left = static_cast<const std::byte*>(tile.left);
  const auto* right = static_cast<const std::byte*>(tile.right);
  auto* products = reinterpret_cast<std::byte*>(tile.products);
  std::byte* const below = products + 16 * panel_bytes;
  if (tile.accumulate) {
    _tile_loadd(0, products, panel_bytes);
    _tile_loadd(1, products + row_bytes, panel_bytes);
    if constexpr (RowGroups == 2) {
      _tile_loadd(2, below, panel_bytes);
      _tile_loadd(3, below + row_bytes, panel_bytes);
    }
  } else {
    _tile_zero(0);
    _tile_zero(1);
    if constexpr (RowGroups == 2) {
      _tile_zero(2);
      _tile_zero(3);
    }
  }
  for (std::size_t step = 0; step < tile.steps; step += 16) {
    _tile_loadd(4, right, panel_bytes);
    _tile_loadd(5, right + row_bytes, panel_bytes);
    _tile_loadd(6, left, row_bytes);
    _tile_dpbf16ps(0, 6, 4);
    _tile_dpbf16ps(1, 6, 5);
    if constexpr (RowGroups == 2) {
      _tile_loadd(7, left + square, row_bytes);
      _tile_dpbf16ps(2, 7, 4);
      _tile_dpbf16ps(3, 7, 5);
    }
    left += RowGroups * square;
    right += 16 * panel_bytes;
  }
  _tile_stored(0, products, panel_bytes);
  _tile_stored(1, products + row_bytes, panel_bytes);
  if constexpr (RowGroups == 2) {
    _tile_stored(2, below, panel_bytes);
    _tile_stored(3, below + row_bytes, panel_bytes);
  }
}

template <std::size_t... R>
PanelKernels amx_kernels(std::index_sequence<R...>) {
  static constexpr TileFunction tiles[] = {&amx_tile<R / 16 + 1>...};
  PanelKernels kernels{32, sizeof...(R), tiles};
  kernels.left_is_bfloat16 = true;
  kernels.left_is_rows = true;
  kernels.row_multiple = 16;
  kernels.step_multiple = 16;
  kernels.enter = &enter_amx;
  kernels.leave = &leave_amx;
  return kernels;
}

/// The kernels of the matrix unit; only where has_amx_bfloat16().
inline PanelKernels amx_kernels() { return amx_kernels(std::make_index_sequence<32>{}); }

#else

inline bool has_amx_bfloat16() noexcept { return false; }
inline PanelKernels amx_kernels() { return {}; }

#endif

}  // namespace coca::detail
