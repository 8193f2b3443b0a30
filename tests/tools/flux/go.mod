// Flux's CLI and CustomResourceDefinitions, for tests. Nothing here is imported by Go code of ours.
//
// Only what is named below is fetched, so `go mod tidy` has nothing to do here: the CLI is built by
// `cargo xtask flux` in a copy of its own module, whose go.mod and go.sum pin everything else, and of
// the controllers only config/crd is read. To move on, change the versions (those of the controllers
// are named in the CLI's manifests/bases), empty go.sum and `go mod download -json MODULE` each.
module netpol.test/tools/flux

go 1.26.0

require (
	github.com/fluxcd/flux2/v2 v2.9.5
	github.com/fluxcd/helm-controller v1.6.4
	github.com/fluxcd/kustomize-controller v1.9.5
	github.com/fluxcd/source-controller v1.9.5
)
