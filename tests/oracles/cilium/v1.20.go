//go:build !(v1.18 || v1.19)

package main

import (
	"encoding/json"
	"math"
	"sync"

	"github.com/cilium/cilium/pkg/identity"
	"github.com/cilium/cilium/pkg/identity/identitymanager"
	"github.com/cilium/cilium/pkg/ipcache/types"
	"github.com/cilium/cilium/pkg/k8s"
	core "github.com/cilium/cilium/pkg/k8s/slim/k8s/api/core/v1"
	"github.com/cilium/cilium/pkg/labels"
	"github.com/cilium/cilium/pkg/option"
	"github.com/cilium/cilium/pkg/policy"
	"github.com/cilium/cilium/pkg/policy/api"
	policytypes "github.com/cilium/cilium/pkg/policy/types"
	policyutils "github.com/cilium/cilium/pkg/policy/utils"
	ciliumtypes "github.com/cilium/cilium/pkg/types"
	"github.com/cilium/cilium/pkg/u8proto"
	admin "sigs.k8s.io/network-policy-api/apis/v1alpha2"
)

type (
	// policyRules are what a repository takes.
	policyRules = policytypes.PolicyEntries
	policyRule  = policytypes.PolicyEntry
)

// clusterOfPeers is the cluster that peers are in unless they say otherwise.
const clusterOfPeers = clusterName

// ofAdministrators are policies that this version knows.
var ofAdministrators = types.ResourceKindKCNP

func alwaysAllowLocalhost() {
	option.Config.UnsafeDaemonConfigOption.AllowLocalhost = option.AllowLocalhostAlways
}

func rulesOf(rules api.Rules) policyRules { return policyutils.RulesToPolicyEntries(rules) }

func clusterNetworkPolicy(object json.RawMessage) (policyRules, error) {
	var policy admin.ClusterNetworkPolicy
	if err := json.Unmarshal(object, &policy); err != nil {
		return nil, err
	}
	return k8s.ParseClusterNetworkPolicy(logger, clusterName, &policy)
}

// labelsOfGroups are what a label of a CIDR group becomes for its prefixes.
func labelsOfGroups(key, value string) []labels.Label {
	label := labels.NewLabel(key, value, labels.LabelSourceCIDRGroup)
	return []labels.Label{label, labels.EncodedCIDRGroupLabel(label.Key, label.Value, label.Source)}
}

// metadataOf has the named ports of a pod, its labels, and those that no filter takes away.
func metadataOf(namespace *core.Namespace, pod *core.Pod) (ciliumtypes.NamedPortMap, map[string]string, labels.LabelArray) {
	ports, written := k8s.GetPodMetadata(logger, namespace, pod)
	return ports, written, k8s.NamedPortsIdentityLabels(ports)
}

func (j *judged) portsOfAll() ciliumtypes.NamedPortMultiMap {
	all := ciliumtypes.NewNamedPortMultiMap()
	for name, made := range j.identities {
		all.Update(made.ID, nil, j.ports[name])
	}
	return all
}

func prepareNames() error { return nil }

// introduce tells the repository whom policies may apply to.
func (j *judged) introduce(identitymanager.IDManager) {
	j.repository.SetNamedPortsGetter(namedPorts{j.named})
	subjects := identity.IdentityMap{}
	for _, made := range j.identities {
		subjects[made.ID] = made.LabelArray
	}
	j.repository.GetSubjectSelectorCache().UpdateIdentities(subjects, nil, &sync.WaitGroup{})
}

// distill makes the policy of an endpoint, with a proxy for every redirect.
func (j *judged) distill(made *identity.Identity, owner *endpoint) (*policy.EndpointPolicy, error) {
	selected, _, err := j.repository.ComputeSelectorPolicy(made)
	if err != nil {
		return nil, err
	}
	redirects := map[string]uint16{policy.FallbackRedirectID: math.MaxUint16}
	return selected.DistillPolicy(logger, owner, redirects), nil
}

type namedPorts struct{ all ciliumtypes.NamedPortMultiMap }

func (n namedPorts) GetNamedPorts() ciliumtypes.NamedPortMultiMap { return n.all }

func (e *endpoint) GetIngressNamedPort(name string, protocol u8proto.U8proto) uint16 {
	port, _ := e.ports.GetNamedPort(name, protocol)
	return port
}

func (e *endpoint) PreviousMapStateSizes() policy.MapStateSizes { return policy.MapStateSizes{} }
