// Command kube-apiserver is the Kubernetes API server, unchanged, built as an ordinary Go module so
// that the tests need neither a cluster nor a download of binaries. See test/lab/apiserver-build.mjs.
package main

import (
	"os"

	"k8s.io/component-base/cli"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"
)

func main() {
	os.Exit(cli.Run(app.NewAPIServerCommand()))
}
