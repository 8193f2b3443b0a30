//! Any bytes go all the way: decoded as the content of a file, linked, and lowered to rules. Nothing
//! may panic, and what is told must not steer the terminal.

use std::path::Path;

use netpol::objects::decode_text;
use netpol::policy::{Calico, Cilium, CiliumVersion, Enforcer, Ruleset};
use netpol::printable::unseen;

/// See above.
pub fn manifests(bytes: &[u8]) {
    let (objects, warnings) = decode_text(bytes.to_vec(), Path::new("f.yaml"), "default");
    for warning in &warnings {
        assert!(!warning.to_string().contains(unseen));
    }
    let mut twice = objects.clone();
    twice.overlay(objects);
    let (snapshot, written) = twice.assemble();
    for pod in snapshot.pods() {
        assert!(pod.owner.is_none_or(|owner| owner < snapshot.workloads.len()));
    }
    let cilium = Enforcer::Cilium(Cilium::new(CiliumVersion::V1_19));
    for enforcer in [Enforcer::Kubernetes, cilium, Enforcer::Calico(Calico::default())] {
        Ruleset::compile(&written, &snapshot, &enforcer);
    }
}
