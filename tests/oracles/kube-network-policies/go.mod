// The policy engine of kube-network-policies, which the tests ask. `cargo xtask
// oracle-kube-network-policies` builds it; docs/oracles.md says how it is asked.
//
// The engine is not exported, so the program is built in a copy of its module, with the files of ours in
// generated/ beside its own; that module's go.mod and go.sum pin everything else. To move to another
// release, change the version, empty go.sum and `go mod download -json MODULE`.
module netpol.test/oracles/kube-network-policies

go 1.26.0

require sigs.k8s.io/kube-network-policies v0.8.0
