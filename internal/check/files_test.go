package check

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// root is the module's folder, from that of this package.
const root = "../.."

// projectFiles gives the files of the project that end in the suffix, from
// the root, with slashes: those that git tracks or would.
func projectFiles(t *testing.T, suffix string) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	cmd.Dir = root
	out, err := cmd.Output()
	require.NoError(t, err, "this test needs git and the project's repository")
	var files []string
	for name := range strings.SplitSeq(string(out), "\x00") {
		if name == "" || !strings.HasSuffix(name, suffix) {
			continue
		}
		// A tracked file may be deleted in the working tree.
		if info, err := os.Lstat(filepath.Join(root, name)); err == nil && info.Mode().IsRegular() {
			files = append(files, name)
		}
	}
	require.NotEmpty(t, files)
	return files
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, name))
	require.NoError(t, err)
	return data
}

// TestFileLength: a file tells one story.
func TestFileLength(t *testing.T) {
	t.Parallel()
	const most = 600
	for _, name := range projectFiles(t, ".go") {
		data := read(t, name)
		if lines := bytes.Count(data, []byte("\n")); lines > most && !strings.HasSuffix(name, "_test.go") && !generated(data) {
			t.Errorf("%s has %d lines, more than %d: split it by its stories", name, lines, most)
		}
	}
}

func generated(source []byte) bool {
	file, err := parser.ParseFile(token.NewFileSet(), "", source, parser.PackageClauseOnly|parser.ParseComments)
	return err == nil && ast.IsGenerated(file)
}

// TestNoMachinePaths: what is committed runs anywhere, so nothing names a
// path of the machine it was written on, or the host of a package registry.
func TestNoMachinePaths(t *testing.T) {
	t.Parallel()
	// In two parts, so that this file does not hold them.
	names := []string{
		"/work" + "/main", "/work" + "/shared", "/root" + "/go", "/tmp" + "/helpers",
		"proxy.golang" + ".org", "sum.golang" + ".org", "goproxy" + ".io", "goproxy" + ".cn",
		"registry.npmjs" + ".org", "pypi" + ".org", "crates" + ".io",
	}
	for _, file := range projectFiles(t, "") {
		data := read(t, file)
		for _, name := range names {
			if i := bytes.Index(data, []byte(name)); i >= 0 {
				t.Errorf("%s:%d names %s", file, 1+bytes.Count(data[:i], []byte("\n")), name)
			}
		}
	}
}
