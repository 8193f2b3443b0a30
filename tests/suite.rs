//! The one integration-test binary: every other file in this directory is a module of it.

#[cfg(unix)]
mod action;
mod all_pairs;
#[cfg(unix)]
mod argocd;
#[cfg(unix)]
mod bare;
mod baseline_dialects;
mod bootstrap;
#[cfg(unix)]
mod cilium_crds;
mod citations;
mod cli;
#[cfg(unix)]
mod completion;
#[cfg(unix)]
mod control_plane;
mod diff;
#[cfg(unix)]
mod doctor;
mod documents;
#[cfg(unix)]
mod ecosystem;
#[cfg(unix)]
mod flux;
mod gateway_api;
mod harness;
mod homekube;
#[cfg(unix)]
mod installed;
mod intent;
mod krew;
#[cfg(unix)]
mod kustomize;
mod learn;
mod lint;
mod list;
mod list_csv;
#[cfg(unix)]
mod live_calico;
mod live_dialects;
mod live_explain;
#[cfg(unix)]
mod live_failures;
#[cfg(unix)]
mod live_system;
#[cfg(unix)]
mod live_versions;
#[cfg(unix)]
mod live_whole;
mod map;
#[cfg(unix)]
mod observe;
mod onward;
mod open_world;
mod oracles;
#[cfg(target_os = "linux")]
mod packets;
mod places;
mod preview;
#[cfg(target_os = "linux")]
mod probe;
mod random;
mod random_clusters;
mod reach_diff;
mod reach_kept;
mod read_back;
mod reasons;
mod rooms;
mod run;
#[cfg(unix)]
mod safety;
#[cfg(unix)]
mod seed;
mod semantics;
mod suggest;
mod summary;
mod tables;
mod transcripts;
mod ways;
mod workflows;
