package main

import (
	"maps"
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"sepwatch": func() { os.Exit(execute(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) },
	})
}

// TestScript runs testdata/*.txtar. Beside testscript's own commands they have
// those of standin_test.go, looking_test.go and action_test.go.
func TestScript(t *testing.T) {
	t.Parallel()
	commands := standInCommands()
	maps.Copy(commands, ledgerCommands())
	maps.Copy(commands, actionCommands())
	testscript.Run(t, testscript.Params{Dir: "testdata", Cmds: commands, Setup: func(env *testscript.Env) error {
		env.Values[held{}] = &holder{}
		return setupStandIns(env)
	}})
}
