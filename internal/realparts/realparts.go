// Package realparts starts real servers for tests: PostgreSQL and Dovecot
// from Debian's packages, each in a temporary folder, on a free loopback
// port, stopped when the test ends. It installs nothing; `make test` does.
package realparts

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Need returns the path of a program, looked for in PATH and in the
// globs. Where it is missing the test is skipped by name, or fails when CI is
// "true". A skip is also written to the file that $SEPWATCH_SKIPS names, so
// that `make test` can sum them up.
func Need(t testing.TB, part, program string, globs ...string) string {
	t.Helper()
	if path, err := exec.LookPath(program); err == nil && len(globs) == 0 {
		return path
	}
	for _, glob := range globs {
		if found, _ := filepath.Glob(glob); len(found) > 0 {
			return found[len(found)-1]
		}
	}
	reason := fmt.Sprintf("%s is not installed (no %s found): `make test` installs it when it runs as root", part, program)
	if os.Getenv("CI") == "true" {
		t.Fatal(reason)
	}
	if name := os.Getenv("SEPWATCH_SKIPS"); name != "" {
		f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		if err != nil {
			t.Fatalf("write the skip of %s: %v", t.Name(), err)
		}
		defer f.Close()
		fmt.Fprintf(f, "%s: needs %s\n", t.Name(), part)
	}
	t.Skip(reason)
	return ""
}
