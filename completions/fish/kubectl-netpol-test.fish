complete -c kubectl-netpol-test -l only -d 'Only tests whose name has this in it; repeatable' -r
complete -c kubectl-netpol-test -s o -l output -d 'Output format: text, wide (what each test asks), json, yaml, html (a map for the browser), junit, sarif or github' -r -f -a "text\t'For people'
wide\t'For people, with what each test asks'
json\t'For programs'
yaml\t'For programs and people'
html\t'A map for the browser'
junit\t'For test runners'
sarif\t'For code scanning'
github\t'For a workflow of GitHub'"
complete -c kubectl-netpol-test -s f -l filename -d 'Manifests instead of the live cluster: a file, a directory with all below it, - for stdin, git:REV[:PATH], helm:CHART for a chart\'s directory, or what Flux or Argo CD makes of a repository: flux:DIR or flux:git:REV[:PATH], argocd: likewise, with #PLACE for one directory of it; repeatable' -r -F
complete -c kubectl-netpol-test -l values -d 'Values for helm:CHART, a file as helm takes it; repeatable' -r -F
complete -c kubectl-netpol-test -l set -d 'A value for helm:CHART, KEY=VALUE as helm takes it; repeatable' -r
complete -c kubectl-netpol-test -s k -l kustomize -d 'Directory with a kustomization, or git:REV:PATH for one at a Git revision, built by kubectl or kustomize; repeatable' -r -F
complete -c kubectl-netpol-test -l accept-unread -d 'What need not have been read: a path, or a kind that is not judged; repeatable' -r
complete -c kubectl-netpol-test -l enforcer -d 'Who enforces the policies: kubernetes, calico, calico-3.31, calico-3.32, cilium or cilium-1.18 to cilium-1.20; unless it is given, the cluster or the kinds of the policies tell' -r
complete -c kubectl-netpol-test -l pod-cidr -d 'Network of the pods whose addresses manifests do not tell; repeatable' -r
complete -c kubectl-netpol-test -l api-server -d 'Where the API server is, which manifests do not tell: ADDRESS or ADDRESS:PORT, 6443 by default' -r
complete -c kubectl-netpol-test -l ingress-controller -d 'Where the pods of an Ingress or Gateway controller are that its class and labels do not tell: NAMESPACE/WORKLOAD' -r
complete -c kubectl-netpol-test -s n -l namespace -d 'Namespace of names that come without one' -r
complete -c kubectl-netpol-test -l color -d 'Colour the output: auto, always or never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` or `TERM=dumb` is set'
always\t'Always'
never\t'Never'"
complete -c kubectl-netpol-test -s v -l v -d 'Say more on stderr; 0 to 9, as kubectl\'s' -r
complete -c kubectl-netpol-test -l limits -d 'How much is read at most: files=NUMBER, bytes=SIZE (such as 200Mi) or objects=NUMBER, and worked out: steps, cells, rows, changes or search=NUMBER, each within time=NUMBER of seconds; several with commas; else what the machine bears' -r
complete -c kubectl-netpol-test -l kubeconfig -d 'Path of the kubeconfig file' -r -F
complete -c kubectl-netpol-test -l context -d 'Context of the kubeconfig' -r
complete -c kubectl-netpol-test -l cluster -d 'Cluster of the kubeconfig' -r
complete -c kubectl-netpol-test -l user -d 'User of the kubeconfig' -r
complete -c kubectl-netpol-test -s s -l server -d 'Address of the API server' -r
complete -c kubectl-netpol-test -l insecure-skip-tls-verify -d 'Take any certificate of the server, which is then known to nobody' -r -f -a "true\t''
false\t''"
complete -c kubectl-netpol-test -l certificate-authority -d 'Certificates that may sign the server\'s, in a file' -r -F
complete -c kubectl-netpol-test -l tls-server-name -d 'Name that the server\'s certificate is for' -r
complete -c kubectl-netpol-test -l client-certificate -d 'Certificate of the user, in a file' -r -F
complete -c kubectl-netpol-test -l client-key -d 'Key of that certificate, in a file' -r -F
complete -c kubectl-netpol-test -l disable-compression -d 'Have answers sent as they are' -r -f -a "true\t''
false\t''"
complete -c kubectl-netpol-test -l token -d 'Bearer token' -r
complete -c kubectl-netpol-test -l as -d 'User to impersonate' -r
complete -c kubectl-netpol-test -l as-group -d 'Group to impersonate; repeatable' -r
complete -c kubectl-netpol-test -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-netpol-test -l request-timeout -d 'Limit of one request, such as 10s, 2m or 1h; 0 is none' -r
complete -c kubectl-netpol-test -l allow-unknown -d 'End with 0 where tests are not known, as if they were proved'
complete -c kubectl-netpol-test -l watch -d 'Test again whenever a file of the tests or of the manifests changes, until Ctrl-C'
complete -c kubectl-netpol-test -l draft -d 'Write a first file of tests from what holds now, to be cut down'
complete -c kubectl-netpol-test -l file-schema -d 'Print the JSON Schema of a file of tests and do nothing else'
complete -c kubectl-netpol-test -l schema -d 'Print the JSON Schema of the answer and do nothing else'
complete -c kubectl-netpol-test -s R -l recursive -d 'Directories are always read with all below them; taken since kubectl has it'
complete -c kubectl-netpol-test -l strict -d 'Make everything that cannot be read an error'
complete -c kubectl-netpol-test -l pull -d 'Let kustomize fetch what a kustomization takes from elsewhere, which is an error otherwise, and helm the charts of a repository of Flux or Argo CD'
complete -c kubectl-netpol-test -l enable-helm -d 'Let kustomize inflate charts that a kustomization names, with helm'
complete -c kubectl-netpol-test -l no-cache -d 'Build repositories of Flux and Argo CD anew: do not use or keep what was built before'
complete -c kubectl-netpol-test -l with-staged -d 'Count Calico\'s staged policies as if they were in force'
complete -c kubectl-netpol-test -s h -l help -d 'Print help'
