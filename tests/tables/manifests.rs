//! Manifests of other projects, where the caller lends them: read without an error, and nothing of them
//! refused.

use super::lent;
use netpol::policy::{Cilium, CiliumVersion, Enforcer, Ruleset};
use netpol_sources::manifests::Manifests;

#[test]
fn manifests_of_other_projects() {
    for (name, pods, policies, warnings) in
        [("kube-prometheus", 8, 8, 0), ("online-boutique", 12, 13, 0), ("cilium-home", 0, 144, 4)]
    {
        let Some(path) = lent(&format!("real/{name}")) else { continue };
        let loaded = Manifests { files: vec![path], ..Manifests::default() }.load().unwrap();
        assert_eq!(loaded.warnings.len(), warnings, "{:#?}", loaded.warnings);
        let (snapshot, written) = loaded.objects.assemble();
        let ruleset = Ruleset::compile(&written, &snapshot, &Enforcer::default());
        assert!(ruleset.rejected.is_empty(), "{:?}", ruleset.rejected);
        assert_eq!((snapshot.pods().len(), written.len()), (pods, policies), "{name}");
        let cilium = Enforcer::Cilium(Cilium::new(CiliumVersion::V1_19));
        let ruleset = Ruleset::compile(&written, &snapshot, &cilium);
        // Cilium takes everything; variables that nobody filled in are gaps.
        assert!(ruleset.rejected.is_empty(), "{:?}", ruleset.rejected);
    }
}
