//go:build tools

// Package tools makes `go mod tidy` keep what building the API server needs.
package tools

import _ "k8s.io/kubernetes/cmd/kube-apiserver"
