// Command argocd is the application controller and the repository server of Argo CD in one binary, told apart by the name it is run
// under, as Argo CD's own binary is. That one links its API server, command line and notifications too, which costs minutes more to build.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	controller "github.com/argoproj/argo-cd/v3/cmd/argocd-application-controller/commands"
	reposerver "github.com/argoproj/argo-cd/v3/cmd/argocd-repo-server/commands"
	"github.com/spf13/cobra"
)

func main() {
	var command *cobra.Command
	switch name := filepath.Base(os.Args[0]); name {
	case "argocd-application-controller":
		command = controller.NewCommand()
	case "argocd-repo-server":
		command = reposerver.NewCommand()
	default:
		fmt.Fprintln(os.Stderr, name+": run as argocd-application-controller or argocd-repo-server")
		os.Exit(2)
	}
	if command.Execute() != nil {
		os.Exit(1)
	}
}
