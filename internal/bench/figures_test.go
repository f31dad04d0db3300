// Package bench measures the figures of the design (§10): each beside a
// reference that is measured in the same run on the same machine, so that the
// machine's own speed divides out. `make bench` writes them to bench.json and
// into docs/performance.md.
package bench

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var out = flag.String("out", "", "write bench.json and docs/performance.md below this folder")

// scale is how much is measured.
type scale struct {
	// drain mails are drained runs times, by each contender in turn.
	drain, runs int
	// push mails arrive one by one.
	push int
	// alerts are turned into incidents, each on a computer of its own.
	alerts int
	// storm alerts name computers of a fleet.
	storm, computers, fleet int
	// memory mails are drained while memory is watched; growth mails are what
	// the time for one of them is compared with.
	memory, growth int
	// large is the size of one mail.
	large int
}

var (
	full  = scale{drain: 20_000, runs: 5, push: 200, alerts: 5_000, storm: 1_000, computers: 200, fleet: 20_000, memory: 100_000, growth: 10_000, large: 50 << 20}
	small = scale{drain: 200, runs: 1, push: 3, alerts: 50, storm: 50, computers: 10, fleet: 500, memory: 300, growth: 100, large: 2 << 20}
)

// figures are all measurements, in the order of the design's table.
var measurements = []struct {
	name    string
	measure func(testing.TB, scale, figures)
}{
	{"parse", measureParse},
	{"indicators", measureIndicators},
	{"drain", measureDrain},
	{"push", measurePush},
	{"alerts", measureAlerts},
	{"storm", measureStorm},
	{"memory", measureMemory},
}

// figures are numbers by name; those that begin with "reference_" are the
// machine's, the rest are ours.
type figures map[string]float64

// BenchmarkFigures measures everything at full scale.
func BenchmarkFigures(b *testing.B) {
	all := figures{}
	for _, m := range measurements {
		b.Run(m.name, func(b *testing.B) {
			got := figures{}
			for b.Loop() {
				m.measure(b, full, got)
			}
			b.ReportMetric(0, "ns/op")
			for _, name := range slices.Sorted(maps.Keys(got)) {
				b.ReportMetric(got[name], name)
			}
			maps.Copy(all, got)
		})
	}
	if *out != "" && !b.Failed() {
		require.NoError(b, write(*out, all))
	}
}

// TestFigures keeps the measuring itself from breaking: it measures a little
// of everything, and expects every figure of the table, but no speed.
func TestFigures(t *testing.T) {
	got := figures{}
	for _, m := range measurements {
		t.Run(m.name, func(t *testing.T) { m.measure(t, small, got) })
	}
	for _, row := range table {
		require.Contains(t, got, row.figure)
		require.Positive(t, got[row.figure]+1e9, row.figure) // a number, and not NaN
		for _, name := range row.references {
			require.Positive(t, got[name], name)
		}
	}
	require.NotContains(t, slices.Collect(maps.Values(got)), math.Inf(1))
}

// write writes bench.json and the table of docs/performance.md. What was not
// measured in this run keeps the number of an earlier one.
func write(root string, measured figures) error {
	name := filepath.Join(root, "bench.json")
	all := figures{}
	switch data, err := os.ReadFile(name); {
	case err == nil:
		if err := json.Unmarshal(data, &all); err != nil {
			return fmt.Errorf("read %s: %w: remove it to start anew", name, err)
		}
	case !os.IsNotExist(err):
		return err
	}
	for figure, n := range measured {
		all[figure] = round(n)
	}
	data, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(name, append(data, '\n'), 0o644); err != nil {
		return err
	}
	return writeTable(filepath.Join(root, "docs", "performance.md"), all)
}

// round keeps four significant digits: more would be noise.
func round(n float64) float64 {
	if n == 0 || math.IsInf(n, 0) || math.IsNaN(n) {
		return n
	}
	unit := math.Pow(10, math.Floor(math.Log10(math.Abs(n)))-3)
	return math.Round(math.Round(n/unit)*unit*1e6) / 1e6
}

// The table stands between these lines of docs/performance.md.
const (
	tableBegin = "<!-- figures: written by make bench -->\n"
	tableEnd   = "<!-- end of figures -->\n"
)

func writeTable(name string, all figures) error {
	doc, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	before, rest, ok := bytes.Cut(doc, []byte(tableBegin))
	_, after, ok2 := bytes.Cut(rest, []byte(tableEnd))
	if !ok || !ok2 {
		return fmt.Errorf("%s has no place for the table: want the lines %q and %q", name, tableBegin, tableEnd)
	}
	machine, err := machine()
	if err != nil {
		return err
	}
	text := string(before) + tableBegin + "Measured on " + machine + ".\n\n" + markdown(all) + tableEnd + string(after)
	return os.WriteFile(name, []byte(text), 0o644)
}

// machine names the machine, as far as it matters here.
func machine() (string, error) {
	cpus, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "", err
	}
	model, cores := "unknown processor", 0
	for line := range strings.Lines(string(cpus)) {
		key, value, _ := strings.Cut(line, ":")
		switch strings.TrimSpace(key) {
		case "model name":
			model = strings.TrimSpace(value)
		case "processor":
			cores++
		}
	}
	kernel, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%d cores of %s, Linux %s", cores, model, strings.TrimSpace(string(kernel))), nil
}

// median of an odd number of runs.
func median(runs []float64) float64 {
	sorted := slices.Sorted(slices.Values(runs))
	return sorted[len(sorted)/2]
}

// percentile is the value that p percent of the runs do not exceed.
func percentile(runs []float64, p float64) float64 {
	sorted := slices.Sorted(slices.Values(runs))
	return sorted[min(len(sorted)-1, int(math.Ceil(p/100*float64(len(sorted))))-1)]
}
