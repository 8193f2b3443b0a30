//! See `src/`.
#![cfg_attr(feature = "libfuzzer", no_main)]

netpol_fuzz::target!("repositories");
