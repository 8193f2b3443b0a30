complete -c kubectl-netpol-map -l diff -d 'Show what changes from one to the other, each as `diff` takes it' -r
complete -c kubectl-netpol-map -l tests -d 'A file of tests: what breaks them is on the map, and all of them beside it, with --diff those that come out otherwise; see kubectl netpol test; repeatable' -r -F
complete -c kubectl-netpol-map -l output -d 'Where the page goes; what is there is replaced (default: netpol-map.html)' -r -F
complete -c kubectl-netpol-map -l hubble-server -d 'Address of Hubble\'s relay, where it is reachable already; else its port is forwarded' -r
complete -c kubectl-netpol-map -l hubble-namespace -d 'Namespace of Cilium, if it is not kube-system' -r
complete -c kubectl-netpol-map -s f -l filename -d 'Manifests instead of the live cluster: a file, a directory with all below it, - for stdin, git:REV[:PATH], helm:CHART for a chart\'s directory, or what Flux or Argo CD makes of a repository: flux:DIR or flux:git:REV[:PATH], argocd: likewise, with #PLACE for one directory of it; repeatable' -r -F
complete -c kubectl-netpol-map -l values -d 'Values for helm:CHART, a file as helm takes it; repeatable' -r -F
complete -c kubectl-netpol-map -l set -d 'A value for helm:CHART, KEY=VALUE as helm takes it; repeatable' -r
complete -c kubectl-netpol-map -s k -l kustomize -d 'Directory with a kustomization, or git:REV:PATH for one at a Git revision, built by kubectl or kustomize; repeatable' -r -F
complete -c kubectl-netpol-map -l accept-unread -d 'What need not have been read: a path, or a kind that is not judged; repeatable' -r
complete -c kubectl-netpol-map -l enforcer -d 'Who enforces the policies: kubernetes, calico, calico-3.31, calico-3.32, cilium or cilium-1.18 to cilium-1.20; unless it is given, the cluster or the kinds of the policies tell' -r
complete -c kubectl-netpol-map -l pod-cidr -d 'Network of the pods whose addresses manifests do not tell; repeatable' -r
complete -c kubectl-netpol-map -l api-server -d 'Where the API server is, which manifests do not tell: ADDRESS or ADDRESS:PORT, 6443 by default' -r
complete -c kubectl-netpol-map -l ingress-controller -d 'Where the pods of an Ingress or Gateway controller are that its class and labels do not tell: NAMESPACE/WORKLOAD' -r
complete -c kubectl-netpol-map -l observe -d 'Show what Hubble saw, too: what is used and how often, what is dropped and what could be closed; of the last 5 minutes, or since 1h or a time' -r
complete -c kubectl-netpol-map -l input-file -d 'Recorded flows instead of the live ones: what `hubble observe -o jsonpb` printed; - for stdin' -r -F
complete -c kubectl-netpol-map -s n -l namespace -d 'Namespace of names that come without one' -r
complete -c kubectl-netpol-map -l color -d 'Colour the output: auto, always or never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` or `TERM=dumb` is set'
always\t'Always'
never\t'Never'"
complete -c kubectl-netpol-map -s v -l v -d 'Say more on stderr; 0 to 9, as kubectl\'s' -r
complete -c kubectl-netpol-map -l limits -d 'How much is read at most: files=NUMBER, bytes=SIZE (such as 200Mi) or objects=NUMBER, and worked out: steps, cells, rows, changes or search=NUMBER, each within time=NUMBER of seconds; several with commas; else what the machine bears' -r
complete -c kubectl-netpol-map -l kubeconfig -d 'Path of the kubeconfig file' -r -F
complete -c kubectl-netpol-map -l context -d 'Context of the kubeconfig' -r
complete -c kubectl-netpol-map -l cluster -d 'Cluster of the kubeconfig' -r
complete -c kubectl-netpol-map -l user -d 'User of the kubeconfig' -r
complete -c kubectl-netpol-map -s s -l server -d 'Address of the API server' -r
complete -c kubectl-netpol-map -l insecure-skip-tls-verify -d 'Take any certificate of the server, which is then known to nobody' -r -f -a "true\t''
false\t''"
complete -c kubectl-netpol-map -l certificate-authority -d 'Certificates that may sign the server\'s, in a file' -r -F
complete -c kubectl-netpol-map -l tls-server-name -d 'Name that the server\'s certificate is for' -r
complete -c kubectl-netpol-map -l client-certificate -d 'Certificate of the user, in a file' -r -F
complete -c kubectl-netpol-map -l client-key -d 'Key of that certificate, in a file' -r -F
complete -c kubectl-netpol-map -l disable-compression -d 'Have answers sent as they are' -r -f -a "true\t''
false\t''"
complete -c kubectl-netpol-map -l token -d 'Bearer token' -r
complete -c kubectl-netpol-map -l as -d 'User to impersonate' -r
complete -c kubectl-netpol-map -l as-group -d 'Group to impersonate; repeatable' -r
complete -c kubectl-netpol-map -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-netpol-map -l request-timeout -d 'Limit of one request, such as 10s, 2m or 1h; 0 is none' -r
complete -c kubectl-netpol-map -l no-open -d 'Write the page, and do not open it'
complete -c kubectl-netpol-map -s R -l recursive -d 'Directories are always read with all below them; taken since kubectl has it'
complete -c kubectl-netpol-map -l strict -d 'Make everything that cannot be read an error'
complete -c kubectl-netpol-map -l pull -d 'Let kustomize fetch what a kustomization takes from elsewhere, which is an error otherwise, and helm the charts of a repository of Flux or Argo CD'
complete -c kubectl-netpol-map -l enable-helm -d 'Let kustomize inflate charts that a kustomization names, with helm'
complete -c kubectl-netpol-map -l no-cache -d 'Build repositories of Flux and Argo CD anew: do not use or keep what was built before'
complete -c kubectl-netpol-map -l with-staged -d 'Count Calico\'s staged policies as if they were in force'
complete -c kubectl-netpol-map -s h -l help -d 'Print help'
