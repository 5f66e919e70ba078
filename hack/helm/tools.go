//go:build tools

// Package tools makes `go mod tidy` keep what building Helm needs.
package tools

import _ "helm.sh/helm/v3/cmd/helm"
