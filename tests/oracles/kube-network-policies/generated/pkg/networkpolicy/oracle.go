package networkpolicy

import (
	"cmp"
	"context"
	"net"
	"slices"

	v1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	corelisters "k8s.io/client-go/listers/core/v1"
	networkinglisters "k8s.io/client-go/listers/networking/v1"
	"k8s.io/client-go/tools/cache"
	npav1alpha1 "sigs.k8s.io/network-policy-api/apis/v1alpha1"
	policylisters "sigs.k8s.io/network-policy-api/pkg/client/listers/apis/v1alpha1"
)

// Objects are what the engine knows of a cluster.
type Objects struct {
	Namespaces []*v1.Namespace
	Nodes      []*v1.Node
	Pods       []*v1.Pod
	Policies   []*networkingv1.NetworkPolicy
	Admin      []*npav1alpha1.AdminNetworkPolicy
	// Baseline are asked in this order.
	Baseline []*npav1alpha1.BaselineAdminNetworkPolicy
}

// Oracle is the engine without the daemon around it.
type Oracle struct{ controller *Controller }

// NewOracle gives the engine its objects, as informers would.
func NewOracle(all Objects) *Oracle {
	pods := map[string]*v1.Pod{}
	for _, pod := range all.Pods {
		// As the daemon's index by address.
		if pod.Spec.HostNetwork {
			continue
		}
		for _, ip := range pod.Status.PodIPs {
			pods[ip.IP] = pod
		}
	}
	return &Oracle{&Controller{
		config:                           Config{AdminNetworkPolicy: true, BaselineAdminNetworkPolicy: true},
		networkpolicyLister:              networkinglisters.NewNetworkPolicyLister(index(all.Policies)),
		namespaceLister:                  corelisters.NewNamespaceLister(index(all.Namespaces)),
		podLister:                        corelisters.NewPodLister(index(all.Pods)),
		nodeLister:                       corelisters.NewNodeLister(index(all.Nodes)),
		adminNetworkPolicyLister:         policylisters.NewAdminNetworkPolicyLister(index(all.Admin)),
		baselineAdminNetworkPolicyLister: inOrder(all.Baseline),
		getPodAssignedToIP:               func(ip string) *v1.Pod { return pods[ip] },
	}}
}

func index[T any](objects []T) cache.Indexer {
	by := cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc}
	all := cache.NewIndexer(cache.MetaNamespaceKeyFunc, by)
	for _, object := range objects {
		if err := all.Add(object); err != nil {
			panic(err)
		}
	}
	return all
}

// inOrder lists in the order that was given; an index has none.
type inOrder []*npav1alpha1.BaselineAdminNetworkPolicy

var _ policylisters.BaselineAdminNetworkPolicyLister = inOrder{}

func (all inOrder) List(labels.Selector) ([]*npav1alpha1.BaselineAdminNetworkPolicy, error) {
	return all, nil
}

func (all inOrder) Get(name string) (*npav1alpha1.BaselineAdminNetworkPolicy, error) {
	for _, policy := range all {
		if policy.Name == name {
			return policy, nil
		}
	}
	return nil, errors.NewNotFound(schema.GroupResource{Resource: "baselineadminnetworkpolicies"}, name)
}

// Allows is what becomes of the first packet of a connection.
func (o *Oracle) Allows(from, to net.IP, protocol v1.Protocol, port int) bool {
	return o.controller.evaluatePacket(context.Background(), packet{
		srcIP:   from,
		dstIP:   to,
		proto:   protocol,
		srcPort: 40000,
		dstPort: port,
	})
}

// ByPriority puts policies in the order in which they are asked, by what gives their priority.
func ByPriority[T any](policies []T, of func(T) int64) {
	slices.SortStableFunc(policies, func(a, b T) int { return cmp.Compare(of(a), of(b)) })
}
