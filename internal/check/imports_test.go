package check

import (
	"fmt"
	"go/parser"
	"go/token"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/sepwatch/sepwatch"

// rooms is the table of docs/architecture.md: for each room the other rooms
// of ours that its packages may import. A package belongs to the room with
// the longest name that it begins with; packages of one room may import each
// other.
var rooms = map[string][]string{
	"cmd/sepwatch": {"internal/app", "internal/demo", "internal/config", "internal/ledger", "internal/pipeline", "internal/simulate",
		"enrich", "sepclient", "parse", "rules", "incident"},
	"internal/acceptance": {"internal/app", "internal/config", "internal/connect", "incident"},
	"internal/bench":      {"internal/realparts", "internal/simulate", "parse", "parse/indicator/indicatortest"},
	"internal/demo":       {"internal/app", "internal/config", "internal/simulate", "incident"},
	"internal/app": {"internal/metrics", "internal/pipeline", "internal/ledger", "internal/config", "internal/remote",
		"ingest", "parse", "rules", "enrich", "sepclient", "resilient", "incident"},
	"internal/metrics": {"internal/pipeline", "internal/ledger", "ingest", "parse"},
	"internal/pipeline": {"internal/ledger", "internal/remote",
		"ingest", "parse", "rules", "enrich", "sepclient", "resilient", "incident"},
	"internal/ledger":               {"incident", "parse"},
	"internal/ledger/ledgertest":    {"internal/ledger", "internal/realparts", "incident", "parse"},
	"ingest":                        {"internal/connect"},
	"parse":                         {"incident"},
	"parse/indicator/indicatortest": {"incident", "parse"},
	"rules":                         {"incident", "parse"},
	"enrich":                        {"internal/winzip", "incident", "sepclient"},
	"sepclient":                     {"internal/remote", "internal/connect"},
	"resilient":                     {"internal/remote", "internal/connect", "incident"},
	"internal/remote":               {"internal/connect"},
	"internal/connect":              {},
	"internal/winzip":               {"incident"},
	"incident":                      {},
	"internal/config":               {"internal/connect", "parse", "incident"},
	"internal/simulate":             {},
	"internal/realparts":            {"internal/simulate"}, // its certificates
	"internal/check":                {},
}

// forTests are the rooms that exist for tests: no other production package
// imports them, and only they import the testing libraries.
var forTests = []string{"internal/acceptance", "internal/bench", "internal/ledger/ledgertest", "internal/realparts", "parse/indicator/indicatortest"}

// alsoInTests are the rooms that every test may import as well.
var alsoInTests = []string{"internal/ledger", "internal/ledger/ledgertest", "internal/realparts", "internal/simulate", "parse/indicator/indicatortest"}

// testing libraries have no business in the program.
var testLibraries = []string{"testing", "github.com/stretchr/testify", "pgregory.net/rapid", "go.uber.org/goleak", "github.com/rogpeppe/go-internal"}

func TestImportRule(t *testing.T) {
	t.Parallel()
	packages := sourceImports(t)
	require.Contains(t, packages, "incident", "the walk found the module's packages")
	for _, pkg := range slices.Sorted(maps.Keys(packages)) {
		if room(pkg) == "" {
			t.Errorf("package %s is in no room: add its room to the table here and to docs/architecture.md", pkg)
			continue
		}
		for file, imports := range packages[pkg] {
			for _, imported := range imports {
				if why := refuses(pkg, imported, strings.HasSuffix(file, "_test.go")); why != "" {
					t.Errorf("%s (package %s) imports %s: %s", file, pkg, imported, why)
				}
			}
		}
	}
}

// sourceImports gives the imports of every Go file, by package and file. It
// reads all files, whatever their build tags.
func sourceImports(t *testing.T) map[string]map[string][]string {
	t.Helper()
	packages := make(map[string]map[string][]string)
	for _, name := range projectFiles(t, ".go") {
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, name), nil, parser.ImportsOnly)
		require.NoError(t, err)
		var imports []string
		for _, spec := range file.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			require.NoError(t, err)
			imports = append(imports, imported)
		}
		pkg := path.Dir(name)
		if packages[pkg] == nil {
			packages[pkg] = make(map[string][]string)
		}
		packages[pkg][name] = imports
	}
	return packages
}

// room gives the room of a package of ours; empty when it has none.
func room(pkg string) string {
	longest := ""
	for name := range rooms {
		if within(pkg, name) && len(name) > len(longest) {
			longest = name
		}
	}
	return longest
}

func within(pkg, name string) bool { return pkg == name || strings.HasPrefix(pkg, name+"/") }

// refuses says why a file of the package may not import the path; empty when
// it may.
func refuses(pkg, imported string, test bool) string {
	here := room(pkg)
	if !within(imported, module) {
		isTestLibrary := slices.ContainsFunc(testLibraries, func(l string) bool { return within(imported, l) })
		if isTestLibrary && !test && !slices.Contains(forTests, here) {
			return "it is for tests only"
		}
		return ""
	}
	there := room(strings.TrimPrefix(strings.TrimPrefix(imported, module), "/"))
	allowed := there == here || slices.Contains(rooms[here], there)
	switch {
	case there == "":
		return "it is in no room"
	case test && slices.Contains(alsoInTests, there):
		return ""
	case !allowed:
		return fmt.Sprintf("%s may import of ours only %s", here, strings.Join(append([]string{"itself"}, rooms[here]...), ", "))
	case !test && slices.Contains(forTests, there) && !slices.Contains(forTests, here):
		return "it is for tests only"
	}
	return ""
}

// TestRefuses holds the rule itself to what design and table mean.
func TestRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		pkg, imported string
		test, refused bool
	}{
		{"parse", module + "/incident", false, false},
		{"parse", module + "/rules", false, true},
		{"rules", module + "/internal/ledger", false, true},
		{"rules", module + "/internal/ledger", true, false},
		{"rules", module + "/internal/pipeline", true, true},
		{"enrich", module + "/sepclient", false, false},
		{"sepclient", module + "/incident", false, true},
		{"resilient", module + "/internal/simulate/soar", false, true},
		{"resilient", module + "/internal/simulate/soar", true, false},
		{"internal/simulate/sepm", module + "/internal/simulate/serve", false, false},
		{"internal/simulate/sepm", module + "/sepclient", true, true},
		{"internal/ledger/sqlite", module + "/internal/ledger", false, false},
		{"internal/ledger/sqlite", module + "/internal/ledger/ledgertest", false, true},
		{"internal/ledger/sqlite", module + "/internal/ledger/ledgertest", true, false},
		{"internal/ledger/ledgertest", "testing", false, false},
		{"internal/app", module + "/internal/realparts", false, true},
		{"internal/app", "testing", false, true},
		{"internal/app", "testing/fstest", false, true},
		{"internal/app", "testing", true, false},
		{"internal/app", "github.com/stretchr/testify/require", false, true},
		{"internal/app", "net/http", false, false},
		{"incident", module + "/util", false, true},
		{"incident", module, false, true},
		{"incidents", module + "/incident", false, true},
	}
	for _, tt := range tests {
		require.Equal(t, tt.refused, refuses(tt.pkg, tt.imported, tt.test) != "", "%s imports %s, in a test: %t", tt.pkg, tt.imported, tt.test)
	}
}

// TestTable holds the table to itself: it names rooms that are in it, and
// goes downwards.
func TestTable(t *testing.T) {
	t.Parallel()
	var visit func(name string, above []string)
	visit = func(name string, above []string) {
		require.Contains(t, rooms, name)
		require.NotContains(t, above, name, "a circle: %v", append(above, name))
		for _, below := range rooms[name] {
			visit(below, append(slices.Clone(above), name))
		}
	}
	for name := range rooms {
		visit(name, nil)
	}
}
