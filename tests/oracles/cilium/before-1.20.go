//go:build v1.18 || v1.19

package main

import (
	"encoding/json"
	"errors"
	"math"

	"github.com/cilium/cilium/pkg/identity"
	"github.com/cilium/cilium/pkg/ipcache/types"
	"github.com/cilium/cilium/pkg/k8s"
	core "github.com/cilium/cilium/pkg/k8s/slim/k8s/api/core/v1"
	"github.com/cilium/cilium/pkg/labels"
	"github.com/cilium/cilium/pkg/option"
	"github.com/cilium/cilium/pkg/policy"
	"github.com/cilium/cilium/pkg/spanstat"
	ciliumtypes "github.com/cilium/cilium/pkg/types"
	"github.com/cilium/cilium/pkg/u8proto"
)

// ofAdministrators are policies that these versions do not know.
var ofAdministrators types.ResourceKind

func clusterNetworkPolicy(json.RawMessage) (policyRules, error) {
	return nil, errors.New("not a kind of this version")
}

func alwaysAllowLocalhost() { option.Config.AllowLocalhost = option.AllowLocalhostAlways }

// metadataOf has the named ports of a pod, its labels, and those that no filter takes away.
func metadataOf(namespace *core.Namespace, pod *core.Pod) (ciliumtypes.NamedPortMap, map[string]string, labels.LabelArray) {
	all, written := k8s.GetPodMetadata(logger, namespace, pod)
	// As SetK8sMetadata of pkg/endpoint/endpoint.go takes them.
	ports := ciliumtypes.NamedPortMap{}
	for _, port := range all {
		if port.Name != "" {
			_ = ports.AddPort(port.Name, int(port.ContainerPort), string(port.Protocol))
		}
	}
	return ports, written, nil
}

func (j *judged) portsOfAll() ciliumtypes.NamedPortMultiMap {
	all := ciliumtypes.NewNamedPortMultiMap()
	for _, ports := range j.ports {
		all.Update(nil, ports)
	}
	return all
}

// distill makes the policy of an endpoint, with a proxy for every redirect.
func (j *judged) distill(made *identity.Identity, owner *endpoint) (*policy.EndpointPolicy, error) {
	selected, _, err := j.repository.GetSelectorPolicy(made, 0, &statistics{}, owner.id)
	if err != nil {
		return nil, err
	}
	redirects := map[string]uint16{}
	for filter, of := range selected.RedirectFilters() {
		port := filter.Port
		if port == 0 && filter.PortName != "" {
			port = owner.GetNamedPort(filter.Ingress, filter.PortName, filter.U8Proto)
		}
		id := policy.ProxyID(uint16(owner.id), filter.Ingress, string(filter.Protocol), port, of.Policy.GetListener())
		redirects[id] = math.MaxUint16
	}
	return selected.DistillPolicy(logger, owner, redirects), nil
}

// GetNamedPort is the number of a name: the pod's own for ingress, else the one that all pods have.
func (e *endpoint) GetNamedPort(ingress bool, name string, protocol u8proto.U8proto) uint16 {
	var port uint16
	if ingress {
		port, _ = e.ports.GetNamedPort(name, protocol)
	} else {
		port, _ = e.named.GetNamedPort(name, protocol)
	}
	return port
}

// statistics are what the engine counts beside.
type statistics struct{ waiting, calculating spanstat.SpanStat }

func (s *statistics) WaitingForPolicyRepository() *spanstat.SpanStat { return &s.waiting }

func (s *statistics) SelectorPolicyCalculation() *spanstat.SpanStat { return &s.calculating }
