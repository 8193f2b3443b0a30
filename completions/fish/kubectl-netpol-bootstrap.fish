complete -c kubectl-netpol-bootstrap -s l -l selector -d 'The namespaces with these labels instead' -r
complete -c kubectl-netpol-bootstrap -l leave-out -d 'Namespace that --whole-cluster leaves as it is, too; repeatable' -r
complete -c kubectl-netpol-bootstrap -l label -d 'Label to give the namespace; repeatable' -r
complete -c kubectl-netpol-bootstrap -l deny -d 'What is denied by default: ingress, egress or all' -r -f -a "ingress\t''
egress\t''
all\t''"
complete -c kubectl-netpol-bootstrap -l dns -d 'How DNS is allowed: auto (as the cluster serves it), namespace (kube-system), strict or none' -r -f -a "auto\t''
namespace\t''
strict\t''
none\t''"
complete -c kubectl-netpol-bootstrap -l dialect -d 'Language of the policies: networkpolicy (default), cilium or calico' -r -f -a "networkpolicy\t''
cilium\t''
calico\t''"
complete -c kubectl-netpol-bootstrap -l allow-ingress-controller -d 'Admit the ingress controller of a namespace, ingress-nginx by default' -r
complete -c kubectl-netpol-bootstrap -l ingress-port -d 'Port on the pods that it may reach, not the Service\'s; repeatable, every port by default' -r
complete -c kubectl-netpol-bootstrap -l allow-monitoring -d 'Admit monitoring, by default monitoring/app.kubernetes.io/name=prometheus' -r
complete -c kubectl-netpol-bootstrap -l metrics-port -d 'Port on the pods that it may reach; repeatable, every port by default' -r
complete -c kubectl-netpol-bootstrap -l allow-ingress -d 'Who may reach the pods: NAMESPACE, NAMESPACE/LABEL=VALUE, NAMESPACE/KIND/NAME, an address or network, cluster, internet, or under Cilium host, remote-node or kube-apiserver, with :PORT for one port of the pods; repeatable' -r
complete -c kubectl-netpol-bootstrap -l allow-egress -d 'Where the pods may connect to: NAMESPACE/svc/NAME[:PORT], any end that --allow-ingress takes (a namespace as ns/NAME), with --dns-proxy also a host; repeatable' -r
complete -c kubectl-netpol-bootstrap -l baseline -d 'A team\'s own baseline; flags change it' -r -F
complete -c kubectl-netpol-bootstrap -l dry-run -d 'Change nothing: client says what would be written, server lets the API server check it' -r -f -a "none\t'Write'
client\t'Only say'
server\t'Let the server check'"
complete -c kubectl-netpol-bootstrap -s o -l output -d 'Output format: yaml, json or name' -r -f -a "yaml\t''
json\t''
name\t''"
complete -c kubectl-netpol-bootstrap -l tests -d 'A file of tests: what breaks one that holds is not written; see kubectl netpol test; repeatable' -r -F
complete -c kubectl-netpol-bootstrap -l export -d 'Write files for Git to a directory instead, and add them to its kustomization.yaml' -r -F
complete -c kubectl-netpol-bootstrap -l export-layout -d 'Files of --export: one (network-policies.yaml) or many (one a policy)' -r -f -a "one\t'One file a namespace'
many\t'One file a policy'"
complete -c kubectl-netpol-bootstrap -l learn -d 'Add the policies that flows need which Hubble saw: of the last hour, or since 30m or a time; config stands for what configuration names, without any flow, and config,30m for both; prints everything for review and applies nothing' -r
complete -c kubectl-netpol-bootstrap -l input-file -d 'Recorded flows instead of the live ones: what `hubble observe -o jsonpb` printed; - for stdin' -r -F
complete -c kubectl-netpol-bootstrap -l hubble-server -d 'Address of Hubble\'s relay, where it is reachable already; else its port is forwarded' -r
complete -c kubectl-netpol-bootstrap -l hubble-namespace -d 'Namespace of Cilium, if it is not kube-system' -r
complete -c kubectl-netpol-bootstrap -s f -l filename -d 'Manifests instead of the live cluster: a file, a directory with all below it, - for stdin, git:REV[:PATH], helm:CHART for a chart\'s directory, or what Flux or Argo CD makes of a repository: flux:DIR or flux:git:REV[:PATH], argocd: likewise, with #PLACE for one directory of it; repeatable' -r -F
complete -c kubectl-netpol-bootstrap -l values -d 'Values for helm:CHART, a file as helm takes it; repeatable' -r -F
complete -c kubectl-netpol-bootstrap -l set -d 'A value for helm:CHART, KEY=VALUE as helm takes it; repeatable' -r
complete -c kubectl-netpol-bootstrap -s k -l kustomize -d 'Directory with a kustomization, or git:REV:PATH for one at a Git revision, built by kubectl or kustomize; repeatable' -r -F
complete -c kubectl-netpol-bootstrap -l accept-unread -d 'What need not have been read: a path, or a kind that is not judged; repeatable' -r
complete -c kubectl-netpol-bootstrap -l enforcer -d 'Who enforces the policies: kubernetes, calico, calico-3.31, calico-3.32, cilium or cilium-1.18 to cilium-1.20; unless it is given, the cluster or the kinds of the policies tell' -r
complete -c kubectl-netpol-bootstrap -l pod-cidr -d 'Network of the pods whose addresses manifests do not tell; repeatable' -r
complete -c kubectl-netpol-bootstrap -l api-server -d 'Where the API server is, which manifests do not tell: ADDRESS or ADDRESS:PORT, 6443 by default' -r
complete -c kubectl-netpol-bootstrap -l ingress-controller -d 'Where the pods of an Ingress or Gateway controller are that its class and labels do not tell: NAMESPACE/WORKLOAD' -r
complete -c kubectl-netpol-bootstrap -s n -l namespace -d 'Namespace of names that come without one' -r
complete -c kubectl-netpol-bootstrap -l color -d 'Colour the output: auto, always or never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` or `TERM=dumb` is set'
always\t'Always'
never\t'Never'"
complete -c kubectl-netpol-bootstrap -s v -l v -d 'Say more on stderr; 0 to 9, as kubectl\'s' -r
complete -c kubectl-netpol-bootstrap -l limits -d 'How much is read at most: files=NUMBER, bytes=SIZE (such as 200Mi) or objects=NUMBER, and worked out: steps, cells, rows, changes or search=NUMBER, each within time=NUMBER of seconds; several with commas; else what the machine bears' -r
complete -c kubectl-netpol-bootstrap -l kubeconfig -d 'Path of the kubeconfig file' -r -F
complete -c kubectl-netpol-bootstrap -l context -d 'Context of the kubeconfig' -r
complete -c kubectl-netpol-bootstrap -l cluster -d 'Cluster of the kubeconfig' -r
complete -c kubectl-netpol-bootstrap -l user -d 'User of the kubeconfig' -r
complete -c kubectl-netpol-bootstrap -s s -l server -d 'Address of the API server' -r
complete -c kubectl-netpol-bootstrap -l insecure-skip-tls-verify -d 'Take any certificate of the server, which is then known to nobody' -r -f -a "true\t''
false\t''"
complete -c kubectl-netpol-bootstrap -l certificate-authority -d 'Certificates that may sign the server\'s, in a file' -r -F
complete -c kubectl-netpol-bootstrap -l tls-server-name -d 'Name that the server\'s certificate is for' -r
complete -c kubectl-netpol-bootstrap -l client-certificate -d 'Certificate of the user, in a file' -r -F
complete -c kubectl-netpol-bootstrap -l client-key -d 'Key of that certificate, in a file' -r -F
complete -c kubectl-netpol-bootstrap -l disable-compression -d 'Have answers sent as they are' -r -f -a "true\t''
false\t''"
complete -c kubectl-netpol-bootstrap -l token -d 'Bearer token' -r
complete -c kubectl-netpol-bootstrap -l as -d 'User to impersonate' -r
complete -c kubectl-netpol-bootstrap -l as-group -d 'Group to impersonate; repeatable' -r
complete -c kubectl-netpol-bootstrap -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-netpol-bootstrap -l request-timeout -d 'Limit of one request, such as 10s, 2m or 1h; 0 is none' -r
complete -c kubectl-netpol-bootstrap -l whole-cluster -d 'All namespaces instead, by one GlobalNetworkPolicy of Calico, but those in which Kubernetes and Calico run; with --dialect calico only'
complete -c kubectl-netpol-bootstrap -l dns-proxy -d 'Let what is asked of DNS pass Cilium\'s proxy, without which no policy can name a host'
complete -c kubectl-netpol-bootstrap -l both-sides -d 'Write the ingress side of --allow-egress in the other namespace, too'
complete -c kubectl-netpol-bootstrap -l allow-same-namespace -d 'Let the pods of the namespace reach one another'
complete -c kubectl-netpol-bootstrap -l force-conflicts -d 'Take over fields that another field manager wrote'
complete -c kubectl-netpol-bootstrap -l wait -d 'Wait until the API serves what was written, or no longer serves what was removed'
complete -c kubectl-netpol-bootstrap -s y -l yes -d 'Do not ask before connections are cut; twice for a namespace that the cluster itself needs'
complete -c kubectl-netpol-bootstrap -l prune -d 'Take away what an earlier run wrote and that is not asked for now'
complete -c kubectl-netpol-bootstrap -l remove -d 'Take back what was written here, and nothing else'
complete -c kubectl-netpol-bootstrap -l overwrite -d 'Let --export replace files that it did not write'
complete -c kubectl-netpol-bootstrap -l schema -d 'Print the JSON Schema of --baseline files and do nothing else'
complete -c kubectl-netpol-bootstrap -s R -l recursive -d 'Directories are always read with all below them; taken since kubectl has it'
complete -c kubectl-netpol-bootstrap -l strict -d 'Make everything that cannot be read an error'
complete -c kubectl-netpol-bootstrap -l pull -d 'Let kustomize fetch what a kustomization takes from elsewhere, which is an error otherwise, and helm the charts of a repository of Flux or Argo CD'
complete -c kubectl-netpol-bootstrap -l enable-helm -d 'Let kustomize inflate charts that a kustomization names, with helm'
complete -c kubectl-netpol-bootstrap -l no-cache -d 'Build repositories of Flux and Argo CD anew: do not use or keep what was built before'
complete -c kubectl-netpol-bootstrap -l with-staged -d 'Count Calico\'s staged policies as if they were in force'
complete -c kubectl-netpol-bootstrap -s h -l help -d 'Print help'
