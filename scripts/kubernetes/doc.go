// Package kubernetes checks the manifests in deploy/kubernetes. kustomize builds them,
// kubeconform compares them with the API of Kubernetes, and the checks of the Pod Security
// Standards read their pods. All three are libraries here, so nothing has to be installed.
//
//	go test -C scripts/kubernetes
package kubernetes
