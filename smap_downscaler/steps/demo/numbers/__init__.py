"""The made-up basin of `createdemodata`: terrain, soils, rain, soil moisture, and SMAP's view of it."""
