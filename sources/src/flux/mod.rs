//! Flux: which of its objects a policy is made from, and whether that object does its work.
//!
//! In: the owner that an object's labels name ([`Origin::Live`](netpol::cluster::Origin::Live)), or an
//! object that should be there and is not; a [`Connection`](crate::live::Connection). Out: a
//! [`Delivery`], plain data made by a pure function of what the API says; reconciliation as `flux
//! reconcile kustomization NAME --with-source` does it; and what the real `flux build kustomization`
//! makes of a directory. Nothing here prints.
//!
//! Where Flux's kinds are not installed there is nothing to tell, which is no error.

mod checkout;
mod delivery;
pub mod follow;
mod program;
mod read;
mod reconcile;
mod wire;

pub use checkout::{Checkout, Presence};
pub use delivery::{Delivery, Hindrance, SourceState, short};
pub use program::{Build, BuildError, Builder};
pub use read::{Deliveries, Kustomizations, deliveries, kustomization};
pub use reconcile::{Failure, Reconciliation, Step, reconcile, resume, title};
