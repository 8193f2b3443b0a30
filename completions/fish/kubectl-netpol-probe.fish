complete -c kubectl-netpol-probe -l max -d 'At most so many connections' -r
complete -c kubectl-netpol-probe -l via -d 'How: exec in the pod\'s container with what it has, or with bash, python3, nc or curl; an ephemeral container; auto is exec, and ephemeral where the container has nothing for it' -r -f -a "auto\t''
exec\t''
ephemeral\t''
bash\t''
python3\t''
nc\t''
curl\t''"
complete -c kubectl-netpol-probe -l image -d 'Image of ephemeral containers, with sh and one of python3, bash, nc and curl' -r
complete -c kubectl-netpol-probe -l rate -d 'At most so many connections a second' -r
complete -c kubectl-netpol-probe -l connect-timeout -d 'How long a connection is waited for, 1s to 30s' -r
complete -c kubectl-netpol-probe -l enforcer -d 'Who enforces the policies: kubernetes, calico, calico-3.31, calico-3.32, cilium or cilium-1.18 to cilium-1.20; unless it is given, the cluster or the kinds of the policies tell' -r
complete -c kubectl-netpol-probe -s o -l output -d 'Output format: text, json or yaml' -r -f -a "text\t'For people'
json\t'For programs'
yaml\t'For programs and people'"
complete -c kubectl-netpol-probe -s n -l namespace -d 'Namespace of names that come without one' -r
complete -c kubectl-netpol-probe -l color -d 'Colour the output: auto, always or never' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` or `TERM=dumb` is set'
always\t'Always'
never\t'Never'"
complete -c kubectl-netpol-probe -s v -l v -d 'Say more on stderr; 0 to 9, as kubectl\'s' -r
complete -c kubectl-netpol-probe -l limits -d 'How much is read at most: files=NUMBER, bytes=SIZE (such as 200Mi) or objects=NUMBER, and worked out: steps, cells, rows, changes or search=NUMBER, each within time=NUMBER of seconds; several with commas; else what the machine bears' -r
complete -c kubectl-netpol-probe -l kubeconfig -d 'Path of the kubeconfig file' -r -F
complete -c kubectl-netpol-probe -l context -d 'Context of the kubeconfig' -r
complete -c kubectl-netpol-probe -l cluster -d 'Cluster of the kubeconfig' -r
complete -c kubectl-netpol-probe -l user -d 'User of the kubeconfig' -r
complete -c kubectl-netpol-probe -s s -l server -d 'Address of the API server' -r
complete -c kubectl-netpol-probe -l insecure-skip-tls-verify -d 'Take any certificate of the server, which is then known to nobody' -r -f -a "true\t''
false\t''"
complete -c kubectl-netpol-probe -l certificate-authority -d 'Certificates that may sign the server\'s, in a file' -r -F
complete -c kubectl-netpol-probe -l tls-server-name -d 'Name that the server\'s certificate is for' -r
complete -c kubectl-netpol-probe -l client-certificate -d 'Certificate of the user, in a file' -r -F
complete -c kubectl-netpol-probe -l client-key -d 'Key of that certificate, in a file' -r -F
complete -c kubectl-netpol-probe -l disable-compression -d 'Have answers sent as they are' -r -f -a "true\t''
false\t''"
complete -c kubectl-netpol-probe -l token -d 'Bearer token' -r
complete -c kubectl-netpol-probe -l as -d 'User to impersonate' -r
complete -c kubectl-netpol-probe -l as-group -d 'Group to impersonate; repeatable' -r
complete -c kubectl-netpol-probe -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-netpol-probe -l request-timeout -d 'Limit of one request, such as 10s, 2m or 1h; 0 is none' -r
complete -c kubectl-netpol-probe -s A -l all-namespaces -d 'Of every namespace'
complete -c kubectl-netpol-probe -s y -l yes -d 'Do not ask before anything is tried'
complete -c kubectl-netpol-probe -l dry-run -d 'Show what would be tried, and with which prediction; try nothing'
complete -c kubectl-netpol-probe -l schema -d 'Print the JSON Schema of the answer and do nothing else'
complete -c kubectl-netpol-probe -s h -l help -d 'Print help'
